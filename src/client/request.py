"""What a requester asked for, as typed and already taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..domain.errors import InputError
from ..domain.money import Fri
from ..domain.policy import EXACT

_PAIR = re.compile(r"(\d{1,6})\s*[xX×]\s*(\d{1,6})", re.ASCII)
_BITS = re.compile(r"(\d{1,2}),(\d{1,2}),(\d{1,2})", re.ASCII)
_PERCENT = re.compile(r"(\d{1,4})\s*%", re.ASCII)


@dataclass(frozen=True, slots=True)
class Resolution:
    """Either pixels, or a percentage of the scene's own size."""

    width_px: int = 0
    height_px: int = 0
    percent: int = 0


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """Which pictures of a scene to render, and how the job is cut and audited.

    None means: as the scene says; of the sample tiles, as fits the job (audit/plan.py).
    """

    blend: Path
    frames: str | None = None
    resolution: Resolution | None = None
    samples_per_pixel: int | None = None
    camera: str | None = None
    view_layer: str | None = None
    depth: int = 8
    columns: int = 1
    rows: int = 1
    frames_per_task: int = 1
    tile_px: int | None = None
    sample_tiles: int | None = None
    lane: str = EXACT
    accept_db: float | None = None  # None: the lane's default
    reject_db: float | None = None
    hash_bits: tuple[int, int, int] | None = None  # pHash, dHash, wHash
    band_bits: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered per task. None means: the default, brought within the contract's bounds;
    what is given is never changed, but refused when out of bounds."""

    reward: Fri
    audit_fee: Fri | None = None
    committee_size: int = 3
    audit_rate_bps: int = 10_000
    worker_bond: Fri | None = None
    lease_seconds: int | None = None
    commit_blocks: int | None = None
    reveal_blocks: int | None = None
    appeal_blocks: int | None = None
    deadline_seconds: int | None = None
    default_lease_seconds: int = 3600
    default_commit_blocks: int = 300
    default_reveal_blocks: int = 150
    default_appeal_blocks: int = 150
    default_deadline_seconds: int = 72 * 3600


def parse_split(text: str) -> tuple[int, int]:
    """Columns and rows written as ``COLSxROWS``. Raises InputError ``split.malformed``."""
    match = _PAIR.fullmatch(text.strip())
    if match is None or int(match[1]) < 1 or int(match[2]) < 1:
        raise InputError(
            "split.malformed",
            f"{text!r} is not COLUMNSxROWS",
            remedy="write such as 4x4: columns, x, rows, each at least 1",
            text=text[:100],
        )
    return int(match[1]), int(match[2])


def parse_resolution(text: str) -> Resolution:
    """``1920x1080`` or ``50%``. Raises InputError ``resolution.malformed``."""
    pair, percent = _PAIR.fullmatch(text.strip()), _PERCENT.fullmatch(text.strip())
    if pair is not None and int(pair[1]) > 0 and int(pair[2]) > 0:
        return Resolution(width_px=int(pair[1]), height_px=int(pair[2]))
    if percent is not None and 1 <= int(percent[1]) <= 1000:
        return Resolution(percent=int(percent[1]))
    raise InputError(
        "resolution.malformed",
        f"{text!r} is not a resolution",
        remedy="write WIDTHxHEIGHT in pixels such as 1920x1080, or a percentage of the scene's such as 50%",
        text=text[:100],
    )


def parse_hash_bits(text: str) -> tuple[int, int, int]:
    """pHash's, dHash's and wHash's bits. Raises InputError ``hash_bits.malformed``."""
    match = _BITS.fullmatch(text.replace(" ", ""))
    if match is None:
        raise InputError(
            "hash_bits.malformed",
            f"{text!r} is not PHASH,DHASH,WHASH",
            remedy="write three numbers of bits, such as 14,14,14",
        )
    return int(match[1]), int(match[2]), int(match[3])
