"""All frames of a job on one small picture."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ..audit.compare import eight_bit
from ..ports.images import Pixels

CELL_PX = 240
LARGE_CELL_PX = 480
"""Few frames get larger cells, as far as a sheet of ``SHEET_PX`` has room for them."""
SHEET_PX = 960
GAP_PX = 8
LABEL_PX = 20
MAX_FRAMES = 100
"""More pictures than this are thinned out evenly, first and last kept; marked ones all stay."""

_GROUND = (24, 24, 27)
_LETTERS = (212, 212, 216)
_MARK = (239, 68, 68)
_MARK_PX = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture on the sheet; a marked one has a red frame and red letters."""

    label: str
    path: Path
    marked: bool = False


def write_contact_sheet(cells: Sequence[Cell], decode: Callable[[Path], Pixels], target: Path) -> None:
    """Writes a PNG with every picture (at most ``MAX_FRAMES`` that are not marked) in reading
    order, under its label.

    ``decode`` gives a picture's pixels, RGB or RGBA of any depth. Raises what it raises.
    """
    shown = _thinned(cells)
    columns = math.ceil(math.sqrt(len(shown)))
    rows = math.ceil(len(shown) / columns)
    room = max(CELL_PX, min(LARGE_CELL_PX, SHEET_PX // columns))
    thumbs = [_thumbnail(decode(cell.path), room) for cell in shown]
    width, height = (max(sizes) for sizes in zip(*(thumb.size for thumb in thumbs), strict=True))
    step_x, step_y = width + GAP_PX, height + LABEL_PX + GAP_PX
    sheet = Image.new("RGB", (columns * step_x + GAP_PX, rows * step_y + GAP_PX), _GROUND)
    pen = ImageDraw.Draw(sheet)
    for at, (cell, thumb) in enumerate(zip(shown, thumbs, strict=True)):
        x, y = GAP_PX + at % columns * step_x, GAP_PX + at // columns * step_y
        if cell.marked:
            edge = (
                x - _MARK_PX,
                y - _MARK_PX,
                x + thumb.width + _MARK_PX - 1,
                y + thumb.height + _MARK_PX - 1,
            )
            pen.rectangle(edge, outline=_MARK, width=_MARK_PX)
        sheet.paste(thumb, (x, y), thumb if thumb.mode == "RGBA" else None)
        letters = _MARK if cell.marked else _LETTERS
        pen.text((x + 2, y + height + 3), cell.label, fill=letters, font=ImageFont.load_default(14))
    new = target.with_suffix(".new")
    try:
        sheet.save(new, format="PNG")
        os.replace(new, target)
    finally:
        new.unlink(missing_ok=True)


def _thinned(cells: Sequence[Cell]) -> list[Cell]:
    plain = [at for at, cell in enumerate(cells) if not cell.marked]
    if len(plain) > MAX_FRAMES:
        plain = [plain[round(at * (len(plain) - 1) / (MAX_FRAMES - 1))] for at in range(MAX_FRAMES)]
    kept = set(plain)
    return [cell for at, cell in enumerate(cells) if cell.marked or at in kept]


def _thumbnail(pixels: Pixels, room: int) -> Image.Image:
    image = Image.fromarray(eight_bit(pixels))
    scale = min(room, max(CELL_PX, *image.size)) / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST)
