"""How two pictures of one tile differ, in a few numbers that hint at what was done.

Measured on the picture as eyes see it, in levels of 255, where a perceptual hash or a PSNR only
says how much. No verdict rests on any of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from ..domain.tiles import Tile
from .compare import Pixels, as_seen, differing

_SWAPS = [order for order in permutations(range(3)) if order != (0, 1, 2)]
_SWAP_GAIN = 0.1
"""A change of channels is one when it leaves less than this share of the squared difference."""
_LEAST_DETAIL = 0.05
"""Levels of fine detail below which a tile has none to compare."""
_MOST_SHARPNESS = 1_000.0


@dataclass(frozen=True, slots=True)
class Traits:
    """What a submitted tile is like beside its re-render; levels are of 255, as shown."""

    box: Tile
    """Holds every pixel that differs, counted from the tile's top left corner."""
    filled: float  # share of the box's pixels that differ, 0..1
    spread: float  # the box's share of the tile, 0..1
    difference: float  # root mean square over the picture's three channels
    unexplained: float  # the same after the best smooth curve per channel
    shift: tuple[float, float, float]  # submitted minus rendered, mean per channel
    sharpness: float  # fine detail, submitted over rendered; 1 is as crisp
    likeness: float  # correlation of brightness, -1..1
    channels: str  # "BGR" when another order of channels makes them all but equal; else "RGB"
    blank: bool  # submitted in one colour, where the scene has more


def traits_of(submitted: Pixels, rendered: Pixels) -> Traits | None:
    """The traits of a tile that differs; None when the two are equal to the last bit."""
    differs = differing(submitted, rendered)
    if not differs.any():
        return None
    ours, theirs = as_seen(rendered)[..., :3] * 255, as_seen(submitted)[..., :3] * 255
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    box = Tile(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return Traits(
        box=box,
        filled=float(differs[box.y0 : box.y1, box.x0 : box.x1].mean()),
        spread=box.area / differs.size,
        difference=_rms(theirs - ours),
        unexplained=_rms(theirs - _curved(ours, theirs)),
        shift=_three((theirs - ours).mean(axis=(0, 1))),
        sharpness=_sharpness(theirs, ours),
        likeness=_likeness(theirs, ours),
        channels=_channels(theirs, ours),
        blank=bool((theirs == theirs[0, 0]).all() and not (ours == ours[0, 0]).all()),
    )


def _rms(difference: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(difference))))


def _curved(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """``ours`` through the quadratic, per channel, that comes nearest to ``theirs``: what a change
    of brightness, contrast, gamma or tint does to a picture."""
    curved = np.empty_like(ours)
    for channel in range(3):
        x = ours[..., channel].ravel() / 255
        powers = np.stack([np.ones_like(x), x, x * x], axis=1)
        factors, *_ = np.linalg.lstsq(powers, theirs[..., channel].ravel(), rcond=None)
        curved[..., channel] = (powers @ factors).reshape(ours.shape[:2])
    return curved


def _sharpness(theirs: NDArray[np.float64], ours: NDArray[np.float64]) -> float:
    crisp, other = _detail(ours), _detail(theirs)
    if max(crisp, other) < _LEAST_DETAIL:
        return 1.0
    return min(_MOST_SHARPNESS, other / max(crisp, 1e-9))


def _detail(picture: NDArray[np.float64]) -> float:
    """Levels by which pixels stand out from their four neighbours (the Laplacian's mean size)."""
    grey = picture.mean(axis=2)
    if min(grey.shape) < 3:
        return 0.0
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float(np.abs(grey[1:-1, 1:-1] - around / 4).mean())


def _likeness(theirs: NDArray[np.float64], ours: NDArray[np.float64]) -> float:
    one, other = theirs.mean(axis=2), ours.mean(axis=2)
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt(np.square(one).sum() * np.square(other).sum()))
    return 0.0 if scale == 0 else float(np.clip((one * other).sum() / scale, -1, 1))


def _channels(theirs: NDArray[np.float64], ours: NDArray[np.float64]) -> str:
    whole = float(np.square(theirs - ours).mean())
    left = {order: float(np.square(theirs - ours[..., list(order)]).mean()) for order in _SWAPS}
    best = min(_SWAPS, key=lambda order: left[order])
    return "".join("RGB"[c] for c in best) if left[best] < _SWAP_GAIN * whole else "RGB"


def _three(values: NDArray[np.float64]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
