"""A worker's look at its own result with a verifier's eyes: what differs here would be rejected
there, or judged by luck."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..domain.errors import EvidenceError
from ..domain.manifest import RenderSettings, TaskSpec
from ..domain.result import (
    audited_file,
    files_of,
    frame_file,
    has_picture,
    max_passes_bytes,
    max_picture_bytes,
    passes_file,
)
from ..domain.tiles import Tile, sample_grid
from ..ports.images import ImageDecoder, ImageFormat, Pixels
from ..ports.renderer import RenderSession


def check_frame(
    decoder: ImageDecoder, settings: RenderSettings, spec: TaskSpec, folder: Path, frame: int
) -> None:
    """Says nothing when every file of the frame is there as the manifest wants it.

    Raises EvidenceError ``image.missing``, ``image.undecodable``, ``image.wrong_format``.
    """
    for name in files_of(settings, spec, frame):
        path, is_passes = folder / name, name == passes_file(frame)
        most = (max_passes_bytes if is_passes else max_picture_bytes)(settings, spec)
        if path.is_file() and path.stat().st_size > most:
            raise EvidenceError("image.wrong_format", f"{name} is larger than its pixels", path=path)
        decoder.decode(path, (ImageFormat.passes if is_passes else ImageFormat.of)(settings, spec.region))


def first_difference(
    decoder: ImageDecoder,
    session: RenderSession,
    settings: RenderSettings,
    spec: TaskSpec,
    pictures: Path,
    pairs: Sequence[tuple[int, Tile]],
    between: Callable[[], None],
) -> tuple[int, Tile] | None:
    """The first of these (frame, tile) pairs that a fresh session does not render as the folder
    ``pictures`` shows it, or whose frame it does not finish so; None when all are equal to the
    last bit. ``between`` is called before each.

    Raises MachineError as ``RenderSession.render``; EvidenceError as ``check_frame``.
    """
    audited: dict[int, Pixels] = {}
    for frame, tile in pairs:
        between()
        if frame not in audited:
            path = pictures / audited_file(settings, frame)
            audited[frame] = decoder.decode(path, ImageFormat.audited(settings, spec.region))
            if not _finishes_so(decoder, session, settings, spec, pictures, frame, audited[frame]):
                return frame, tile
        rendered = session.render(frame, tile)
        again = decoder.decode(rendered.path, ImageFormat.audited(settings, tile))
        inner = tile.relative_to(spec.region)
        if not _same(audited[frame][inner.y0 : inner.y1, inner.x0 : inner.x1], again):
            return frame, tile
    return None


def check_tiles(key: str, spec: TaskSpec, tile_px: int, count: int) -> list[tuple[int, Tile]]:
    """The (frame, tile) pairs a worker checks of its own work: spread over the task by a hash of the
    claim's ``key``, the same on every start."""
    grid = sample_grid(spec.region, tile_px)
    pairs = []
    for number in range(min(count, len(grid) * len(spec.frames))):
        digest = hashlib.sha256(f"{key}/{number}".encode()).digest()
        pick = int.from_bytes(digest[:8], "big")
        frame = spec.frames[pick % len(spec.frames)]
        pairs.append((frame, grid.tile(pick // 2**20 % len(grid))))
    return pairs


def _finishes_so(
    decoder: ImageDecoder,
    session: RenderSession,
    settings: RenderSettings,
    spec: TaskSpec,
    pictures: Path,
    frame: int,
    passes: Pixels,
) -> bool:
    if not settings.has_passes or not has_picture(settings, spec):
        return True
    given = session.out / f"own-{frame}.exr"
    decoder.encode_exr(passes, given)
    again = decoder.decode(session.finish(frame, given).path, ImageFormat.of(settings, spec.region))
    given.unlink()
    return _same(decoder.decode(pictures / frame_file(frame), ImageFormat.of(settings, spec.region)), again)


def _same(one: Pixels, other: Pixels) -> bool:
    """To the last bit: a NaN equals itself, and -0.0 differs from 0.0."""
    return one.shape == other.shape and np.ascontiguousarray(one).tobytes() == other.tobytes()
