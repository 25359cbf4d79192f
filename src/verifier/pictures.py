"""One frame of a result: read as the job agreed on it, or named with what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..audit.compare import Pixels
from ..audit.report import Work
from ..domain.errors import EvidenceError
from ..domain.job import Ground
from ..domain.result import frame_file, has_picture, max_passes_bytes, max_picture_bytes, passes_file
from ..ports.images import ImageDecoder, ImageFormat

_GROUNDS = {
    "image.missing": Ground.MISSING,
    "image.undecodable": Ground.UNDECODABLE,
    "image.wrong_format": Ground.WRONG_FORMAT,
}


@dataclass(frozen=True, slots=True)
class FramePixels:
    """What a result shows of one frame; at least one of the two is there."""

    picture: Pixels | None  # None where the task is one region of a frame to be finished
    passes: Pixels | None  # None where nothing is finished

    @property
    def audited(self) -> Pixels:
        """What sample tiles are compared in."""
        return self.seen if self.passes is None else self.passes

    @property
    def seen(self) -> Pixels:
        """What people look at."""
        if self.picture is not None:
            return self.picture
        assert self.passes is not None
        return self.passes[..., :3]


def read_frame(decoder: ImageDecoder, result: Path, work: Work, position: int) -> FramePixels | Ground:
    """The pixels of every file of the frame at this position, or what is wrong with the first bad one.

    Raises EvidenceError as the decoder does for what is no fault of the file.
    """
    found: list[Pixels | None] = []
    for read, is_there in (
        (read_picture, has_picture(work.settings, work.spec)),
        (read_passes, work.settings.has_passes),
    ):
        pixels = read(decoder, result, work, position) if is_there else None
        if isinstance(pixels, Ground):
            return pixels
        found.append(pixels)
    return FramePixels(*found)


def read_picture(decoder: ImageDecoder, result: Path, work: Work, position: int) -> Pixels | Ground:
    """The finished picture at this position of the task's frames, or why there is none."""
    path = result / frame_file(work.spec.frames[position])
    most = max_picture_bytes(work.settings, work.spec)
    return _read(decoder, path, ImageFormat.of(work.settings, work.spec.region), most)


def read_passes(decoder: ImageDecoder, result: Path, work: Work, position: int) -> Pixels | Ground:
    """The same of the passes that the picture is finished from."""
    path = result / passes_file(work.spec.frames[position])
    most = max_passes_bytes(work.settings, work.spec)
    return _read(decoder, path, ImageFormat.passes(work.settings, work.spec.region), most)


def _read(decoder: ImageDecoder, path: Path, expected: ImageFormat, most: int) -> Pixels | Ground:
    if path.is_symlink() or not path.is_file():
        return Ground.MISSING
    if path.stat().st_size > most:
        return Ground.WRONG_FORMAT
    try:
        try:
            return decoder.decode(path, expected)
        except EvidenceError as error:
            if error.code != "image.undecodable":
                raise
            # The decoder's own time limit may have struck: a busy machine must not slash.
            return decoder.decode(path, expected)
    except EvidenceError as error:
        if error.code not in _GROUNDS:
            raise
        return _GROUNDS[error.code]
