"""What all scenes together say, as tables and as the last line's JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from textwrap import fill

from gallery import DENOISED, RAW

from .cost import CostRow
from .metrics import CUSTOMARY, METRICS, choose, flagged
from .scale import TUNED_ON, Scale
from .scenes import ClassFigures, SceneFigures
from .trials import Rate

MUCH = 0.25
"""Of the work: who saves less has little reason to cheat."""
TARGET_MUCH, TARGET_REST = 0.99, 0.90


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of the gallery over all scenes and kinds of job."""

    entry: str
    honest: bool
    work_saved: float
    touched: float  # share of tiles that are wrong, mean over the jobs
    found: Rate
    worst: Rate  # of the job on which the fewest audits find it
    worst_job: str
    expected: float  # by the formula, mean over the jobs
    harmless: int  # jobs whose pixels it does not change at all: nothing to find there
    alone: Mapping[str, float]  # by metric, the share of differing tiles flagged at the chosen tolerance
    customary: Mapping[str, float]


def rows(figures: Sequence[SceneFigures]) -> list[Row]:
    every = [each for scene in figures for each in scene.classes]
    tolerance = choose(
        [tile for each in every if each.honest and each.scene in TUNED_ON for tile in each.metrics]
    )
    made = []
    for entry in sorted({each.entry for each in every}):
        own = [each for each in every if each.entry == entry]
        touched = [each for each in own if each.wrong or each.honest]
        tiles = [tile for each in own if each.scene not in TUNED_ON for tile in each.metrics] or [
            tile for each in own for tile in each.metrics
        ]
        worst = min(touched, key=lambda each: each.found.share, default=own[0])
        made.append(
            Row(
                entry=entry,
                honest=own[0].honest,
                work_saved=own[0].work_saved,
                touched=_mean(touched, lambda each: each.wrong / each.tiles),
                found=sum((each.found for each in touched), Rate(0, 0)),
                worst=worst.found,
                worst_job=f"{worst.scene}, {worst.kind}",
                expected=_mean(touched, lambda each: each.expected),
                harmless=len(own) - len(touched),
                alone=flagged(tiles, tolerance.chosen),
                customary=flagged(tiles, {**CUSTOMARY, "exact": 0.0}),
            )
        )
    return made


def _mean(every: Sequence[ClassFigures], of: Callable[[ClassFigures], float]) -> float:
    return sum(map(of, every)) / len(every) if every else math.nan


def honest_tiles(figures: Sequence[SceneFigures]) -> tuple[int, int]:
    """Tiles of honest variants, and those of them that would be rejected."""
    honest = [each for scene in figures for each in scene.classes if each.honest]
    return sum(each.tiles for each in honest), sum(each.wrong for each in honest)


def explained(row: Row) -> bool:
    """Whether what a cheat touches says why not more audits find it: within two points of the formula."""
    return row.found.share >= row.expected - 0.02


def summary(
    figures: Sequence[SceneFigures], costs: Sequence[CostRow], against: Sequence[tuple[float, float, float]]
) -> dict[str, object]:
    made = rows(figures)
    tiles, false = honest_tiles(figures)
    much = [row for row in made if not row.honest and row.work_saved >= MUCH and row.found.of]
    rest = [row for row in made if not row.honest and row.work_saved < MUCH and row.found.of]
    audits = [each for scene in figures for each in scene.audits]
    return {
        "honest_tiles": tiles,
        "false_rejections": false,
        "min_power_saving_25": min((row.found.share for row in much), default=None),
        "min_power_rest": min((row.found.share for row in rest), default=None),
        "rest_below_target": sorted(row.entry for row in rest if row.found.share < TARGET_REST),
        "saving_25_below_target": sorted(row.entry for row in much if row.found.share < TARGET_MUCH),
        "all_explained_by_share": all(explained(row) for row in (*much, *rest)),
        "verifier_cpu_share_median": median(row.share for row in costs) if costs else None,
        "verifier_cpu_share_median_by_kind": {
            kind: median(row.share for row in costs if row.job.endswith(kind)) for kind in (RAW, DENOISED)
        }
        if costs
        else None,
        "verifier_cpu_share_worst": max((row.share for row in costs), default=None),
        "largest_gap_to_formula": max(abs(found - said) for _, found, said in against),
        "real_audits": len(audits),
        "real_audits_as_predicted": sum(each.agrees for each in audits),
        "power": {row.entry: row.found.share for row in made if not row.honest and row.found.of},
        "plan": figures[0].plan,
    }


