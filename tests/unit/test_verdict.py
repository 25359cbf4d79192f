"""The rules that turn what an audit saw into what a seat says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.domain.job import Ground, Verdict
from tileproof.domain.verdict import (
    FAULTS,
    Confirmation,
    FileFault,
    Standing,
    judge_files,
    judge_tiles,
)

EQUAL, WITHIN, BETWEEN, DIFFERENT = Standing


def agreeing(index: int) -> Confirmation:
    return Confirmation(index, "a", ("a", "a"))


def test_tiles_that_are_all_equal_are_accepted() -> None:
    judged = judge_tiles([EQUAL] * 16, None)
    assert (judged.verdict, judged.ground, judged.index) == (Verdict.ACCEPT, Ground.NONE, 0)


def test_one_tile_that_differs_is_rejected_by_its_index() -> None:
    judged = judge_tiles([EQUAL, EQUAL, DIFFERENT, EQUAL, DIFFERENT], agreeing(2))
    assert (judged.verdict, judged.ground, judged.index) == (Verdict.REJECT, Ground.TILE, 2)


@pytest.mark.parametrize(
    "confirmation",
    [
        Confirmation(0, "a", ("a", "b")),
        Confirmation(0, "a", ("b", "a")),
        Confirmation(0, "a", ("b", "c")),
        Confirmation(0, "a", ("b", "b")),  # both fresh renders agree, and not with the audit's own
    ],
)
def test_a_scene_that_renders_differently_each_time_slashes_nobody(confirmation: Confirmation) -> None:
    judged = judge_tiles([DIFFERENT], confirmation)
    assert (judged.verdict, judged.ground) == (Verdict.INCONCLUSIVE, Ground.NONE)


@pytest.mark.parametrize("confirmation", [None, agreeing(1)])
def test_no_reject_without_two_fresh_renders_of_that_tile(confirmation: Confirmation | None) -> None:
    with pytest.raises(ValueError, match="not rendered again"):
        judge_tiles([DIFFERENT, DIFFERENT], confirmation)


def test_an_audit_of_nothing_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="at least one"):
        judge_tiles([], None)


@given(st.lists(st.sampled_from(Standing), min_size=1, max_size=40))
def test_accept_means_every_tile_and_reject_one_that_is_different(tiles: list[Standing]) -> None:
    confirmation = agreeing(tiles.index(DIFFERENT)) if DIFFERENT in tiles else None
    judged = judge_tiles(tiles, confirmation)
    assert (judged.verdict is Verdict.ACCEPT) == (set(tiles) <= {EQUAL, WITHIN})
    assert (judged.verdict is Verdict.REJECT) == (DIFFERENT in tiles)
    assert judged.reason


@pytest.mark.parametrize("tiles", [[BETWEEN], [EQUAL, WITHIN, BETWEEN, EQUAL]])
def test_a_tile_in_the_band_under_the_gate_accuses_nobody(tiles: list[Standing]) -> None:
    judged = judge_tiles(tiles, None)
    assert (judged.verdict, judged.ground, judged.index) == (Verdict.INCONCLUSIVE, Ground.NONE, 0)
    assert "too near" in judged.reason


def test_a_tile_in_the_band_does_not_hide_one_that_is_different() -> None:
    judged = judge_tiles([BETWEEN, DIFFERENT], agreeing(1))
    assert (judged.verdict, judged.index) == (Verdict.REJECT, 1)


def test_what_was_accepted_within_a_gate_is_not_said_to_be_equal() -> None:
    assert "to the last bit" in judge_tiles([EQUAL], None).reason
    assert "to the last bit" not in judge_tiles([EQUAL, WITHIN], None).reason


def test_pictures_without_fault_decide_nothing() -> None:
    assert judge_files([]) is None


@given(
    st.lists(
        st.builds(
            FileFault,
            st.integers(0, 50),
            st.sampled_from(FAULTS),
        ),
        min_size=1,
        max_size=10,
    )
)
def test_the_earliest_faulty_picture_is_named(faults: list[FileFault]) -> None:
    judged = judge_files(faults)
    assert judged is not None
    assert judged.verdict is Verdict.REJECT
    assert judged.index == min(fault.position for fault in faults)
    assert judged.ground in {fault.ground for fault in faults if fault.position == judged.index}


@pytest.mark.parametrize("ground", [Ground.NONE, Ground.TILE])
def test_only_a_file_has_a_files_fault(ground: Ground) -> None:
    with pytest.raises(ValueError, match="no fault"):
        FileFault(0, ground)
