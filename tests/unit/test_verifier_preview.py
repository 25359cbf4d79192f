"""Small renders for the screen."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tileproof.domain.tiles import Tile, split
from tileproof.verifier.preview import MAX_SIDE_PX, preview_settings, preview_tile

from .test_manifest import SETTINGS

sides = st.integers(1, 5000)


@given(sides, sides, st.integers(1, 8), st.integers(1, 8))
def test_a_preview_is_small_and_holds_every_region(width: int, height: int, columns: int, rows: int) -> None:
    settings = replace(SETTINGS, width_px=width, height_px=height)
    small = preview_settings(settings)
    assert max(small.width_px, small.height_px) <= MAX_SIDE_PX
    for region in split(settings.full_frame, min(columns, width), min(rows, height)):
        assert small.full_frame.contains(preview_tile(settings, region))


def test_a_whole_frame_is_previewed_whole() -> None:
    small = preview_settings(SETTINGS)
    assert preview_tile(SETTINGS, SETTINGS.full_frame) == Tile(0, 0, small.width_px, small.height_px)
