"""Lanes: what a tile's scores mean under the requester's policy, and who may judge by them."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tileproof.audit.compare import HashDistances, TileScore, compare_tiles
from tileproof.audit.lanes import stand, worst
from tileproof.domain.device import (
    AVX,
    AVX2,
    AVX2_SLOW_GATHER,
    AVX512,
    MARGIN_DB,
    MATRIX,
    SSE42,
    agreement,
    classes_served,
    keeps_together,
    may_serve,
    why_not_served,
)
from tileproof.domain.job import Ground, Lane, Verdict
from tileproof.domain.policy import (
    ACCEPT_DB,
    BAND_BITS,
    CALIBRATED,
    EXACT,
    HASH,
    LANES,
    LEAST_ACCEPT_DB,
    LEAST_REJECT_DB,
    REJECT_DB,
    AuditPolicy,
    default_policy,
    describe_policy,
    trouble_of,
)
from tileproof.domain.verdict import Confirmation, Standing, judge_tiles

from .test_manifest import SETTINGS

Tile = NDArray[np.float32]

decibels = st.floats(0, 120, allow_nan=False)
bits = st.integers(0, 64)
distances = st.builds(HashDistances, bits, bits, bits)
policies = st.sampled_from([default_policy(lane, 128, 16) for lane in LANES])
gates = st.builds(
    lambda accept, band: replace(
        default_policy(CALIBRATED, 64, 16), accept_db=accept, reject_db=max(40.0, accept - band)
    ),
    st.floats(50, 90),
    st.floats(4, 40),
)
ORDER = list(Standing)


def score(
    psnr_db: float = math.inf, *, equal: bool = False, hashes: HashDistances | None = None
) -> TileScore:
    return TileScore(equal, 0.5, 1.0, psnr_db, hashes or HashDistances(0, 0, 0))


# --- one tile ---


@given(policies, distances)
def test_equal_bits_are_equal_in_every_lane(policy: AuditPolicy, hashes: HashDistances) -> None:
    assert stand(score(equal=True, hashes=hashes), policy) is Standing.EQUAL


@given(st.one_of(decibels, st.just(math.inf)), distances)
def test_the_exact_lane_knows_no_nearly(psnr: float, hashes: HashDistances) -> None:
    assert stand(score(psnr, hashes=hashes), default_policy(EXACT, 64, 16)) is Standing.DIFFERENT


@pytest.mark.parametrize(
    ("psnr", "standing"),
    [
        (math.inf, Standing.WITHIN),
        (ACCEPT_DB, Standing.WITHIN),
        (ACCEPT_DB - 0.001, Standing.BETWEEN),
        (REJECT_DB, Standing.BETWEEN),
        (REJECT_DB - 0.001, Standing.DIFFERENT),
        (0.0, Standing.DIFFERENT),
    ],
)
def test_the_calibrated_lane_has_a_gate_and_a_band_under_it(psnr: float, standing: Standing) -> None:
    assert stand(score(psnr), default_policy(CALIBRATED, 64, 16)) is standing


@given(gates, decibels, decibels)
def test_a_tile_that_is_more_alike_never_stands_worse(policy: AuditPolicy, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert ORDER.index(stand(score(high), policy)) <= ORDER.index(stand(score(low), policy))


@given(gates, st.floats(0, 5), decibels)
def test_a_tighter_gate_never_accepts_what_a_wider_one_does_not(
    policy: AuditPolicy, tighter: float, psnr: float
) -> None:
    tight = replace(policy, accept_db=policy.accept_db + tighter)
    if stand(score(psnr), tight) is Standing.WITHIN:
        assert stand(score(psnr), policy) is Standing.WITHIN


@given(distances, st.sampled_from(["phash", "dhash", "whash"]), st.integers(1, 20))
def test_a_hash_further_away_never_stands_better(hashes: HashDistances, which: str, more: int) -> None:
    policy = default_policy(HASH, 64, 16)
    further = replace(hashes, **{which: getattr(hashes, which) + more})
    assert ORDER.index(stand(score(hashes=further), policy)) >= ORDER.index(
        stand(score(hashes=hashes), policy)
    )


def test_one_hash_beyond_its_band_is_enough_to_be_different() -> None:
    policy = default_policy(HASH, 64, 16)
    assert stand(score(hashes=HashDistances(0, policy.dhash_bits, 0)), policy) is Standing.WITHIN
    assert stand(score(hashes=HashDistances(0, policy.dhash_bits + 1, 0)), policy) is Standing.BETWEEN
    beyond = policy.dhash_bits + policy.band_bits + 1
    assert stand(score(hashes=HashDistances(0, beyond, 0)), policy) is Standing.DIFFERENT


@given(st.lists(st.sampled_from(Standing), min_size=1))
def test_a_frame_is_as_good_as_its_worst_part(parts: list[Standing]) -> None:
    assert worst(parts) in parts
    assert all(ORDER.index(each) <= ORDER.index(worst(parts)) for each in parts)


# --- honest verifiers never contradict each other ---


@given(
    policy=gates,
    noise=st.floats(0.3, 1.0),
    distance=st.floats(30, 80),
    rows=st.integers(2, 6),
    seed=st.integers(0, 2**32 - 1),
)
def test_verifiers_as_far_apart_as_their_classes_never_split_on_a_tile(
    policy: AuditPolicy, noise: float, distance: float, rows: int, seed: int
) -> None:
    """Both renders honest, ``worst_db`` apart in any direction; any submission whatever."""
    worst_db = _widest_apart(policy) - 20 * math.log10(noise)
    assert keeps_together(worst_db, policy)
    draw = np.random.default_rng(seed)
    ours = draw.uniform(0.2, 0.8, (rows, rows, 3))
    theirs = ours + _of_size(draw, ours.shape, 10 ** (-worst_db / 20))
    submitted = ours + _of_size(draw, ours.shape, 10 ** (-distance / 20))
    _assert_no_split(policy, _psnr(submitted, ours), _psnr(submitted, theirs))


@given(policy=gates, share=st.floats(0, 1))
def test_not_even_a_submission_made_to_split_them_does(policy: AuditPolicy, share: float) -> None:
    """On the line through both renders, where the two differences add up."""
    apart = 10 ** (-_widest_apart(policy) / 20)
    near = share * 2 * 10 ** (-policy.reject_db / 20)
    _assert_no_split(policy, -20 * math.log10(near or 1e-12), -20 * math.log10(near + apart))


@given(
    st.tuples(bits, bits, bits),
    st.tuples(*[st.integers(-BAND_BITS, BAND_BITS)] * 3),
)
def test_verifiers_whose_renders_hash_within_a_band_never_split_on_a_tile(
    seen: tuple[int, int, int], moved: tuple[int, int, int]
) -> None:
    """Bits that differ obey the triangle inequality as well."""
    policy = default_policy(HASH, 64, 16)
    theirs = [min(64, max(0, a + b)) for a, b in zip(seen, moved, strict=True)]
    both = {stand(score(hashes=HashDistances(*each)), policy) for each in (seen, theirs)}
    assert not {Standing.WITHIN, Standing.DIFFERENT} <= both


@given(st.lists(st.tuples(st.sampled_from(Standing), st.sampled_from(Standing)), min_size=1, max_size=16))
def test_verifiers_who_never_split_on_a_tile_never_split_on_a_submission(
    pairs: list[tuple[Standing, Standing]],
) -> None:
    """Whatever the one saw on each tile, the other saw the same or its neighbour."""
    good = (Standing.EQUAL, Standing.WITHIN)
    pairs = [(a, b) for a, b in pairs if not (Standing.DIFFERENT in (a, b) and (a in good or b in good))]
    if pairs:
        verdicts = {_verdict([side[at] for side in pairs]) for at in (0, 1)}
        assert verdicts != {Verdict.ACCEPT, Verdict.REJECT}


def test_the_default_gate_has_a_margin_to_every_measured_pair_on_either_side_of_it() -> None:
    policy = default_policy(CALIBRATED, 64, 16)
    for pair, denoise in itertools.product(MATRIX.values(), (False, True)):
        worst_db = pair.worst_db(replace(SETTINGS, denoise=denoise))
        if worst_db >= policy.accept_db + MARGIN_DB:
            assert worst_db >= policy.accept_db + 20, "what may serve is far within"
            assert keeps_together(worst_db, policy)


def _widest_apart(policy: AuditPolicy) -> float:
    """The PSNR between renders that the policy's band is just wide enough for."""
    band = 10 ** (-policy.reject_db / 20) - 10 ** (-policy.accept_db / 20)
    return -20 * math.log10(band) + 1e-6


