"""What an audit finds and costs, against the textbook."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.audit.plan import (
    LOAD_SECONDS,
    TILE_SECONDS,
    SamplePlan,
    SampleSize,
    choose_sample,
    cost_share,
    describe,
    detection,
    deterrence_bond,
    least_sample_tiles,
    majority_chance,
    majority_price,
    measured_cost,
    plan_audit,
)
from tileproof.domain.manifest import AuditPolicy, RenderSettings, TaskSpec
from tileproof.domain.money import Fri
from tileproof.domain.tiles import sample_grid, split, with_guard_band

from .test_manifest import MANIFEST, SETTINGS

STRK = Fri(10**18)


@st.composite
def audits(draw: st.DrawFn) -> tuple[int, int, int]:
    total = draw(st.integers(1, 300))
    return total, draw(st.integers(0, total)), draw(st.integers(0, total))


@given(audits())
def test_detection_is_the_hypergeometric(case: tuple[int, int, int]) -> None:
    total, tampered, sampled = case
    exact = 1 - comb(total - tampered, sampled) / comb(total, sampled)
    assert detection(total, tampered, sampled) == pytest.approx(exact, abs=1e-12)


def test_a_tiny_chance_is_not_lost_to_rounding() -> None:
    assert detection(10**9, 1, 1) == pytest.approx(1e-9)


@pytest.mark.parametrize(("total", "tampered", "sampled"), [(0, 0, 0), (5, 6, 1), (5, 1, 6), (5, -1, 1)])
def test_an_impossible_sample_is_a_bug(total: int, tampered: int, sampled: int) -> None:
    with pytest.raises(ValueError, match="cannot sample"):
        detection(total, tampered, sampled)


@given(st.integers(1, 200), st.data())
def test_the_least_sample_reaches_its_target_and_one_less_does_not(total: int, data: st.DataObject) -> None:
    tampered = data.draw(st.integers(1, total))
    target = data.draw(st.floats(0.01, 0.999))
    least = least_sample_tiles(total, tampered, target)
    assert detection(total, tampered, least) >= target
    assert least == 0 or detection(total, tampered, least - 1) < target


def test_the_plan_counts_the_pixels_with_their_guard_bands() -> None:
    settings = replace(SETTINGS, guard_band_px=4)
    halves = split(settings.full_frame, 2, 1)
    manifest = replace(
        MANIFEST,
        settings=settings,
        audit=AuditPolicy("exact", 50, 10**3),
        tasks=tuple(TaskSpec((1,), half) for half in halves),
        split_columns=2,
    )
    plan = plan_audit(manifest, 1, 5_000)
    tiles = sample_grid(halves[1], 50).tiles()
    rendered = sum(with_guard_band(tile, 4, settings.full_frame).rendered.area for tile in tiles)
    assert plan.sampled == plan.total == len(tiles)
    assert plan.area_share == pytest.approx(rendered / halves[1].area)
    assert plan.audit_rate == 0.5
    assert all(power.detection == 1 for power in plan.powers)


def test_a_plan_of_billions_of_tiles_takes_no_time() -> None:
    manifest = replace(MANIFEST, settings=replace(SETTINGS, width_px=65_536, height_px=65_536))
    task = TaskSpec((1,), manifest.settings.full_frame)
    manifest = replace(manifest, tasks=(task,), audit=AuditPolicy("exact", 1, 16))
    assert plan_audit(manifest, 0, 10_000).total == 65_536**2


def test_the_cost_is_the_area_the_load_and_what_each_tile_takes_beyond_its_pixels() -> None:
    plan = plan_audit(MANIFEST, 0, 10_000)
    fixed = LOAD_SECONDS + plan.sampled * TILE_SECONDS
    assert cost_share(plan, render_seconds=100) == pytest.approx(plan.area_share + fixed / 100)


def whole_frames(
    width: int, height: int, frames: int = 1, guard_band_px: int = 0
) -> tuple[RenderSettings, TaskSpec]:
    settings = replace(SETTINGS, width_px=width, height_px=height, guard_band_px=guard_band_px)
    return settings, TaskSpec(tuple(range(1, frames + 1)), settings.full_frame)


def planned(settings: RenderSettings, spec: TaskSpec, size: SampleSize) -> SamplePlan:
    policy = AuditPolicy("exact", size.tile_px, size.sample_tiles)
    return plan_audit(replace(MANIFEST, settings=settings, audit=policy, tasks=(spec,)), 0, 10_000)


FULL_HD = whole_frames(1920, 1080)


@given(st.integers(16, 4096), st.integers(16, 2160), st.integers(1, 300), st.sampled_from([0, 4, 16]))
def test_the_chosen_sample_finds_who_skips_the_dearest_tiles(
    width: int, height: int, frames: int, band: int
) -> None:
    settings, spec = whole_frames(width, height, frames, band)
    plan = planned(settings, spec, choose_sample(settings, spec))
    dear, quarter = (math.ceil(share * plan.total) for share in (0.08, 0.25))
    assert detection(plan.total, dear, plan.sampled) >= 0.99
    assert detection(plan.total, quarter, plan.sampled) >= 0.99
    assert plan.area_share <= 1


@pytest.mark.parametrize("band", [0, 4])
@pytest.mark.parametrize("frames", [1, 2, 24, 250])
def test_at_full_hd_the_chosen_sample_is_a_twentieth_of_frames_of_200_seconds(frames: int, band: int) -> None:
    settings, spec = whole_frames(1920, 1080, frames, band)
    plan = planned(settings, spec, choose_sample(settings, spec))
    assert cost_share(plan, render_seconds=200 * frames) <= 0.05


def test_fog_costs_more_for_its_guard_band_and_several_frames_make_up_for_it() -> None:
    one, four = (whole_frames(1920, 1080, frames, guard_band_px=16) for frames in (1, 4))
    assert 0.05 < planned(*one, choose_sample(*one)).area_share < 0.065
    assert planned(*four, choose_sample(*four)).area_share <= 0.02


def test_sixteen_tiles_at_full_hd_are_within_a_twentieth_and_find_a_quarter_of_the_tiles() -> None:
    plan = planned(*FULL_HD, choose_sample(*FULL_HD, sample_tiles=16))
    assert plan.sampled == 16
    assert cost_share(plan, render_seconds=100) <= 0.05
    assert detection(plan.total, math.ceil(plan.total / 4), 16) >= 0.99


def test_sixteen_tiles_miss_a_quarter_once_in_a_hundred_where_tiles_are_beyond_number() -> None:
    """With replacement it would be 98.998 %; drawn without, it stays above 99 % up to 14,000 tiles."""
    assert 1 - 0.75**16 < 0.99
    assert least_sample_tiles(12_240, 12_240 // 4, 0.99) == 16
    assert least_sample_tiles(10**6, 10**6 // 4, 0.99) == 17


def test_small_pictures_are_rendered_whole_when_that_is_less_work_than_their_tiles() -> None:
    settings, spec = whole_frames(64, 36)
    assert planned(settings, spec, choose_sample(settings, spec)).total == 1
    band = whole_frames(320, 180, guard_band_px=16)
    assert planned(*band, choose_sample(*band)).total == 1


def test_many_frames_have_larger_tiles_and_hardly_more_of_them() -> None:
    one, many = choose_sample(*FULL_HD), choose_sample(*whole_frames(1920, 1080, 24))
    assert one.tile_px < many.tile_px == 64
    assert one.sample_tiles <= many.sample_tiles <= one.sample_tiles + 2


def test_what_the_requester_names_is_taken_and_the_rest_fits_it() -> None:
    assert choose_sample(*FULL_HD, tile_px=100, sample_tiles=3) == SampleSize(100, 3)
    assert choose_sample(*FULL_HD, tile_px=100).sample_tiles >= 36
    assert choose_sample(*FULL_HD, sample_tiles=4).tile_px == 64
    assert choose_sample(*FULL_HD, least_px=32).tile_px == 32


def test_a_measured_cost_is_held_against_what_the_tiles_say_of_the_whole() -> None:
    plan = replace(plan_audit(MANIFEST, 0, 10_000), area_share=0.02)
    [said] = measured_cost(plan, [0.5, 1.5], load_seconds=1.0)
    assert said == (
        "rendering its tiles took 2.0 s and loading 1.0 s, 3.0 % of the 100 s that, by these tiles, "
        "the whole task takes here"
    )
    assert measured_cost(plan, [], load_seconds=1.0) == ()


def test_a_plan_never_promises_more_than_it_finds() -> None:
    plan = plan_audit(replace(MANIFEST, audit=AuditPolicy("exact", 16, 40)), 0, 2_500)
    text = " ".join(describe(plan))
    assert "25.0 % of the tasks are audited" in text
    assert text.count("100 %") == 1  # only a cheat on the whole task is certain to be found
    assert f"40 of a task's {plan.total} tiles" in text


def test_a_plan_that_renders_every_tile_again_says_so_and_no_more() -> None:
    whole = plan_audit(replace(MANIFEST, audit=AuditPolicy("exact", 16, 100_000)), 0, 10_000)
    first, second = describe(whole)
    assert first == f"an audit renders all {whole.total} tiles of a task again (16 px)"
    assert second == "no changed tile goes unseen"


@given(st.integers(0, 12), st.integers(0, 12), st.sampled_from([1, 3, 5]))
def test_a_majoritys_chance_counts_committees(honest: int, hostile: int, size: int) -> None:
    if honest + hostile < size:
        return
    ways = sum(comb(hostile, bad) * comb(honest, size - bad) for bad in range(size // 2 + 1, size + 1))
    assert majority_chance(honest, hostile, size) == pytest.approx(ways / comb(honest + hostile, size))


@given(st.integers(1, 40), st.sampled_from([1, 3, 5, 7]), st.floats(0.001, 0.9))
def test_a_majoritys_price_is_the_least(honest: int, size: int, chance: float) -> None:
    price = majority_price(honest, STRK, size, chance)
    assert price.chance >= chance
    assert majority_chance(honest, price.seats - 1, size) < chance
    assert price.bonds == STRK * price.seats


def test_half_the_committees_cost_as_many_seats_as_are_honest() -> None:
    assert majority_price(10, STRK, 3).seats == 10


def test_the_deterrence_bond_is_the_protocols_formula_rounded_up() -> None:
    bond = deterrence_bond(STRK * 2, detection=0.99, audit_rate=0.5, cost_share=0.8, work_saved=0.875)
    gain = Fraction(0.875) * Fraction(0.8) / (Fraction(0.5) * Fraction(0.99))
    assert bond.units - 1 < 2 * 10**18 * (gain - 1) <= bond.units


def test_where_losing_the_reward_deters_no_bond_is_needed() -> None:
    bond = deterrence_bond(STRK, detection=1.0, audit_rate=1.0, cost_share=0.9, work_saved=1.0)
    assert bond == Fri(0)


def test_where_nothing_is_found_no_bond_deters() -> None:
    with pytest.raises(ValueError, match="deters"):
        deterrence_bond(STRK, detection=0.0, audit_rate=1.0, cost_share=1.0, work_saved=1.0)
