"""Rectangles, their border fractions and their partition of a frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tileproof.domain.errors import InputError
from tileproof.domain.tiles import Border, Grid, Tile, sample_grid, split, to_border, with_guard_band

sides = st.one_of(st.integers(1, 70), st.sampled_from([479, 480, 1080, 1919, 1920, 4096, 7681, 65_536]))


@st.composite
def frames_and_tiles(draw: st.DrawFn) -> tuple[int, int, Tile]:
    width, height = draw(sides), draw(sides)
    x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return width, height, Tile(x0, y0, draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height)))


def blender_pixels(border: Border, width: int, height: int) -> Tile:
    """What Blender makes of a border: fractions in 32 bits, multiplied in 32 bits, cut."""

    def edge(fraction: float, size: int) -> int:
        return int(np.float32(fraction) * np.float32(size))

    return Tile(
        edge(border.min_x, width),
        height - edge(border.max_y, height),
        edge(border.max_x, width),
        height - edge(border.min_y, height),
    )


@given(frames_and_tiles())
@settings(max_examples=600)
@example((65_536, 65_536, Tile(65_535, 65_535, 65_536, 65_536)))
@example((1, 1, Tile(0, 0, 1, 1)))
def test_a_border_gives_exactly_its_tile_for_every_parity(case: tuple[int, int, Tile]) -> None:
    width, height, tile = case
    assert blender_pixels(to_border(tile, width, height), width, height) == tile


@pytest.mark.parametrize("width", range(1, 9))
@pytest.mark.parametrize("height", [1, 2, 7, 8])
def test_every_tile_of_a_small_frame_is_hit(width: int, height: int) -> None:
    for x0 in range(width):
        for x1 in range(x0 + 1, width + 1):
            for y0 in range(height):
                for y1 in range(y0 + 1, height + 1):
                    tile = Tile(x0, y0, x1, y1)
                    assert blender_pixels(to_border(tile, width, height), width, height) == tile


def test_the_top_row_of_pixels_is_the_top_of_blenders_border() -> None:
    border = to_border(Tile(0, 0, 100, 10), 100, 100)
    assert border.max_y == 1.0
    assert border.min_y > 0.89


def test_a_tile_outside_the_frame_has_no_border() -> None:
    with pytest.raises(ValueError, match="leaves"):
        to_border(Tile(0, 0, 11, 10), 10, 10)


@given(frames_and_tiles(), st.integers(0, 64))
def test_a_guard_band_grows_to_the_frames_edge_and_is_cut_off_again(
    case: tuple[int, int, Tile], band: int
) -> None:
    width, height, tile = case
    full = Tile(0, 0, width, height)
    guarded = with_guard_band(tile, band, full)
    assert full.contains(guarded.rendered)
    assert guarded.rendered.contains(tile)
    back = guarded.crop
    assert (back.width, back.height) == (tile.width, tile.height)
    assert (guarded.rendered.x0 + back.x0, guarded.rendered.y0 + back.y0) == (tile.x0, tile.y0)
    assert guarded.rendered.x0 in (0, tile.x0 - band)
    assert guarded.rendered.y1 in (height, tile.y1 + band)


@st.composite
def regions(draw: st.DrawFn) -> Tile:
    x0, y0 = draw(st.integers(0, 30)), draw(st.integers(0, 30))
    return Tile(x0, y0, x0 + draw(st.integers(1, 60)), y0 + draw(st.integers(1, 60)))


def covered(region: Tile, tiles: tuple[Tile, ...]) -> np.ndarray:
    count = np.zeros((region.y1, region.x1), dtype=int)
    for tile in tiles:
        count[tile.y0 : tile.y1, tile.x0 : tile.x1] += 1
    return count


@given(regions(), st.integers(1, 40))
def test_sample_tiles_cover_a_region_exactly_and_do_not_overlap(region: Tile, tile_px: int) -> None:
    grid = sample_grid(region, tile_px)
    count = covered(region, grid.tiles())
    assert (count[region.y0 :, region.x0 :] == 1).all()
    assert count.sum() == region.area
    assert all(t.width <= tile_px and t.height <= tile_px for t in grid.tiles())


@given(regions(), st.data())
def test_a_split_covers_the_frame_exactly_and_evenly(region: Tile, data: st.DataObject) -> None:
    columns = data.draw(st.integers(1, region.width))
    rows = data.draw(st.integers(1, region.height))
    tiles = split(region, columns, rows)
    assert len(tiles) == columns * rows
    count = covered(region, tiles)
    assert (count[region.y0 :, region.x0 :] == 1).all()
    assert count.sum() == region.area
    assert max(t.width for t in tiles) - min(t.width for t in tiles) <= 1
    assert max(t.height for t in tiles) - min(t.height for t in tiles) <= 1


def test_tiles_are_numbered_row_by_row_from_the_top_left() -> None:
    grid = Grid(Tile(0, 0, 4, 4), 2, 2)
    assert [grid.tile(n) for n in range(4)] == [
        Tile(0, 0, 2, 2),
        Tile(2, 0, 4, 2),
        Tile(0, 2, 2, 4),
        Tile(2, 2, 4, 4),
    ]
    with pytest.raises(IndexError):
        grid.tile(4)


@pytest.mark.parametrize(("columns", "rows"), [(5, 1), (1, 4), (100, 100)])
def test_more_regions_than_pixels_are_refused(columns: int, rows: int) -> None:
    with pytest.raises(InputError) as refused:
        split(Tile(0, 0, 4, 3), columns, rows)
    assert refused.value.code == "split.too_many_regions"


@pytest.mark.parametrize(("columns", "rows"), [(0, 1), (1, -2)])
def test_a_split_into_nothing_is_refused(columns: int, rows: int) -> None:
    with pytest.raises(InputError) as refused:
        split(Tile(0, 0, 4, 3), columns, rows)
    assert refused.value.code == "split.malformed"
