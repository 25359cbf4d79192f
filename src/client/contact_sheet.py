"""All frames of a job on one small picture."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..ports.images import Pixels

CELL_PX = 240
LARGE_CELL_PX = 480
"""Few frames get larger cells, as far as a sheet of ``SHEET_PX`` has room for them."""
SHEET_PX = 960
GAP_PX = 8
LABEL_PX = 20
MAX_FRAMES = 100
"""More frames than this are thinned out evenly, first and last kept."""

_GROUND = (24, 24, 27)
_LETTERS = (212, 212, 216)


def write_contact_sheet(
    frames: Sequence[tuple[int, Path]], decode: Callable[[Path], Pixels], target: Path
) -> None:
    """Writes a PNG with every frame (at most ``MAX_FRAMES``) in reading order, numbered.

    ``decode`` gives a frame's pixels, 8 or 16 bit, RGB or RGBA.
    """
    shown = _thinned(frames)
    columns = math.ceil(math.sqrt(len(shown)))
    rows = math.ceil(len(shown) / columns)
    cell = max(CELL_PX, min(LARGE_CELL_PX, SHEET_PX // columns))
    thumbs = [(frame, _thumbnail(decode(path), cell)) for frame, path in shown]
    width, height = thumbs[0][1].size
    step_x, step_y = width + GAP_PX, height + LABEL_PX + GAP_PX
    sheet = Image.new("RGB", (columns * step_x + GAP_PX, rows * step_y + GAP_PX), _GROUND)
    pen = ImageDraw.Draw(sheet)
    for at, (frame, thumb) in enumerate(thumbs):
        x, y = GAP_PX + at % columns * step_x, GAP_PX + at // columns * step_y
        sheet.paste(thumb, (x, y), thumb if thumb.mode == "RGBA" else None)
        pen.text((x + 2, y + height + 3), str(frame), fill=_LETTERS, font=ImageFont.load_default(14))
    new = target.with_suffix(".new")
    try:
        sheet.save(new, format="PNG")
        os.replace(new, target)
    finally:
        new.unlink(missing_ok=True)


def _thinned(frames: Sequence[tuple[int, Path]]) -> list[tuple[int, Path]]:
    if len(frames) <= MAX_FRAMES:
        return list(frames)
    return [frames[round(at * (len(frames) - 1) / (MAX_FRAMES - 1))] for at in range(MAX_FRAMES)]


def _thumbnail(pixels: Pixels, cell: int) -> Image.Image:
    eight = (pixels // 257 if pixels.dtype == np.uint16 else pixels).astype(np.uint8)
    image = Image.fromarray(eight)
    scale = min(cell, max(CELL_PX, *image.size)) / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST)
