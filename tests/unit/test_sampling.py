"""What follows from a seed: drawn here as the contract draws it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.job import NO_SEAT, Address, Ground, Outcome, Question, TaskAppeal, Verdict
from tileproof.domain.manifest import AuditPolicy, Manifest, TaskSpec
from tileproof.domain.sampling import (
    FIELD_PRIME,
    AuditScope,
    RoundId,
    SampleTile,
    audit_scope,
    audit_seed,
    draw_committee,
    is_audited,
    poseidon,
    question_tile,
    result_commitment,
    sample_tiles,
    short_string,
    tile_count,
    verdict_commitment,
)
from tileproof.domain.tiles import sample_grid

from .test_manifest import MANIFEST, SETTINGS

ROUND = RoundId(short_string("SN_SEPOLIA"), Address(0x1234), 1, 2, 3, 1)
RESULT = Cid(Codec.DAG_PB, bytes(range(32)))
seeds = st.integers(0, FIELD_PRIME - 1)


def job(frames: int, tile_px: int, tiles: int) -> Manifest:
    return replace(
        MANIFEST,
        audit=AuditPolicy("exact", tile_px, tiles),
        tasks=(TaskSpec(tuple(range(1, frames + 1)), SETTINGS.full_frame),),
    )


def test_poseidon_is_starknets() -> None:
    """The empty span's hash, from Starknet's own transaction test vectors."""
    assert poseidon([]) == 0x2272BE0F580FD156823304800919530EAA97430E972D7213EE13F4FBF7A5DBC


def test_short_strings_are_cairos() -> None:
    assert short_string("TILEPROOF_AUDIT") == 0x54494C4550524F4F465F4155444954
    with pytest.raises(ValueError, match="short string"):
        short_string("x" * 32)


def test_what_is_no_felt_is_refused() -> None:
    with pytest.raises(ValueError, match="felt"):
        poseidon([FIELD_PRIME])


@pytest.mark.parametrize("field", ["chain_id", "job_id", "task", "attempt", "round"])
def test_every_part_of_a_rounds_name_changes_its_seed(field: str) -> None:
    other = replace(ROUND, **{field: getattr(ROUND, field) + 1})
    assert audit_seed(ROUND, RESULT, 77) != audit_seed(other, RESULT, 77)


def test_contract_result_and_block_change_the_seed() -> None:
    seed = audit_seed(ROUND, RESULT, 77)
    assert seed != audit_seed(replace(ROUND, contract=Address(1)), RESULT, 77)
    assert seed != audit_seed(ROUND, Cid(Codec.RAW, RESULT.digest), 77)
    assert seed != audit_seed(ROUND, RESULT, 78)


def test_results_with_another_digest_or_codec_have_other_commitments() -> None:
    swapped = RESULT.digest[16:] + RESULT.digest[:16]
    values = {
        result_commitment(c) for c in (RESULT, Cid(Codec.RAW, RESULT.digest), Cid(Codec.DAG_PB, swapped))
    }
    assert len(values) == 3


@given(seeds)
def test_everything_is_audited_at_full_rate_and_nothing_at_none(seed: int) -> None:
    assert is_audited(seed, 10_000)
    assert not is_audited(seed, 0)


def test_about_half_are_audited_at_half_the_rate() -> None:
    share = sum(is_audited(seed, 5_000) for seed in range(2_000)) / 2_000
    assert 0.45 < share < 0.55


@given(seeds, st.sampled_from([1, 3, 5, 7]), st.integers(1, 20))
def test_no_slot_sits_twice_in_a_committee(seed: int, size: int, seats: int) -> None:
    drawn = draw_committee(seed, size, seats, lambda slot: True)
    real = [slot for slot in drawn if slot != NO_SEAT]
    assert len(drawn) == size
    assert len(set(real)) == len(real)
    assert all(0 <= slot < seats for slot in real)


@given(seeds)
def test_who_may_not_sit_is_never_drawn(seed: int) -> None:
    drawn = draw_committee(seed, 3, 8, lambda slot: slot % 2 == 0)
    assert all(slot % 2 == 0 for slot in drawn if slot != NO_SEAT)


@given(seeds)
def test_where_nobody_may_sit_the_seats_stay_empty(seed: int) -> None:
    assert draw_committee(seed, 3, 8, lambda slot: False) == (NO_SEAT,) * 3
    assert draw_committee(seed, 1, 0, lambda slot: True) == (NO_SEAT,)


@given(seeds, st.integers(1, 3), st.sampled_from([50, 100, 480]), st.integers(1, 60))
def test_sample_tiles_are_distinct_and_of_the_task(seed: int, frames: int, tile_px: int, tiles: int) -> None:
    manifest = job(frames, tile_px, tiles)
    drawn = sample_tiles(seed, manifest, 0)
    total = tile_count(manifest, 0)
    assert len(drawn) == len(set(drawn)) == min(tiles, total)
    allowed = set(sample_grid(SETTINGS.full_frame, tile_px).tiles())
    assert all(s.tile in allowed and 1 <= s.frame <= frames for s in drawn)


@given(seeds)
def test_a_small_task_is_judged_whole(seed: int) -> None:
    manifest = job(2, 240, 100)
    assert len(sample_tiles(seed, manifest, 0)) == tile_count(manifest, 0) == 2 * 2 * 2


@given(seeds, st.integers(1, 30))
def test_a_shorter_list_is_the_beginning_of_a_longer_one(seed: int, tiles: int) -> None:
    assert sample_tiles(seed, job(2, 50, 40), 0)[:tiles] == sample_tiles(seed, job(2, 50, tiles), 0)


def test_every_tile_is_drawn_about_equally_often() -> None:
    """Chi-squared over 15 tiles (14 degrees of freedom): 36.1 is passed by chance once in 1,000."""
    manifest = job(1, 100, 2)
    total = tile_count(manifest, 0)
    count = Counter(s for seed in range(2_000) for s in sample_tiles(seed, manifest, 0))
    expected = 4_000 / total
    assert len(count) == total == 15
    assert sum((seen - expected) ** 2 / expected for seen in count.values()) < 36.1


def test_a_huge_frame_is_sampled_without_listing_its_tiles() -> None:
    manifest = replace(job(1, 1, 8), settings=replace(SETTINGS, width_px=65_536, height_px=65_536))
    manifest = replace(manifest, tasks=(TaskSpec((1,), manifest.settings.full_frame),))
    assert len(sample_tiles(5, manifest, 0)) == 8


def appeal(question: Question, position: int = 0, tile: int = 0, seed: int | None = 77) -> TaskAppeal:
    return TaskAppeal(
        Address(0xBB), Outcome.REJECTED, question, position, tile, 100, 0, seed, (1, 2, 3), (None, None, None)
    )


@given(seeds, st.integers(1, 3), st.sampled_from([50, 100, 480]))
def test_every_tile_that_could_be_sampled_has_one_name_and_every_name_such_a_tile(
    seed: int, frames: int, tile_px: int
) -> None:
    manifest = job(frames, tile_px, 1_000)
    grid = sample_grid(SETTINGS.full_frame, tile_px)
    named = [
        question_tile(appeal(Question.NAMED_TILE, position, tile), manifest, 0)
        for position in range(frames)
        for tile in range(len(grid))
    ]
    drawn = sample_tiles(seed, manifest, 0)
    assert len(named) == len(drawn)
    assert set(named) == set(drawn)


@given(seeds, seeds, st.integers(0, 40))
def test_a_listed_tile_is_of_the_appealed_rounds_list_whatever_the_judging_rounds_seed(
    first: int, own: int, at: int
) -> None:
    manifest = job(3, 100, 16)
    scope = audit_scope(own, manifest, 0, appeal(Question.LISTED_TILE, tile=at, seed=first))
    listed = sample_tiles(first, manifest, 0)
    assert scope.tiles == listed[at : at + 1]
    assert scope.positions == tuple(tile.frame - 1 for tile in scope.tiles)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_what_does_not_exist_leaves_nothing_to_look_at(position: int, tile: int) -> None:
    manifest = job(2, 240, 8)
    count = len(sample_grid(SETTINGS.full_frame, 240))
    named = audit_scope(5, manifest, 0, appeal(Question.NAMED_TILE, position, tile))
    assert (named == AuditScope((), ())) == (position >= 2 or tile >= count)
    listed = audit_scope(5, manifest, 0, appeal(Question.LISTED_TILE, tile=tile))
    assert (listed == AuditScope((), ())) == (tile >= 8)
    picture = audit_scope(5, manifest, 0, appeal(Question.PICTURE, position))
    assert picture == AuditScope((position,) if position < 2 else (), ())


def test_a_named_tile_is_looked_for_in_its_picture_alone() -> None:
    """Positions count the task's frames, whatever their numbers are."""
    manifest = replace(job(1, 100, 4), tasks=(TaskSpec((7, 9, 20), SETTINGS.full_frame),))
    grid = sample_grid(SETTINGS.full_frame, 100)
    scope = audit_scope(5, manifest, 0, appeal(Question.NAMED_TILE, 2, 4))
    assert scope == AuditScope((2,), (SampleTile(20, grid.tile(4)),))


