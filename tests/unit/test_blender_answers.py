"""What a Blender that a stranger's scene has taken over may answer."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from tileproof.adapters.blender.process import _unpacked
from tileproof.domain.errors import EvidenceError, MachineError


@pytest.fixture
def raised_limit() -> Iterator[None]:
    """Python's own limit as imported packages leave it: higher than the stack can bear."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"not JSON",
        b"[]",
        b"null",
        b"7",
        b'"ok"',
        b"{}",
        b'{"ok": 7}',
        b'{"error": {}}',
        b'{"error": "scene.no_camera"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"ok":' * 100_000,
    ],
)
@pytest.mark.usefixtures("raised_limit")
def test_an_answer_that_cannot_be_read_is_a_crash_of_blender_and_not_of_ours(line: bytes) -> None:
    with pytest.raises(MachineError) as crashed:
        _unpacked(line)
    assert crashed.value.code == "render.crashed"


def test_only_what_is_wrong_with_the_scene_is_evidence() -> None:
    with pytest.raises(EvidenceError):
        _unpacked(b'{"error": {"code": "scene.no_camera", "message": "none"}}')
    with pytest.raises(MachineError):
        _unpacked(b'{"error": {"code": "money.lost", "message": "all of it"}}')
    assert _unpacked(b'{"ok": {"path": "1.png"}}') == {"path": "1.png"}
