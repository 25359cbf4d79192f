"""What an audit finds and what it costs, before anybody pays for it.

n of N tiles, drawn without replacement, meet at least one of k bad ones with
P = 1 - C(N-k, n) / C(N, n) (the hypergeometric distribution).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ..domain.manifest import Manifest, RenderSettings, TaskSpec
from ..domain.money import Fri
from ..domain.sampling import BPS, tile_count
from ..domain.tiles import Tile, sample_grid, with_guard_band

SHOWN_SHARES = (1.0, 0.25, 0.1, 0.05, 0.01)
"""Tampered shares of a task for which detection is shown."""

DEAR_SHARE = 0.08
"""A quarter of a task's work may lie in so few of its tiles: who skips it touches no more. Measured
over scenes, as all that follows here; docs/adr/0014-the-sample-is-drawn-evenly.md."""
SURE = 0.99
"""How often the chosen sample meets a cheat on ``DEAR_SHARE`` of the tiles."""
AREA_SHARE = 0.02
"""Of the task's pixels, guard bands included, that the chosen sample renders again where it can."""
LEAST_TILE_PX, MOST_TILE_PX = 16, 64
"""Below, what a tile costs beyond its pixels outweighs them; above, more tiles see more than larger ones."""

LOAD_SECONDS = 2.0
"""CPU of starting Blender, loading a small scene and preparing its first render."""
TILE_SECONDS = 0.05
"""CPU of one more tile beyond its pixels: asking, preparing, writing, decoding."""
TILE_FIXED_PX = 500
"""As many pixels of a light scene take as long."""
SHOWN_RENDER_SECONDS = (60, 600)
"""CPU times of a task for which an audit's share is shown."""


def detection(total: int, tampered: int, sampled: int) -> float:
    """P: the chance that ``sampled`` of ``total`` tiles hold one of ``tampered``.

    Raises ValueError unless 0 <= tampered, sampled <= total and total >= 1.
    """
    if total < 1 or not 0 <= tampered <= total or not 0 <= sampled <= total:
        raise ValueError(f"cannot sample {sampled} of {total} with {tampered} tampered")
    if tampered + sampled > total:
        return 1.0
    few, many = sorted((tampered, sampled))  # P is symmetric in the two
    log_miss = math.fsum(math.log1p(-many / (total - drawn)) for drawn in range(few))
    return abs(math.expm1(log_miss))


def least_sample_tiles(total: int, tampered: int, target: float) -> int:
    """The least n whose detection reaches ``target`` (0..1); N when only certainty will do."""
    low, high = 0, total
    while low < high:
        middle = (low + high) // 2
        if detection(total, tampered, middle) >= target:
            high = middle
        else:
            low = middle + 1
    return low


@dataclass(frozen=True, slots=True)
class Power:
    """What an audit finds when ``tampered`` tiles (``share`` of the task) are bad."""

    share: float
    tampered: int
    detection: float


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """One task's audit: ``sampled`` of ``total`` tiles."""

    total: int
    sampled: int
    tile_px: int
    area_share: float  # of the task's pixels re-rendered, guard bands included
    audit_rate: float  # 0..1
    powers: tuple[Power, ...]


def plan_audit(manifest: Manifest, task: int, audit_rate_bps: int) -> SamplePlan:
    """The plan that the manifest's policy makes for one task.

    Detection is that of one audit; the chance that an audit happens stands beside it.
    """
    spec, tile_px = manifest.tasks[task], manifest.audit.tile_px
    total = tile_count(manifest, task)
    sampled = min(manifest.audit.sample_tiles, total)
    mean_area = _mean_area(manifest.settings, spec.region, tile_px)
    tampered = {share: max(1, round(share * total)) for share in SHOWN_SHARES}
    return SamplePlan(
        total=total,
        sampled=sampled,
        tile_px=tile_px,
        area_share=mean_area * sampled / (spec.region.area * len(spec.frames)),
        audit_rate=audit_rate_bps / BPS,
        powers=tuple(Power(share, k, detection(total, k, sampled)) for share, k in tampered.items()),
    )


