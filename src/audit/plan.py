"""What an audit finds and what it costs, before anybody pays for it.

n of N tiles, drawn without replacement, meet at least one of k bad ones with
P = 1 - C(N-k, n) / C(N, n) (the hypergeometric distribution).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from ..domain.manifest import Manifest
from ..domain.money import Fri
from ..domain.sampling import BPS, tile_count
from ..domain.tiles import sample_grid, with_guard_band

SHOWN_SHARES = (1.0, 0.25, 0.1, 0.05, 0.01)
"""Tampered shares of a task for which detection is shown."""


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
    spec, settings = manifest.tasks[task], manifest.settings
    total = tile_count(manifest, task)
    sampled = min(manifest.audit.sample_tiles, total)
    grid = sample_grid(spec.region, manifest.audit.tile_px)
    # Columns and rows are summed apart: a hostile manifest may have billions of tiles.
    band, full = settings.guard_band_px, settings.full_frame
    across = sum(
        with_guard_band(grid.tile(column), band, full).rendered.width for column in range(grid.columns)
    )
    down = sum(
        with_guard_band(grid.tile(row * grid.columns), band, full).rendered.height for row in range(grid.rows)
    )
    mean_area = across * down / len(grid)
    tampered = {share: max(1, round(share * total)) for share in SHOWN_SHARES}
    return SamplePlan(
        total=total,
        sampled=sampled,
        tile_px=manifest.audit.tile_px,
        area_share=mean_area * sampled / (spec.region.area * len(spec.frames)),
        audit_rate=audit_rate_bps / BPS,
        powers=tuple(Power(share, k, detection(total, k, sampled)) for share, k in tampered.items()),
    )


def cost_share(plan: SamplePlan, render_seconds: float, load_seconds: float) -> float:
    """An audit's CPU as a share of the task's: its pixels, and loading the scene once.

    Both times on one machine: of rendering the whole task, and of opening the scene.
    """
    return plan.area_share + load_seconds / render_seconds


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
        lines = [
            f"an audit renders {plan.sampled} of a task's {plan.total} tiles again "
            f"({plan.tile_px} px), {_percent(plan.area_share)} of its pixels",
            "it finds " + ", ".join(found),
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


def _percent(share: float) -> str:
    """Cut, never rounded up: 99.97 % must not read as 100 %."""
    if share >= 1:
        return "100 %"
    cut = math.floor(share * 1000) / 10
    return f"{cut:.1f} %" if cut >= 0.1 else "under 0.1 %"


def _share(power: Power) -> str:
    if power.share >= 1:
        return "the whole task"
    tiles = "1 tile" if power.tampered == 1 else f"{power.tampered} tiles"
    return f"{power.share * 100:.0f} % of it ({tiles})"
