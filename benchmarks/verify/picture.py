"""The curves of docs/verification.md as one SVG."""

from __future__ import annotations

from collections.abc import Sequence

from tileproof.audit.plan import detection, least_sample_tiles

from ..charts import COLOURS, Chart, Line, draw
from .metrics import METRICS, roc
from .scale import TUNED_ON
from .scenes import SceneFigures

_GRID = [at / 50 for at in range(51)]


def picture(figures: Sequence[SceneFigures], against: Sequence[tuple[float, float, float]]) -> str:
    plan = figures[0].plan
    total, sampled = plan["tiles"], min(plan["sample_tiles"], plan["tiles"])
    return draw(
        "What an audit finds",
        [_detection(total, sampled, against), _roc(figures), _least(total), _power(figures, total, sampled)],
        [
            f"Default plan: {sampled} of {total} tiles of {plan['tile_px']} px. Dots are audits drawn by the "
            "protocol's own rule on real renders; lines are the hypergeometric formula.",
            "Tolerances run from none to the loosest; honest tiles are those of every honest variant, "
            "another processor's kernel among them.",
        ],
    )


def _detection(total: int, sampled: int, against: Sequence[tuple[float, float, float]]) -> Chart:
    dots = [(share, found) for share, found, _ in against if share <= 0.6]
    titles = ("Audits that find tampering", "tiles tampered", "share of audits")
    return _beside_formula(titles, Line("drawn", dots, COLOURS[0], dots=True), total, sampled, 0.6)


def _beside_formula(titles: tuple[str, str, str], line: Line, total: int, sampled: int, most: float) -> Chart:
    curve = [(share, detection(total, round(share * total), sampled)) for share in _GRID if share <= most]
    return Chart(
        *titles,
        [Line("formula", curve, COLOURS[1]), line],
        low=0.0,
        high=1.0,
        ticks=(0, 0.25, 0.5, 0.75, 0.99),
        legend=(250, 230),
    )


def _roc(figures: Sequence[SceneFigures]) -> Chart:
    every = [each for scene in figures for each in scene.classes]
    tested = [each for each in every if each.scene not in TUNED_ON] or every
    honest = [tile for each in tested if each.honest for tile in each.metrics]
    wrong = [tile for each in tested if not each.honest for tile in each.metrics]
    colours = (*COLOURS, "#666", "#111")
    lines = [
        Line(name, roc([t[name] for t in honest], [t[name] for t in wrong]), colour, dashed=name == "exact")
        for name, colour in zip(METRICS, colours, strict=True)
        if honest and wrong
    ]
    return Chart(
        "One metric alone, tile by tile",
        "honest tiles flagged",
        "wrong tiles flagged",
        lines,
        low=0.0,
        high=1.0,
        ticks=(0, 0.25, 0.5, 0.75, 1),
        legend=(280, 150),
    )


def _least(total: int) -> Chart:
    curve = [
        (share, float(least_sample_tiles(total, max(1, round(share * total)), 0.99)))
        for share in _GRID
        if 0.02 <= share <= 0.6
    ]
    return Chart(
        "Tiles for 99 %",
        "tiles tampered",
        "sample tiles",
        [Line("", curve, COLOURS[2])],
        low=0.0,
        high=max(y for _, y in curve),
        ticks=(0, 17, 50, 100),
    )


def _power(figures: Sequence[SceneFigures], total: int, sampled: int) -> Chart:
    cheats = [each for scene in figures for each in scene.classes if not each.honest and each.wrong]
    dots = [(each.wrong / each.tiles, each.found.share) for each in cheats]
    titles = ("Every cheat on every scene", "tiles it touches", "audits that reject")
    return _beside_formula(titles, Line("cheats", dots, COLOURS[0], dots=True), total, sampled, 1.0)
