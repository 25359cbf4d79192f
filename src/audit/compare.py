"""Two pictures of one tile in, scores out. Nobody here knows who made which.

In the exact lane only equality to the last bit decides. Everything else is measured beside
it: it tells an artist how a tile differs, and it shows what a perceptual hash would have said.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float16] | NDArray[np.float32]
"""Rows x columns x channels, row 0 on top; integers count levels, floats are scene-linear, and
where there are more than three channels the first three are the picture."""

HASH_BITS = 64
_HASH_EDGE = 8
_LEAST_HASHED_PX = 16  # the wavelet hash needs more pixels than bits a side


@dataclass(frozen=True, slots=True)
class HashDistances:
    """Bits that differ, of ``HASH_BITS``, between two pictures' perceptual hashes."""

    phash: int
    dhash: int
    whash: int


@dataclass(frozen=True, slots=True)
class TileScore:
    """How far a submitted tile is from its re-render."""

    equal: bool  # every channel of every pixel, to the last bit
    equal_share: float  # of pixels, 0..1
    max_difference: float  # in levels of 8 bit, whatever the depth
    psnr_db: float  # of what is seen, against full scale; infinite when equal
    hashes: HashDistances


def compare_tiles(submitted: Pixels, rendered: Pixels) -> TileScore:
    """The scores of one tile. PSNR = 10 log10(1 / mean squared difference) at full scale 1.

    For the PSNR a float v counts as the sRGB curve of v / (1 + v), with v's sign: like 8 bits on a
    screen it weighs shadows as eyes do, and no light, however bright, counts for more than 1.

    Raises ValueError when shapes or types differ: the decoder has refused such files before.
    """
    if submitted.shape != rendered.shape or submitted.dtype != rendered.dtype or submitted.ndim != 3:
        raise ValueError(f"cannot compare {submitted.shape} {submitted.dtype} with {rendered.shape}")
    same = _as_bits(submitted) == _as_bits(rendered)
    equal = bool(same.all())
    difference = _gap(_unit(submitted), _unit(rendered), same)
    mean_square = float(np.mean(np.square(_gap(_seen(submitted), _seen(rendered), same))))
    return TileScore(
        equal=equal,
        equal_share=float(same.all(axis=2).mean()),
        max_difference=0.0 if equal else float(difference.max()) * 255,
        psnr_db=math.inf if mean_square == 0 else -10 * math.log10(mean_square),
        hashes=hash_distances(submitted, rendered),
    )


def hash_distances(one: Pixels, other: Pixels) -> HashDistances:
    """How many bits of pHash, dHash and wHash differ (imagehash's, 64 bits each)."""
    a, b = _picture(one), _picture(other)
    return HashDistances(
        phash=int(imagehash.phash(a, hash_size=_HASH_EDGE) - imagehash.phash(b, hash_size=_HASH_EDGE)),
        dhash=int(imagehash.dhash(a, hash_size=_HASH_EDGE) - imagehash.dhash(b, hash_size=_HASH_EDGE)),
        whash=int(imagehash.whash(a, hash_size=_HASH_EDGE) - imagehash.whash(b, hash_size=_HASH_EDGE)),
    )


def pixel_digest(pixels: Pixels) -> str:
    """SHA-256 over shape, type and decoded pixels, as hex: what two renders are told apart by.

    Never over a file: files of equal pixels differ by their dates.
    """
    header = f"{pixels.dtype.newbyteorder('<').str} {'x'.join(map(str, pixels.shape))}\n"
    little = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<"))
    return hashlib.sha256(header.encode() + little.tobytes()).hexdigest()


def difference_picture(submitted: Pixels, rendered: Pixels) -> NDArray[np.uint8]:
    """Where two tiles differ, for eyes: rows x columns x 3, black where equal.

    Each pixel's largest channel difference on a logarithmic ramp from dark blue (one level
    or less) through orange to white (full scale), so that one wrong level is seen at all.
    """
    same = _as_bits(submitted) == _as_bits(rendered)
    difference = _gap(_unit(submitted), _unit(rendered), same).max(axis=2)
    differs = ~same.all(axis=2)
    strength = np.clip(1 + np.log2(np.maximum(difference, 1 / 256)) / 8, 0, 1)
    stops = np.array([0.0, 0.35, 0.7, 1.0])
    colours = np.array([[24, 60, 150], [170, 50, 130], [255, 150, 40], [255, 255, 240]], dtype=float)
    ramp = np.stack([np.interp(strength, stops, colours[:, c]) for c in range(3)], axis=2)
    return np.asarray(np.where(differs[..., None], ramp, 0), dtype=np.uint8)


def differing(one: Pixels, other: Pixels) -> NDArray[np.bool_]:
    """Rows x columns: the pixels whose channels are not all equal to the last bit."""
    # Bytes and not values: a NaN of a float picture equals itself, and -0.0 differs from 0.0.
    return np.asarray((_as_bits(one) != _as_bits(other)).any(axis=2))


def as_seen(pixels: Pixels) -> NDArray[np.float64]:
    """Values 0..1 as a viewer shows them: what is scene-linear is clipped and goes through the
    sRGB curve (IEC 61966-2-1)."""
    unit = np.clip(np.nan_to_num(_unit(pixels)), 0, 1)
    if np.issubdtype(pixels.dtype, np.integer):
        return unit
    return _srgb(unit)


def eight_bit(pixels: Pixels) -> NDArray[np.uint8]:
    """The picture as 8-bit levels, for hashes and eyes only."""
    return np.asarray(np.round(as_seen(pixels) * 255), dtype=np.uint8)


def _picture(pixels: Pixels) -> Image.Image:
    picture = Image.fromarray(eight_bit(pixels)[..., :3])
    if min(picture.size) < _LEAST_HASHED_PX:
        size = (max(picture.width, _LEAST_HASHED_PX), max(picture.height, _LEAST_HASHED_PX))
        picture = picture.resize(size, Image.Resampling.NEAREST)
    return picture


def _unit(pixels: Pixels) -> NDArray[np.float64]:
    """Full scale is 1, whatever the depth."""
    scale = np.iinfo(pixels.dtype.name).max if np.issubdtype(pixels.dtype, np.integer) else 1
    return pixels.astype(np.float64) / scale


def _seen(pixels: Pixels) -> NDArray[np.float64]:
    """Full scale is 1; floats as ``compare_tiles`` says."""
    unit = _unit(pixels)
    if np.issubdtype(pixels.dtype, np.integer):
        return unit
    with np.errstate(invalid="ignore"):  # infinity through infinity
        bounded = np.where(np.isinf(unit), 1.0, np.abs(unit) / (1 + np.abs(unit)))
    return np.asarray(np.copysign(_srgb(bounded), unit))


def _srgb(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _gap(
    one: NDArray[np.float64], other: NDArray[np.float64], same: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """None where all bits are the same; full scale where either is no number, or infinite."""
    with np.errstate(invalid="ignore"):  # infinity from infinity
        difference = np.abs(one - other)
    return np.where(same, 0.0, np.nan_to_num(difference, nan=1.0, posinf=1.0))


def _as_bits(pixels: Pixels) -> NDArray[np.unsignedinteger]:
    if pixels.dtype == np.float32:
        return np.ascontiguousarray(pixels).view(np.uint32)
    if pixels.dtype == np.float16:
        return np.ascontiguousarray(pixels).view(np.uint16)
    return np.asarray(pixels)
