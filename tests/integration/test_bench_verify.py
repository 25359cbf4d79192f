"""A small run of ``make bench-verify`` may not find less than was recorded, nor reject an honest tile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tileproof.adapters.blender.find import BlenderBuild
from tileproof.adapters.blender.sandbox import Sandbox

from benchmarks.verify.scale import FLOOR
from benchmarks.verify.scenes import look_at
from benchmarks.verify.table import explained, honest_tiles, rows

pytestmark = [pytest.mark.long, pytest.mark.blender]
RECORDED: dict[str, float] = json.loads(
    (Path(__file__).resolve().parents[2] / "benchmarks" / "verify" / "floor.json").read_text("utf-8")
)


@pytest.mark.timeout(600)
def test_no_cheat_is_found_more_seldom_than_was_recorded(blender: BlenderBuild, sandbox: Sandbox) -> None:
    figures = [look_at(blender, sandbox, scene, FLOOR) for scene in FLOOR.scenes]
    tiles, false = honest_tiles(figures)
    assert tiles > 200
    assert false == 0
    found = {row.entry: row for row in rows(figures) if not row.honest}
    assert set(found) == set(RECORDED)
    weaker = {
        name: row.found.share for name, row in found.items() if row.found.share < RECORDED[name] - 0.005
    }
    assert not weaker, "below the recorded floor"
    assert all(explained(row) for row in found.values())
