"""Two pictures of a tile in, scores out."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tileproof.audit.compare import (
    Pixels,
    compare_tiles,
    difference_picture,
    eight_bit,
    hash_distances,
    pixel_digest,
)


def scene(side: int = 64) -> np.ndarray:
    """A soft gradient with a disc: enough structure for a perceptual hash."""
    y, x = np.mgrid[0:side, 0:side]
    disc = ((x - side / 3) ** 2 + (y - side / 2) ** 2 < side**2 / 16) * 120
    return np.stack([x * 255 // side, y * 255 // side, disc], axis=2).astype(np.uint8)


tiles = arrays.arrays(
    st.sampled_from([np.uint8, np.uint16]),
    st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([3, 4])),
)


@given(tiles)
def test_a_tile_equals_itself_in_every_score(tile: Pixels) -> None:
    score = compare_tiles(tile, tile.copy())
    assert score.equal
    assert (score.equal_share, score.max_difference, score.psnr_db) == (1.0, 0.0, math.inf)
    assert (score.hashes.phash, score.hashes.dhash, score.hashes.whash) == (0, 0, 0)


@given(tiles, st.data())
def test_one_wrong_bit_is_not_equal(tile: Pixels, data: st.DataObject) -> None:
    at = tuple(data.draw(st.integers(0, side - 1)) for side in tile.shape)
    other = tile.copy()
    other[at] ^= 1
    score = compare_tiles(tile, other)
    assert not score.equal
    assert score.equal_share == pytest.approx(1 - 1 / (tile.shape[0] * tile.shape[1]))
    assert score.max_difference > 0
    assert math.isfinite(score.psnr_db)
    assert pixel_digest(tile) != pixel_digest(other)


def test_the_psnr_is_the_textbooks() -> None:
    one, other = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 16, np.uint8)
    assert compare_tiles(one, other).psnr_db == pytest.approx(20 * math.log10(255 / 16))
    assert compare_tiles(one, other).max_difference == pytest.approx(16)


def test_sixteen_bit_differences_are_counted_in_levels_of_eight() -> None:
    one = np.zeros((4, 4, 3), np.uint16)
    other = one.copy()
    other[0, 0, 0] = 257
    assert compare_tiles(one, other).max_difference == pytest.approx(1.0)


def test_one_pixel_of_the_sun_counts_no_more_than_white_against_black() -> None:
    one = np.zeros((64, 64, 3), np.float32)
    other = one.copy()
    other[9, 9] = 60_000
    assert compare_tiles(one, other).psnr_db == pytest.approx(10 * math.log10(64 * 64), abs=1e-3)


def test_a_difference_in_the_shadows_weighs_more_than_the_same_in_the_light() -> None:
    def psnr(light: float) -> float:
        one = np.full((16, 16, 3), light, np.float32)
        return compare_tiles(one, one + np.float32(0.01)).psnr_db

    assert psnr(0.0) < psnr(0.1) < psnr(1.0) < psnr(10.0)


def test_a_normal_that_points_the_other_way_is_not_the_same() -> None:
    one = np.full((16, 16, 3), 0.5, np.float32)
    assert compare_tiles(one, -one).psnr_db < 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_float_tile_with_a_hole_equals_itself_and_not_its_negative_zero(dtype: type[np.floating]) -> None:
    tile = np.zeros((4, 4, 3), dtype)
    tile[1, 1, 0], tile[2, 2, 0] = np.nan, np.inf
    score = compare_tiles(tile, tile.copy())
    assert score.equal
    assert (score.max_difference, score.psnr_db) == (0.0, math.inf)
    other = tile.copy()
    other[0, 0, 0] = -0.0
    assert not compare_tiles(tile, other).equal


def test_two_holes_that_carry_other_bits_are_not_equal() -> None:
    tile = np.full((4, 4, 3), 0x7E00, np.uint16)
    other = tile.copy()
    other[0, 0, 0] ^= 1
    assert not compare_tiles(tile.view(np.float16), other.view(np.float16)).equal


def test_the_half_passes_of_a_denoised_frame_are_compared_in_every_channel() -> None:
    passes = np.random.default_rng(4).normal(0.5, 0.2, (32, 32, 9)).astype(np.float16)
    other = passes.copy()
    other.view(np.uint16)[5, 6, 8] ^= 1
    score = compare_tiles(passes, other)
    assert not score.equal
    assert score.equal_share == pytest.approx(1 - 1 / 1024)
    assert difference_picture(passes, other).any(axis=2).sum() == 1


def test_noise_that_a_perceptual_hash_does_not_see_is_not_equal() -> None:
    """The measured reason why a hash alone may not judge (docs/verification.md)."""
    honest = scene()
    noise = np.random.default_rng(1).normal(0, 3, honest.shape)
    cheat = np.clip(honest + noise, 0, 255).astype(np.uint8)
    score = compare_tiles(cheat, honest)
    assert score.hashes.phash <= 5
    assert not score.equal
    assert score.equal_share < 0.05


def test_an_unrelated_picture_is_far_by_every_hash() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    distances = hash_distances(scene(), noise)
    assert min(distances.phash, distances.dhash, distances.whash) > 8


def test_tiles_of_another_shape_or_depth_are_a_bug() -> None:
    tile = scene()
    with pytest.raises(ValueError, match="cannot compare"):
        compare_tiles(tile, tile[1:])
    with pytest.raises(ValueError, match="cannot compare"):
        compare_tiles(tile, tile.astype(np.uint16))


def test_digests_tell_shapes_and_depths_apart() -> None:
    flat = np.zeros((2, 6, 3), np.uint8)
    digests = {pixel_digest(each) for each in (flat, flat.reshape(6, 2, 3), np.zeros((2, 3, 3), np.uint16))}
    assert len(digests) == 3


def test_the_difference_picture_is_black_exactly_where_tiles_are_equal() -> None:
    one = scene()
    other = one.copy()
    other[3, 5, 1] ^= 1
    picture = difference_picture(one, other)
    assert picture.shape == (64, 64, 3)
    assert {(int(r), int(c)) for r, c in zip(*np.nonzero(picture.any(axis=2)), strict=True)} == {(3, 5)}


@given(tiles)
def test_eight_bits_are_eight_bits(tile: Pixels) -> None:
    assert eight_bit(tile).dtype == np.uint8
    if tile.dtype == np.uint8:
        assert (eight_bit(tile) == tile).all()
