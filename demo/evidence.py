"""What was caught, for people: the rejecting seat's report, and both pictures side by side."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from tileproof.adapters.ipfs.kubo import KuboStore
from tileproof.audit.compare import TileScore, compare_tiles, difference_picture
from tileproof.domain.cid import parse_cid
from tileproof.domain.manifest import TaskSpec
from tileproof.domain.result import frame_file

MAX_BYTES = 64 << 20
SECONDS = 60.0
GAP, LABEL = 8, 22
GROUND, LETTERS = (24, 24, 27), (212, 212, 216)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One rejected task. ``page`` and ``picture`` are files that can be opened."""

    page: Path
    picture: Path
    tiles: int
    equal: int
    worst_psnr_db: float
    worst_phash: int
    fresh_renders: int
    whole: TileScore
    """The whole submitted picture against the one that was paid for in the end."""


def gather(store: KuboStore, report: str, spec: TaskSpec, paid_for: Path, out: Path) -> Evidence:
    """Fetches report and rejected result by CID into ``out``; ``paid_for`` is the whole frame."""
    shutil.rmtree(out, ignore_errors=True)
    store.fetch(parse_cid(report), out, max_bytes=MAX_BYTES, timeout=SECONDS)
    facts = json.loads((out / "report.json").read_bytes())
    store.fetch(parse_cid(facts["result"]), out / "submitted", max_bytes=MAX_BYTES, timeout=SECONDS)
    submitted = _pixels(out / "submitted" / frame_file(spec.frames[0]))
    box = spec.region
    honest = _pixels(paid_for)[box.y0 : box.y1, box.x0 : box.x1]
    picture = out / "cheat.png"
    _side_by_side(
        {
            "handed in": submitted,
            "what was asked for": honest,
            "difference": difference_picture(submitted, honest),
        }
    ).save(picture)
    tiles = facts["tiles"]
    return Evidence(
        page=out / "report.html",
        picture=picture,
        tiles=len(tiles),
        equal=sum(tile["equal"] for tile in tiles),
        worst_psnr_db=min(tile["psnr_db"] for tile in tiles if tile["psnr_db"] is not None),
        worst_phash=max(tile["phash"] for tile in tiles),
        fresh_renders=len(facts["confirmation"]["fresh"]),
        whole=compare_tiles(submitted, honest),
    )


def _pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


def _side_by_side(panels: dict[str, NDArray[np.uint8]]) -> Image.Image:
    height, width = next(iter(panels.values())).shape[:2]
    sheet = Image.new("RGB", (len(panels) * (width + GAP) + GAP, height + 2 * GAP + LABEL), GROUND)
    pen = ImageDraw.Draw(sheet)
    for at, (label, pixels) in enumerate(panels.items()):
        x = GAP + at * (width + GAP)
        sheet.paste(Image.fromarray(pixels), (x, GAP))
        pen.text((x, height + GAP + 4), label, fill=LETTERS, font=ImageFont.load_default(14))
    return sheet
