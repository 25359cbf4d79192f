"""What each metric alone would say of the tiles on which exact comparison speaks.

Each metric is a distance: larger is less alike. A tolerance is chosen on half of the scenes so that it
flags no honest tile there, not even of another processor's kernel, and is tried on the others; the
customary tolerance, where the field has one, stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tileproof.audit.compare import Pixels, as_seen, compare_tiles

METRICS = ("phash", "dhash", "whash", "ssim", "psnr", "exact")
CUSTOMARY: Mapping[str, float] = {"phash": 5, "dhash": 5, "whash": 5, "ssim": 0.05, "psnr": -40.0}
"""Five bits of 64 is what imagehash's users take for one picture; SSIM 0.95 and 40 dB for a good copy."""
_WINDOW = 7
_K1, _K2 = 0.01, 0.03


def distances(given: Pixels, true: Pixels) -> dict[str, float]:
    """Of one tile, by metric; PSNR in dB with its sign turned."""
    score = compare_tiles(given, true)
    return {
        "phash": score.hashes.phash,
        "dhash": score.hashes.dhash,
        "whash": score.hashes.whash,
        "ssim": 1 - ssim(_grey(given), _grey(true)),
        "psnr": -min(score.psnr_db, 200.0),
        "exact": 0.0 if score.equal else 1.0,
    }


def ssim(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Mean structural similarity of two grey pictures, 0..1 each: Z. Wang et al., IEEE Transactions on
    Image Processing 13 (2004), 600-612, with a flat window of 7 pixels a side."""
    side = min(_WINDOW, *one.shape)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        windows = np.lib.stride_tricks.sliding_window_view(values, (side, side))
        return np.asarray(windows.mean(axis=(2, 3)))

    a, b = mean(one), mean(other)
    var_a, var_b = mean(one * one) - a * a, mean(other * other) - b * b
    both = mean(one * other) - a * b
    c1, c2 = _K1**2, _K2**2
    top = (2 * a * b + c1) * (2 * both + c2)
    return float((top / ((a * a + b * b + c1) * (var_a + var_b + c2))).mean())


def _grey(pixels: Pixels) -> NDArray[np.float64]:
    seen = as_seen(pixels)[..., :3].astype(np.float64)
    return np.asarray(seen @ np.array([0.2126, 0.7152, 0.0722]))


@dataclass(frozen=True, slots=True)
class Tolerances:
    """Per metric, the largest distance that is let pass."""

    chosen: Mapping[str, float]


def choose(honest: Sequence[Mapping[str, float]]) -> Tolerances:
    """The least tolerances that flag none of these honest tiles."""
    return Tolerances({name: max((each[name] for each in honest), default=0.0) for name in METRICS})


def flagged(tiles: Sequence[Mapping[str, float]], tolerance: Mapping[str, float]) -> dict[str, float]:
    """The share of tiles that each metric flags."""
    return {
        name: sum(each[name] > most for each in tiles) / len(tiles) if tiles else float("nan")
        for name, most in tolerance.items()
    }


def roc(honest: Sequence[float], wrong: Sequence[float], points: int = 60) -> list[tuple[float, float]]:
    """(honest tiles flagged, wrong tiles flagged) for tolerances from the loosest to none."""
    every = np.unique(np.concatenate([np.asarray(honest), np.asarray(wrong)]))
    steps = every[np.linspace(0, len(every) - 1, min(points, len(every))).round().astype(int)]
    curve = [(0.0, 0.0)]
    loosest_first = sorted(steps, reverse=True)
    curve += [
        (float(np.mean(np.asarray(honest) > t)), float(np.mean(np.asarray(wrong) > t))) for t in loosest_first
    ]
    curve.append((1.0, 1.0))
    return curve
