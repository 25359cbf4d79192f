"""One picture of a result: read as the job agreed on it, or named with what is wrong."""

from __future__ import annotations

from pathlib import Path

from ..audit.compare import Pixels
from ..audit.report import Work
from ..domain.errors import EvidenceError
from ..domain.job import Ground
from ..domain.result import frame_file, max_frame_bytes
from ..ports.images import ImageDecoder, ImageFormat

_GROUNDS = {
    "image.missing": Ground.MISSING,
    "image.undecodable": Ground.UNDECODABLE,
    "image.wrong_format": Ground.WRONG_FORMAT,
}


def read_picture(decoder: ImageDecoder, result: Path, work: Work, position: int) -> Pixels | Ground:
    """The pixels of the picture at this position of the task's frames, or why there are none.

    Raises EvidenceError as the decoder does for what is no fault of the picture.
    """
    path = result / frame_file(work.spec.frames[position])
    if path.is_symlink() or not path.is_file():
        return Ground.MISSING
    if path.stat().st_size > max_frame_bytes(work.settings, work.spec):
        return Ground.WRONG_FORMAT
    expected = ImageFormat.of(work.settings, work.spec.region)
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
