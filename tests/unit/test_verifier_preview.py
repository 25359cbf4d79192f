"""Small renders for the screen."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tileproof.domain.manifest import TaskSpec
from tileproof.domain.tiles import Tile, split
from tileproof.ports.images import ImageFormat
from tileproof.verifier.preview import (
    MAX_SIDE_PX,
    can_be_previewed,
    in_order,
    preview_settings,
    preview_tile,
)

from .test_manifest import SETTINGS

sides = st.integers(1, 5000)


@given(sides, sides, st.integers(1, 8), st.integers(1, 8))
def test_a_preview_is_small_and_holds_every_region(width: int, height: int, columns: int, rows: int) -> None:
    settings = replace(SETTINGS, width_px=width, height_px=height)
    for region in split(settings.full_frame, min(columns, width), min(rows, height)):
        small, tile = preview_settings(settings, TaskSpec((1,), region)), preview_tile(region)
        assert max(tile.width, tile.height) <= MAX_SIDE_PX + 1
        assert small.full_frame.contains(tile)
        assert small.width_px <= width


def test_a_whole_frame_is_previewed_whole() -> None:
    small = preview_settings(SETTINGS, TaskSpec((1,), SETTINGS.full_frame))
    assert preview_tile(SETTINGS.full_frame) == Tile(0, 0, small.width_px, small.height_px)
    assert not small.has_passes


def test_a_region_is_seen_as_well_as_a_whole_frame() -> None:
    settings = replace(SETTINGS, width_px=1920, height_px=1080)
    for region in split(settings.full_frame, 8, 8):
        assert preview_tile(region).width >= MAX_SIDE_PX - 8


def test_of_a_thin_strip_no_preview_is_made() -> None:
    assert can_be_previewed(Tile(0, 0, 1920, 1080))
    assert not can_be_previewed(Tile(0, 0, 1920, 60))


def test_a_preview_is_finished_as_the_frames_are_and_never_denoised() -> None:
    whole = TaskSpec((1,), SETTINGS.full_frame)
    denoised = replace(SETTINGS, denoise=True)
    assert not preview_settings(denoised, whole).has_passes
    both = preview_settings(replace(denoised, composite=True), whole)
    assert (both.denoise, both.composite) == (False, True)


def test_where_a_result_holds_passes_alone_the_preview_is_passes() -> None:
    denoised = replace(SETTINGS, denoise=True)
    half = TaskSpec((1,), split(SETTINGS.full_frame, 2, 1)[0])
    small, tile = preview_settings(denoised, half), preview_tile(half.region)
    assert small.has_passes
    assert ImageFormat.audited(small, tile).channels == ImageFormat.audited(denoised, half.region).channels


@given(st.integers(0, 200), st.data())
def test_every_frame_has_its_turn_and_repeats_come_first(count: int, data: st.DataObject) -> None:
    frames = tuple(range(1, count + 1))
    first = data.draw(st.frozensets(st.sampled_from(frames))) if frames else frozenset()
    order = in_order(frames, first)
    assert sorted(order) == list(frames)
    assert set(order[: len(first)]) == first


@given(st.integers(2, 300), st.integers(1, 300))
def test_wherever_the_time_ends_what_was_looked_at_lies_evenly_spread(count: int, done: int) -> None:
    seen = sorted(in_order(range(count), frozenset())[:done])
    gaps = [later - earlier for earlier, later in zip([-1, *seen], [*seen, count], strict=False)]
    assert max(gaps) <= max(2, -(-4 * count // (len(seen) + 1)))
