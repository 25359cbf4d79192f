"""What the gallery's renderers do with pixels: reading, writing and reshaping them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tileproof.adapters.images import ChildDecoder
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import ImageFormat, Pixels
from tileproof.ports.renderer import Rendered

_CODEC = ChildDecoder()


def read(rendered: Rendered, settings: RenderSettings) -> Pixels:
    """What a session has rendered: passes where the settings ask for any, else the picture."""
    return _CODEC.decode(rendered.path, ImageFormat.audited(settings, rendered.tile))


def read_picture(rendered: Rendered, settings: RenderSettings) -> Pixels:
    """What a session has finished."""
    return _CODEC.decode(rendered.path, ImageFormat.of(settings, rendered.tile))


def write(pixels: Pixels, path: Path) -> None:
    (_CODEC.encode_exr if pixels.dtype == np.float16 else _CODEC.encode_png)(pixels, path)


def cropped(pixels: Pixels, tile: Tile) -> Pixels:
    """This tile of a whole frame."""
    return pixels[tile.y0 : tile.y1, tile.x0 : tile.x1]


def top(settings: RenderSettings) -> int:
    """The largest value of a picture's channel."""
    return (1 << settings.depth) - 1


def whole(values: NDArray[np.float64], settings: RenderSettings) -> Pixels:
    """The nearest values that a channel of the picture can have."""
    return nearest(values, settings.depth, passes=False)


def like(values: NDArray[np.float64], pixels: Pixels) -> Pixels:
    """The nearest values of the kind that ``pixels`` are: of a picture or of passes."""
    return nearest(values, pixels.dtype.itemsize * 8, passes=pixels.dtype == np.float16)


def nearest(values: NDArray[np.float64], depth: int, *, passes: bool) -> Pixels:
    """The nearest values that passes, or a picture of this depth, can have."""
    if passes:
        most = float(np.finfo(np.float16).max)
        return np.clip(values, -most, most).astype(np.float16)
    rounded = np.clip(np.rint(values), 0, (1 << depth) - 1)
    return rounded.astype(np.uint8) if depth == 8 else rounded.astype(np.uint16)


def enlarged(pixels: Pixels, full: Tile, how: Image.Resampling = Image.Resampling.BICUBIC) -> Pixels:
    """The same picture or passes in the size of ``full``."""
    channels = [
        np.asarray(Image.fromarray(pixels[..., n].astype(np.float32)).resize((full.width, full.height), how))
        for n in range(pixels.shape[-1])
    ]
    return like(np.stack(channels, axis=-1).astype(np.float64), pixels)


def smoothed(pixels: Pixels, reach: int = 1) -> NDArray[np.float64]:
    """The mean of every pixel's neighbours up to ``reach`` away, itself among them."""
    padded = np.pad(pixels.astype(np.float64), ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1, 2 * reach + 1), axis=(0, 1))
    mean: NDArray[np.float64] = windows.mean(axis=(-2, -1))
    return mean


def block_numbers(pixels: Pixels, side_px: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For every pixel the row and the column of the square block that it lies in."""
    rows, columns = (np.arange(length) // side_px for length in pixels.shape[:2])
    across, down = np.meshgrid(columns, rows)
    return down, across
