"""A role that goes on touches its heartbeat file; one that hangs does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tileproof.adapters.clock import BEAT_SECONDS, HeartbeatClock


def test_a_role_that_looks_at_its_clock_touches_the_file(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    clock = HeartbeatClock(file)
    assert not file.exists()
    assert not clock.stopping
    assert file.exists()


def test_a_stop_ends_a_wait_at_once(tmp_path: Path) -> None:
    clock = HeartbeatClock(tmp_path / "heartbeat")
    clock.stop()
    assert clock.wait(3_600)


def test_the_file_is_not_touched_more_often_than_need_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, now = tmp_path / "heartbeat", [100.0]
    monkeypatch.setattr("tileproof.adapters.clock.time.monotonic", lambda: now[0])
    clock = HeartbeatClock(file)
    clock.monotonic()
    os.utime(file, (1, 1))
    now[0] += BEAT_SECONDS / 2
    clock.monotonic()
    assert file.stat().st_mtime == 1
    now[0] += BEAT_SECONDS
    clock.monotonic()
    assert file.stat().st_mtime > 1


def test_a_file_that_cannot_be_written_ends_no_role(tmp_path: Path) -> None:
    assert not HeartbeatClock(tmp_path / "missing" / "heartbeat").stopping
