"""Fifteen hundred hostile pictures; `python -m benchmarks.fuzz_images` plays twenty thousand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile
from tileproof.adapters.images import ChildDecoder
from tileproof.domain.errors import EvidenceError
from tileproof.ports.images import ImageFormat, Pixels

from benchmarks.fuzz_images import KINDS, play

ROOT = Path(__file__).resolve().parents[2]


def test_no_hostile_picture_does_harm_or_is_taken_for_another() -> None:
    """In a process of its own, whose memory is nobody else's."""
    command = [sys.executable, "-m", "benchmarks.fuzz_images", "--files", "1500"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=500)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    tally = json.loads(done.stdout.splitlines()[-1])
    assert tally["violations"] == []
    assert len(tally["by_mutation"]) == sum(map(len, KINDS.values()))
    # else nothing was compared
    assert min(tally["accepted_as_the_original"], tally["accepted_as_another"]) > 50
    assert set(tally["refused"]) == {"image.undecodable", "image.wrong_format"}


class Forgiving(ChildDecoder):
    """Makes of a damaged PNG what can be made of it."""

    def decode(self, path: Path, expected: ImageFormat) -> Pixels:
        try:
            return super().decode(path, expected)
        except EvidenceError:
            if expected.container != "PNG" or expected.depth != 8 or expected.width > 100:
                raise
            return self._forgiven(path, expected)

    def _forgiven(self, path: Path, expected: ImageFormat) -> Pixels:
        try:
            with Image.open(path) as image:
                pixels = np.asarray(image)
        except (OSError, ValueError, SyntaxError) as error:
            raise EvidenceError("image.undecodable", "beyond all forgiveness") from error
        if pixels.shape != (expected.height, expected.width, expected.channels):
            raise EvidenceError("image.wrong_format", "another size")
        return pixels


class Forgetful(ChildDecoder):
    """Gives the pixels of the last good picture of that size when it fails on one."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[ImageFormat, Pixels] = {}

    def decode(self, path: Path, expected: ImageFormat) -> Pixels:
        try:
            self._last[expected] = super().decode(path, expected)
        except EvidenceError:
            if expected not in self._last:
                raise
        return self._last[expected]


class Fussy(ChildDecoder):
    """Refuses what Pillow would not have written."""

    def decode(self, path: Path, expected: ImageFormat) -> Pixels:
        pixels = super().decode(path, expected)
        again = path.with_suffix(".again")
        (self.encode_png if expected.container == "PNG" else self.encode_exr)(pixels, again)
        if again.read_bytes() != path.read_bytes():
            raise EvidenceError("image.undecodable", "not as we write it")
        return pixels


@pytest.mark.parametrize("bad", [Forgiving, Forgetful, Fussy])
def test_a_decoder_that_forgives_forgets_or_fusses_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: Callable[[], ChildDecoder]
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    assert play(range(150), 2, tmp_path, bad()).violations
