"""The cheap look at every frame."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.audit.screen import FrameFacts, Oddity, facts_of, repeated_frames, screen

from .test_compare import scene

BLACK = np.zeros((8, 8, 3), np.uint8)


def kinds(facts: list[FrameFacts], previews: list[FrameFacts] | None = None) -> list[tuple[Oddity, int]]:
    return [(finding.oddity, finding.frame) for finding in screen(facts, previews)]


def moving(frame: int, side: int = 64) -> np.ndarray:
    return np.roll(scene(side), frame * side // 16, axis=1)


def noisy(pixels: np.ndarray, levels: float = 15) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, levels, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def test_ordinary_frames_are_not_odd() -> None:
    facts = [facts_of(n, moving(n)) for n in range(4)]
    assert kinds(facts) == []
    assert kinds(facts, [facts_of(n, noisy(moving(n, 24))) for n in range(4)]) == []


def test_without_previews_a_blank_and_a_repeated_frame_are_named() -> None:
    facts = [facts_of(1, scene()), facts_of(2, BLACK + 7), facts_of(3, scene())]
    assert kinds(facts) == [(Oddity.BLANK, 2), (Oddity.REPEATED, 3)]
    assert "frame 1" in screen(facts)[1].detail


def test_a_blank_frame_is_odd_where_its_preview_is_not() -> None:
    facts = [facts_of(1, BLACK), facts_of(2, BLACK + 9)]
    assert (Oddity.BLANK, 2) in kinds(facts, [facts_of(1, BLACK), facts_of(2, scene(16))])
    assert (Oddity.BLANK, 1) not in kinds(facts, [facts_of(1, BLACK), facts_of(2, scene(16))])


def test_a_still_scene_repeats_honestly() -> None:
    facts = [facts_of(n, scene()) for n in range(3)]
    assert kinds(facts, [facts_of(n, scene(16)) for n in range(3)]) == []


def test_a_frame_repeats_oddly_where_the_scene_moved_between() -> None:
    facts = [facts_of(n, moving(1)) for n in (1, 2, 3)]
    previews = [facts_of(1, moving(1, 32)), facts_of(2, moving(1, 32)), facts_of(3, moving(2, 32))]
    found = [f for f in screen(facts, previews) if f.oddity is Oddity.REPEATED]
    assert [f.frame for f in found] == [3]
    assert "frame 1" in found[0].detail


def test_of_a_frame_without_a_preview_nothing_is_said_when_others_have_one() -> None:
    facts = [facts_of(1, scene()), facts_of(2, scene()), facts_of(3, BLACK)]
    assert kinds(facts, [facts_of(1, scene(16))]) == []


def test_a_frame_of_another_scene_is_unlike_its_preview() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    [finding] = screen([facts_of(5, noise)], [facts_of(5, scene(16))])
    assert (finding.oddity, finding.frame) == (Oddity.UNLIKE_PREVIEW, 5)
    assert "of 64 bits" in finding.detail


def test_a_frame_too_dark_to_be_told_by_hashes_is_not_unlike_its_preview() -> None:
    random = np.random.default_rng(4)
    frame, preview = ((random.random((side, side, 3)) < 0.01).astype(np.uint8) for side in (128, 64))
    [one], [other] = [facts_of(5, frame)], [facts_of(5, preview)]
    assert max(dataclasses.astuple(one.hashes.distances(other.hashes))) > 26, "two kinds of noise"
    assert screen([one], [other]) == ()


@pytest.mark.parametrize("levels", [0, 10, 20])
def test_noise_on_a_smooth_gradient_makes_no_stranger_of_it(levels: float) -> None:
    y, x = np.mgrid[0:270, 0:480]
    frame = np.repeat((60 + x / 8 + y / 9)[..., None], 3, axis=2)
    assert kinds([facts_of(5, noisy(frame, levels / 2))], [facts_of(5, noisy(frame[::4, ::4], levels))]) == []


def test_only_frames_that_share_their_pixels_are_worth_a_preview_first() -> None:
    facts = [facts_of(1, scene()), facts_of(2, moving(1)), facts_of(3, scene())]
    assert repeated_frames(facts) == {1, 3}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (scene(), scene().astype(np.uint16) * 257),
        ((scene() / 256).astype(np.float32), (scene() / 256).astype(np.float16)),
    ],
)
def test_one_picture_in_two_depths_has_the_same_hashes(one: np.ndarray, other: np.ndarray) -> None:
    away = facts_of(1, one).hashes.distances(facts_of(1, other).hashes)
    assert max(away.phash, away.dhash, away.whash) <= 2


@given(st.integers(1, 300), st.integers(1, 300))
def test_a_picture_of_any_shape_has_hashes_and_is_like_itself(width: int, height: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    away = facts_of(1, pixels).hashes.distances(facts_of(1, pixels.copy()).hashes)
    assert (away.phash, away.dhash, away.whash) == (0, 0, 0)