@dataclass(frozen=True, slots=True)
class SampleSize:
    tile_px: int
    sample_tiles: int


def choose_sample(
    settings: RenderSettings,
    spec: TaskSpec,
    *,
    tile_px: int | None = None,
    sample_tiles: int | None = None,
    least_px: int = LEAST_TILE_PX,
) -> SampleSize:
    """How many tiles, and how large, where the requester names one of them or neither.

    As many as meet a cheat on ``DEAR_SHARE`` of them with ``SURE``; as large as ``AREA_SHARE``
    allows, from ``least_px`` to ``MOST_TILE_PX``; whole pictures where those are less work.
    """
    if tile_px is not None:
        return SampleSize(tile_px, sample_tiles or _enough(spec, tile_px))
    wanted = sample_tiles or _enough(spec, least_px)
    edge = math.isqrt(int(AREA_SHARE * spec.region.area * len(spec.frames) / wanted))
    small = min(max(edge - 2 * settings.guard_band_px, least_px), max(least_px, MOST_TILE_PX))
    whole = max(spec.region.width, spec.region.height)
    sizes = [SampleSize(edge, sample_tiles or _enough(spec, edge)) for edge in (small, whole)]

    def work_px(size: SampleSize) -> float:
        drawn = min(size.sample_tiles, len(spec.frames) * len(sample_grid(spec.region, size.tile_px)))
        return drawn * (_mean_area(settings, spec.region, size.tile_px) + TILE_FIXED_PX)

    return min(sizes, key=work_px)


def fixed_seconds(plan: SamplePlan) -> float:
    """CPU of an audit beyond its pixels, for a small scene."""
    return LOAD_SECONDS + plan.sampled * TILE_SECONDS


def cost_share(plan: SamplePlan, render_seconds: float) -> float:
    """An audit's CPU as a share of the task's, which is ``render_seconds`` on the same machine: its
    pixels, and what tiles and the load cost beyond them. The screen comes on top."""
    return plan.area_share + fixed_seconds(plan) / render_seconds


def measured_cost(plan: SamplePlan, tile_seconds: Sequence[float], load_seconds: float) -> tuple[str, ...]:
    """What an audit took, beside what by its tiles the whole task takes, as a sentence; none where
    nothing was rendered. The sample is drawn evenly, so its sum over its share is a fair estimate."""
    spent = math.fsum(tile_seconds)
    if not spent or not plan.area_share:
        return ()
    whole = spent / plan.area_share
    return (
        f"rendering its tiles took {spent:.1f} s and loading {load_seconds:.1f} s, "
        f"{_percent((spent + load_seconds) / whole)} of the {whole:.0f} s that, by these tiles, the whole "
        "task takes here",
    )


def describe(plan: SamplePlan) -> tuple[str, ...]:
    """The plan in plain sentences, one a line, for dry runs and reports."""
    if plan.sampled == plan.total:
        tiles = "the only tile" if plan.total == 1 else f"all {plan.total} tiles"
        lines = [
            f"an audit renders {tiles} of a task again ({plan.tile_px} px)",
            "no changed tile goes unseen",
        ]
    else:
        found = [f"{_percent(p.detection)} of cheats on {_share(p)}" for p in plan.powers]
        shares = [
            f"{_percent(cost_share(plan, seconds), up=True)} of a task of {seconds // 60} min"
            for seconds in SHOWN_RENDER_SECONDS
        ]
        lines = [
            f"an audit renders {plan.sampled} of a task's {plan.total} tiles again "
            f"({plan.tile_px} px), {_percent(plan.area_share)} of its pixels",
            "it finds " + ", ".join(found),
            f"its CPU is that share of the task's and some {fixed_seconds(plan):.0f} s: " + ", ".join(shares),
        ]
    if plan.audit_rate < 1:
        lines.append(f"{_percent(plan.audit_rate)} of the tasks are audited; nobody knows which beforehand")
    return tuple(lines)