def _of_size(draw: np.random.Generator, shape: tuple[int, ...], rms: float) -> NDArray[np.float64]:
    noise = draw.normal(size=shape)
    return np.asarray(noise * rms / np.sqrt(np.mean(np.square(noise))))


def _psnr(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(-10 * np.log10(np.mean(np.square(one - other))))


def _assert_no_split(policy: AuditPolicy, one: float, other: float) -> None:
    standings = {stand(score(each), policy) for each in (one, other)}
    assert not {Standing.WITHIN, Standing.DIFFERENT} <= standings


def _verdict(tiles: list[Standing]) -> Verdict:
    failing = tiles.index(Standing.DIFFERENT) if Standing.DIFFERENT in tiles else None
    confirmation = None if failing is None else Confirmation(failing, "a", ("a", "a"))
    return judge_tiles(tiles, confirmation).verdict


# --- what a lane costs ---


@given(policies)
def test_only_lanes_that_rest_on_pixels_are_settled_where_a_reject_takes_the_bond(
    policy: AuditPolicy,
) -> None:
    assert (policy.settled_in is Lane.HASH) == (policy.lane == HASH)


def test_in_the_hash_lane_renders_that_are_merely_alike_confirm_a_reject() -> None:
    alike = Confirmation(0, "a", ("b", "c"), alike=(Standing.WITHIN, Standing.EQUAL))
    judged = judge_tiles([Standing.DIFFERENT], alike)
    assert (judged.verdict, judged.ground) == (Verdict.REJECT, Ground.TILE)
    for standing in (Standing.BETWEEN, Standing.DIFFERENT):
        unlike = replace(alike, alike=(Standing.WITHIN, standing))
        assert judge_tiles([Standing.DIFFERENT], unlike).verdict is Verdict.INCONCLUSIVE


# --- thresholds ---


@pytest.mark.parametrize("lane", LANES)
def test_the_defaults_of_every_lane_are_within_bounds(lane: str) -> None:
    policy = default_policy(lane, 128, 16)
    assert trouble_of(policy) is None
    assert lane in describe_policy(policy)


@pytest.mark.parametrize(
    ("lane", "changes"),
    [
        (EXACT, {"accept_db": 60.0}),
        (EXACT, {"phash_bits": 1}),
        (EXACT, {"band_bits": 4}),
        (CALIBRATED, {"accept_db": 49.9, "reject_db": 41.0}),
        (CALIBRATED, {"accept_db": 90.1}),
        (CALIBRATED, {"reject_db": 39.9}),
        (CALIBRATED, {"reject_db": 57.0}),  # no band
        (CALIBRATED, {"reject_db": 61.0}),  # above the gate
        (CALIBRATED, {"accept_db": 0.0, "reject_db": 0.0}),
        (CALIBRATED, {"whash_bits": 3}),
        (CALIBRATED, {"tile_px": 63}),
        (HASH, {"phash_bits": 21}),
        (HASH, {"dhash_bits": -1}),
        (HASH, {"band_bits": 0}),
        (HASH, {"band_bits": 13}),
        (HASH, {"reject_db": 40.0}),
        (HASH, {"tile_px": 127}),
        (EXACT, {"lane": "by eye"}),
    ],
)
def test_thresholds_outside_bounds_or_of_another_lane_are_refused(
    lane: str, changes: dict[str, object]
) -> None:
    assert trouble_of(replace(default_policy(lane, 128, 16), **changes)) is not None  # type: ignore[arg-type]


# --- who may judge ---

RAW, DENOISED = SETTINGS, replace(SETTINGS, denoise=True)


def test_the_exact_lane_is_served_by_the_class_and_by_those_that_make_the_same_bits() -> None:
    exact = default_policy(EXACT, 64, 16)
    assert classes_served(replace(RAW, device_class=AVX2), exact) == {AVX2, AVX512}
    assert classes_served(replace(RAW, device_class=AVX512), exact) == {AVX2, AVX512}
    for name in (AVX, SSE42):
        assert classes_served(replace(RAW, device_class=name), exact) == {name}
    for name in (AVX512, AVX2, AVX, SSE42):
        assert classes_served(replace(DENOISED, device_class=name), exact) == {name}


def test_the_calibrated_lane_is_served_by_those_that_were_found_close_and_by_no_other() -> None:
    policy = default_policy(CALIBRATED, 64, 16)
    for settings, name in itertools.product((RAW, DENOISED), (AVX512, AVX2)):
        served = {AVX512, AVX2, AVX2_SLOW_GATHER}
        assert classes_served(replace(settings, device_class=name), policy) == served
    for name in (AVX, SSE42):
        assert classes_served(replace(RAW, device_class=name), policy) == {name}
    assert "too tight" in (why_not_served(SSE42, replace(RAW, device_class=AVX2), policy) or "")
    assert not may_serve("cpu-arm64", RAW, policy)
    assert "never measured" in (why_not_served("cpu-arm64", RAW, policy) or "")
    assert classes_served(replace(RAW, device_class="cpu-arm64"), policy) == {"cpu-arm64"}


def test_a_gate_tighter_than_classes_agree_keeps_them_out() -> None:
    tight = replace(default_policy(CALIBRATED, 64, 16), accept_db=90.0, reject_db=86.0)
    assert classes_served(replace(RAW, device_class=AVX2), tight) == {AVX2, AVX512}
    assert classes_served(replace(DENOISED, device_class=AVX2), tight) == {AVX2}
    assert "too tight" in (why_not_served(AVX512, replace(DENOISED, device_class=AVX2), tight) or "")


def test_a_requester_who_widens_the_gate_lets_a_pair_in_that_lies_close() -> None:
    settings = replace(RAW, device_class=AVX2_SLOW_GATHER)
    narrow = replace(default_policy(CALIBRATED, 64, 16), accept_db=80.0, reject_db=70.0)
    assert classes_served(settings, narrow) == {AVX2_SLOW_GATHER}
    wide = replace(narrow, accept_db=75.0)
    assert classes_served(settings, wide) == {AVX512, AVX2, AVX2_SLOW_GATHER}


def test_no_gate_that_may_be_chosen_lets_classes_judge_each_other_that_lie_far_apart() -> None:
    """Cheats are as near as they are (docs/adr/0015-device-classes-by-what-they-compute.md)."""
    widest = replace(default_policy(CALIBRATED, 64, 16), accept_db=LEAST_ACCEPT_DB, reject_db=LEAST_REJECT_DB)
    assert trouble_of(widest) is None
    for one, other in ((AVX, SSE42), (AVX2, AVX), (AVX512, SSE42)):
        assert not may_serve(one, replace(RAW, device_class=other), widest)


def test_the_hash_lane_is_served_by_any_class() -> None:
    assert may_serve("gpu-optix", RAW, default_policy(HASH, 64, 16))


@given(gates, st.sampled_from([AVX512, AVX2, AVX, SSE42]), st.booleans())
def test_any_two_classes_that_may_serve_a_job_agree_well_enough_for_it(
    policy: AuditPolicy, name: str, denoise: bool
) -> None:
    settings = replace(SETTINGS, device_class=name, denoise=denoise)
    for one, other in itertools.combinations(classes_served(settings, policy), 2):
        found = agreement(one, other)
        assert found is not None
        assert found.worst_db(settings) >= policy.accept_db
        assert keeps_together(found.worst_db(settings), policy)


def test_a_picture_in_which_eight_bits_wobble_by_one_level_is_within_the_default_gate() -> None:
    draw = np.random.default_rng(5)
    one = draw.integers(1, 255, (64, 64, 3), dtype=np.uint8)
    other = (one + (draw.random(one.shape) < 0.02)).astype(np.uint8)
    assert stand(compare_tiles(one, other), default_policy(CALIBRATED, 64, 16)) is Standing.WITHIN