@given(seeds, seeds)
def test_the_whole_is_asked_about_on_a_list_of_the_appeals_own_seed(first: int, own: int) -> None:
    manifest = job(3, 100, 16)
    scope = audit_scope(own, manifest, 0, appeal(Question.WHOLE, seed=first))
    assert scope == audit_scope(own, manifest, 0)
    assert scope == AuditScope((0, 1, 2), sample_tiles(own, manifest, 0))


def test_a_round_that_was_never_drawn_has_no_list_to_ask_about() -> None:
    with pytest.raises(ValueError, match="not drawn"):
        audit_scope(5, job(2, 240, 8), 0, appeal(Question.LISTED_TILE, seed=None))


@pytest.mark.parametrize("question", [Question.PICTURE, Question.WHOLE])
def test_only_two_questions_are_about_one_tile(question: Question) -> None:
    with pytest.raises(ValueError, match="no single tile"):
        question_tile(appeal(question), job(2, 240, 8), 0)


def sealed(**changes: object) -> int:
    parts: dict[str, object] = {
        "of": ROUND,
        "seat": 0,
        "verdict": Verdict.REJECT,
        "ground": Ground.TILE,
        "index": 4,
        "evidence": RESULT,
        "salt": 99,
    }
    return verdict_commitment(**(parts | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"of": replace(ROUND, round=2)},
        {"seat": 1},
        {"verdict": Verdict.ACCEPT},
        {"ground": Ground.MISSING},
        {"index": 5},
        {"evidence": Cid(Codec.RAW, RESULT.digest)},
        {"salt": 98},
    ],
)
def test_a_commitment_binds_every_part_of_the_verdict(change: dict[str, object]) -> None:
    assert sealed() == sealed()
    assert sealed(**change) != sealed()


def test_python_draws_what_cairo_draws() -> None:
    """Figures printed by contracts/src/draw.cairo for the same round, result and block."""
    seed = audit_seed(ROUND, RESULT, 77)
    assert result_commitment(RESULT) == 0x7AA0FB450A3B17F0E643A7534EA38C9C3F2BEAE9B33B625C4489906F7143D85
    assert seed == 0x6D636E8810B0371C48477B236742B417740A78F2BAE853B0719F6A6C108D0F1
    assert [is_audited(seed, bps) for bps in (2_500, 5_000, 7_500)] == [False, False, True]
    assert draw_committee(seed, 5, 6, lambda slot: slot != 2) == (1, 5, 0, 3, 4)
    commitment = verdict_commitment(ROUND, 2, Verdict.REJECT, Ground.MISSING, 4, RESULT, 99)
    assert commitment == 0x6C4F9079AD3966DE5F7FEACC8BF904EF96FD4F5ED4CFF7D072D094430C2256E