def majority_chance(honest: int, hostile: int, committee_size: int) -> float:
    """The chance that ``hostile`` seats hold the majority of one drawn committee.

    Seats are drawn without replacement from all (hypergeometric); a committee larger than
    the seats is filled as far as they go and needs its full majority all the same.
    """
    seats = honest + hostile
    drawn = min(committee_size, seats)
    needed = committee_size // 2 + 1
    ways = sum(math.comb(hostile, bad) * math.comb(honest, drawn - bad) for bad in range(needed, drawn + 1))
    return ways / math.comb(seats, drawn)


@dataclass(frozen=True, slots=True)
class MajorityPrice:
    """What it takes to own a committee's majority with at least ``chance``."""

    seats: int
    bonds: Fri
    chance: float


def majority_price(honest: int, seat_bond: Fri, committee_size: int, chance: float = 0.5) -> MajorityPrice:
    """The fewest hostile seats, beside ``honest`` ones, that reach ``chance`` (0..1, below 1)."""
    if not 0 < chance < 1:
        raise ValueError(f"a chance lies between 0 and 1, not {chance}")
    high = committee_size
    while majority_chance(honest, high, committee_size) < chance:
        high *= 2
    low = 1
    while low < high:
        middle = (low + high) // 2
        if majority_chance(honest, middle, committee_size) >= chance:
            high = middle
        else:
            low = middle + 1
    return MajorityPrice(low, seat_bond * low, majority_chance(honest, low, committee_size))


def deterrence_bond(
    reward: Fri, *, detection: float, audit_rate: float, cost_share: float, work_saved: float
) -> Fri:
    """The least worker bond with which a cheat loses on average, rounded up.

    B >= R x (g x c / (q x P) - 1): reward R, work saved g, cost share c (what honest work
    costs as a share of the reward), audit rate q, detection P, all 0..1; source
    docs/protocol.md. Zero when losing the reward alone deters.
    """
    if not (0 < detection <= 1 and 0 < audit_rate <= 1):
        raise ValueError("nothing deters where nothing is found")
    gain = Fraction(work_saved) * Fraction(cost_share)
    factor = gain / (Fraction(audit_rate) * Fraction(detection)) - 1
    return Fri(max(0, math.ceil(reward.units * factor)))


def _enough(spec: TaskSpec, tile_px: int) -> int:
    total = len(spec.frames) * len(sample_grid(spec.region, tile_px))
    return least_sample_tiles(total, math.ceil(DEAR_SHARE * total), SURE)


def _mean_area(settings: RenderSettings, region: Tile, tile_px: int) -> float:
    """Pixels rendered for one tile, with its guard band. Columns and rows are summed apart: a hostile
    manifest may have billions of tiles."""
    grid, full = sample_grid(region, tile_px), settings.full_frame

    def rendered(tile: Tile) -> Tile:
        return with_guard_band(tile, settings.guard_band_px, full).rendered

    across = sum(rendered(grid.tile(column)).width for column in range(grid.columns))
    down = sum(rendered(grid.tile(row * grid.columns)).height for row in range(grid.rows))
    return across * down / len(grid)


def _percent(share: float, *, up: bool = False) -> str:
    """Cut, never rounded up: 99.97 % must not read as 100 %. A cost is rounded ``up``."""
    if share >= 1 and not up:
        return "100 %"
    cut = (math.ceil if up else math.floor)(share * 1000) / 10
    return f"{cut:.1f} %" if cut >= 0.1 else "under 0.1 %"


def _share(power: Power) -> str:
    if power.share >= 1:
        return "the whole task"
    tiles = "1 tile" if power.tampered == 1 else f"{power.tampered} tiles"
    return f"{power.share * 100:.0f} % of it ({tiles})"