def page(scale: Scale, tables: str, figures: Sequence[SceneFigures]) -> str:
    """The tables under what they were measured on, as docs/verification/figures.md."""
    plan, named = figures[0].plan, [scene.scene for scene in figures]
    tuned = [name for name in named if name in TUNED_ON]
    chosen = (
        f"That tolerance is chosen on {', '.join(tuned)} and tried on the others."
        if 0 < len(tuned) < len(named)
        else "That tolerance is tried on the scenes that it is chosen on, which flatters the metrics."
    )
    audits = [each for scene in figures for each in scene.audits]
    text = f"""
        Written by `python -m benchmarks.verify --write docs/verification`, the {scale.name} run: the scenes
        {", ".join(named)} of [scenes/proving](../../scenes/proving), raw and denoised, {scale.frames} frames
        of {scale.width_px}x{scale.height_px} at {scale.samples_per_pixel} samples as one task, default plan
        ({min(plan["sample_tiles"], plan["tiles"])} of {plan["tiles"]} tiles of {plan["tile_px"]} px),
        {scale.draws} audits drawn for each scene and cheat. Of {len(audits)} audits that were run whole,
        from files to report, {sum(each.agrees for each in audits)} said what was predicted. *Tiles touched*
        are those that differ from the honest render. Beside each metric's name: the share of differing
        tiles that it flags at the tolerance that flags no honest tile, and in brackets at the customary one
        (5 bits, SSIM 0.95, 40 dB). {chosen} Rows at 1080p, where there are any, are of one frame at
        {scale.cost_samples} samples.
        """
    paragraph = fill(" ".join(text.split()), 110, break_long_words=False, break_on_hyphens=False)
    return f"# What audits find: the figures\n\n{paragraph}\n\n{tables}\n"


def markdown(
    figures: Sequence[SceneFigures], costs: Sequence[CostRow], against: Sequence[tuple[float, float, float]]
) -> str:
    made = rows(figures)
    parts = [_power_table([row for row in made if not row.honest]), _honest_table(made)]
    parts.append(_against_table(against))
    if costs:
        parts.append(_cost_table(costs))
    parts.append(_bytes_table(figures))
    left_out = {name: why for scene in figures for name, why in scene.left_out.items()}
    parts += [f"Left out: {name} ({why})." for name, why in sorted(left_out.items())]
    return "\n\n".join(parts)


def _power_table(made: Sequence[Row]) -> str:
    head = (
        "| cheat | work saved | tiles touched | audits that reject | 95 % interval | worst job | "
        + " | ".join(f"{name} alone" for name in METRICS[:-1])
        + " |"
    )
    lines = [head, "| --- " * (6 + len(METRICS) - 1) + "|"]
    for row in sorted(made, key=lambda each: (-each.work_saved, each.entry)):
        low, high = row.found.interval
        alone = " | ".join(
            f"{_share(row.alone[name])} ({_share(row.customary[name])})" for name in METRICS[:-1]
        )
        lines.append(
            f"| {row.entry} | {_share(row.work_saved)} | {_share(row.touched)} | {_share(row.found.share)} | "
            f"{_share(low)}-{_share(high)} | {_share(row.worst.share)} ({row.worst_job}) | {alone} |"
        )
    return "\n".join(lines)


def _honest_table(made: Sequence[Row]) -> str:
    lines = [
        "| honest variant | audits | rejected | tiles flagged by customary pHash |",
        "| --- | --- | --- | --- |",
    ]
    for row in made:
        if row.honest:
            flag = _share(row.customary["phash"])
            lines.append(f"| {row.entry} | {row.found.of} | {row.found.hits} | {flag} |")
    return "\n".join(lines)


def _against_table(against: Sequence[tuple[float, float, float]]) -> str:
    lines = ["| tiles tampered | audits that find it | formula |", "| --- | --- | --- |"]
    lines += [f"| {_share(share)} | {_share(found)} | {_share(said)} |" for share, found, said in against]
    return "\n".join(lines)


def _cost_table(costs: Sequence[CostRow]) -> str:
    lines = [
        "| scene at 1080p | render, CPU s | audit, CPU s | share | screen, CPU s | fetched by the audit |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row.job} | {row.render_cpu:.0f} | {row.audit_cpu:.1f} | {row.share:.1%} | "
        f"{row.screen_cpu:.1f} | {row.fetched / 2**20:.1f} MiB |"
        for row in costs
    ]
    return "\n".join(lines)


def _bytes_table(figures: Sequence[SceneFigures]) -> str:
    lines = ["| scene | raw, KiB pinned per frame | denoised |", "| --- | --- | --- |"]
    for scene in figures:
        sizes = " | ".join(f"{scene.bytes_per_frame.get(kind, 0) / 1024:.0f}" for kind in ("raw", "denoised"))
        lines.append(f"| {scene.scene} | {sizes} |")
    return "\n".join(lines)


def _share(part: float) -> str:
    """Cut, never rounded up."""
    if math.isnan(part):
        return "-"
    return f"{math.floor(part * 1000) / 10:g} %"
