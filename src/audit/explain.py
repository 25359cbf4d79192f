"""A report in words that an artist understands: what differs, where, and how sure that is.

Pure, and the same for the page and the command line. What was measured is said as a fact, what
was concluded from it as likely.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ..domain.job import Ground, Verdict
from ..domain.policy import EXACT, describe_policy
from ..domain.tiles import Tile
from .causes import Cause, Guess, cause_of, guess
from .compare import HASH_BITS, TileScore
from .report import FINE, AuditReport, FinishRecord, TileRecord
from .traits import Traits

_Record = TypeVar("_Record", TileRecord, FinishRecord)
SHOWN = 4
"""Frames, or differences, told one by one; the rest is counted."""
ALIKE_BITS = 5
"""A hash distance that a judge by hashes alone would commonly let pass."""
ALIKE_DB = 30.0
"""A PSNR that is commonly called visually the same."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One tile, or one finished frame, that is not as it should be."""

    frame: int
    index: int | None  # in the list; None for a finish
    pixels: Tile  # what differs lies in it, full-frame pixels
    where: str  # "upper left, 64x64 pixels from 128,64 on, 0.8 % of the frame"
    how: str  # "nearly every pixel differs, a little (about 2 levels of 255)"
    cause: Cause | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Sentences without their full stops, in the order in which to tell them; the worst difference
    first."""

    headline: str
    seen: tuple[str, ...]
    differences: tuple[Difference, ...]
    guess: Guess | None
    sure: tuple[str, ...]
    hints: tuple[str, ...]  # what may be worth a look, whatever the verdict


def explain(report: AuditReport) -> Explanation:
    """What the report's verdict says about the pictures."""
    differences = _differences(report)
    return Explanation(
        headline=_headline(report),
        seen=_seen(report, differences),
        differences=tuple(differences),
        guess=guess(_telling(report)),
        sure=_sure(report),
        hints=tuple(f"frame {each.frame}: {each.detail}" for each in report.findings),
    )


def place(pixels: Tile, frame: Tile) -> str:
    """Where in the frame: one of nine parts by the middle of ``pixels``, then pixels, then share."""
    column = (pixels.x0 + pixels.x1 - 2 * frame.x0) * 3 // (2 * frame.width)
    row = (pixels.y0 + pixels.y1 - 2 * frame.y0) * 3 // (2 * frame.height)
    if pixels == frame:
        return "the whole frame"
    part = (
        "centre"
        if (row, column) == (1, 1)
        else f"{('upper', 'middle', 'lower')[min(row, 2)]} {('left', 'middle', 'right')[min(column, 2)]}"
    )
    size = f"{pixels.width}x{pixels.height} pixels from {pixels.x0},{pixels.y0} on"
    return f"{part}, {size}, {share(pixels.area / frame.area)} of the frame"


def share(part: float) -> str:
    """``12 %``, ``0.8 %``; cut, so that nothing short of all is called 100 %."""
    if part >= 1:
        return "100 %"
    cut = math.floor(part * 1000) / 10
    return "under 0.1 %" if cut < 0.1 else f"{cut:.1f} %" if cut < 10 else f"{math.floor(cut)} %"


def extent(score: TileScore, traits: Traits | None) -> str:
    """How many pixels differ and by how much."""
    differing = 1 - score.equal_share
    many = (
        "nearly every pixel differs"
        if differing >= 0.95
        else f"{share(differing)} of its pixels differ"
        if differing >= 0.001
        else "a few pixels differ"
    )
    levels = score.max_difference if traits is None else traits.difference
    if score.max_difference <= 1.01:
        return f"{many}, by one level of 255 or less, which nobody sees"
    if traits is not None and traits.difference == 0:
        return f"{many}, none of them in the picture itself"
    much = "a little" if levels < 4 else "visibly" if levels < 20 else "strongly"
    return f"{many}, {much} ({'up to' if traits is None else 'about'} {_levels(levels)} of 255)"


def tint(shift: tuple[float, float, float]) -> str:
    """``brighter by 3 levels``, ``redder``: what the mean says beyond noise; empty when nothing."""
    mean = sum(shift) / 3
    apart = [value - mean for value in shift]
    strongest = max(range(3), key=lambda channel: abs(apart[channel]))
    said = []
    if abs(mean) >= 0.5:
        said.append(f"{'brighter' if mean > 0 else 'darker'} by {_levels(abs(mean))} on average")
    if abs(apart[strongest]) >= 1:
        colour = ("red", "green", "blue")[strongest]
        said.append(f"with {'more' if apart[strongest] > 0 else 'less'} {colour}")
    return ", ".join(said)


def _levels(count: float) -> str:
    number = f"{count:.0f}" if count >= 9.5 else f"{count:.2g}"
    return f"{number} level{'' if number == '1' else 's'}"


def _headline(report: AuditReport) -> str:
    rejected = report.judgement.verdict is Verdict.REJECT
    if rejected and report.judgement.ground is not Ground.TILE:
        return "rejected: a picture is missing or not of the agreed kind"
    if rejected and _finishing_only(report):
        return "rejected: it was rendered right and finished otherwise than agreed"
    return {
        Verdict.ACCEPT: "accepted: what was looked at is exactly what the scene renders",
        Verdict.REJECT: "rejected: what was handed in is not what the scene renders",
        Verdict.INCONCLUSIVE: "left open: this verifier could not judge it",
        Verdict.UNAVAILABLE: "not delivered: nobody served the pictures in time",
    }[report.judgement.verdict]


def _off(report: AuditReport, records: Sequence[_Record]) -> list[_Record]:
    """Those that are not as they should be by the job's lane."""
    return [each for each in records if report.stands(each.score) not in FINE]


def _finishing_only(report: AuditReport) -> bool:
    return bool(report.tiles and not _off(report, report.tiles) and _off(report, report.finishes))


def _seen(report: AuditReport, differences: Sequence[Difference]) -> tuple[str, ...]:
    said: list[str] = []
    work = report.work
    for fault in report.faults:
        assert work is not None
        what = {
            Ground.MISSING: "is missing",
            Ground.UNDECODABLE: "is damaged, or no picture at all",
            Ground.WRONG_FORMAT: "has another size, depth or number of channels than agreed",
        }[fault.ground]
        said.append(f"the picture of frame {work.spec.frames[fault.position]} {what}")
    tiles = _off(report, report.tiles)
    if tiles:
        count = Counter(tile.sample.frame for tile in tiles)
        frames = ", ".join(f"frame {frame} ({n})" for frame, n in count.most_common(SHOWN))
        more = "" if len(count) <= SHOWN else f" and {len(count) - SHOWN} more frames"
        said.append(f"{len(tiles)} of {len(report.tiles)} sample tiles {_how_far(report)}: {frames}{more}")
    elif report.tiles:
        said.append(f"all {len(report.tiles)} sample tiles are {_how_near(report)}")
    if report.finishes:
        bad = len(_off(report, report.finishes))
        said.append(
            f"finishing (denoising, compositing) was done again for {len(report.finishes)} "
            f"frame{'' if len(report.finishes) == 1 else 's'}: "
            + (f"{bad} came out otherwise" if bad else "all came out as handed in")
        )
    if not said:
        said.append(report.judgement.reason)
    return tuple(said)


def _how_far(report: AuditReport) -> str:
    assert report.work is not None
    if report.work.policy.lane == EXACT:
        return "differ from a new render"
    return f"are further from a new render than agreed ({describe_policy(report.work.policy)})"


def _how_near(report: AuditReport) -> str:
    if report.equal_tiles == len(report.tiles):
        return "equal to a new render, to the last bit"
    return f"as near to a new render as agreed, {report.equal_tiles} of them equal to the last bit"


def _let_pass(tiles: Sequence[TileRecord]) -> list[str]:
    """What a judge by likeness alone would have said of tiles that are not as they should be."""
    passed = sum(tile.score.hashes.phash <= ALIKE_BITS for tile in tiles)
    if not passed:
        return []
    said = f"a perceptual hash alone (pHash) would have let {passed} of {len(tiles)} pass"
    return [f"of the tiles that differ, {said}"]


def _differences(report: AuditReport) -> list[Difference]:
    """The worst first."""
    if report.work is None:
        return []
    frame = report.work.settings.full_frame
    found: list[tuple[float, Difference]] = []
    for index, tile in enumerate(report.tiles):
        if report.stands(tile.score) not in FINE:
            at, box = tile.sample.tile, tile.traits.box if tile.traits is not None else None
            pixels = (
                at if box is None else Tile(at.x0 + box.x0, at.y0 + box.y0, at.x0 + box.x1, at.y0 + box.y1)
            )
            each = _difference(tile.sample.frame, index, pixels, frame, tile.score, tile.traits)
            found.append((tile.score.psnr_db, each))
    for finish in _off(report, report.finishes):
        pixels = finish.traits.box if finish.traits is not None else frame
        each = _difference(finish.frame, None, pixels, frame, finish.score, finish.traits)
        found.append((finish.score.psnr_db, each))
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]


def _difference(
    frame: int, index: int | None, pixels: Tile, full: Tile, score: TileScore, traits: Traits | None
) -> Difference:
    cause = None if traits is None else cause_of(score, traits)
    how = extent(score, traits)
    if traits is not None and cause in (Cause.COLOURS, Cause.OTHER_PICTURE) and tint(traits.shift):
        how += f"; {tint(traits.shift)}"
    return Difference(frame, index, pixels, place(pixels, full), how, cause)


def _telling(report: AuditReport) -> list[tuple[TileScore, Traits]]:
    """Of the tiles that differ; of the finishes where only they do."""
    finishing = _finishing_only(report)
    off = _off(report, report.finishes) if finishing else _off(report, report.tiles)
    return [(each.score, each.traits) for each in off if each.traits is not None]


def _sure(report: AuditReport) -> tuple[str, ...]:
    judgement, plan = report.judgement, None if report.work is None else report.work.plan
    if judgement.verdict is Verdict.REJECT and judgement.ground is not Ground.TILE:
        return ("certain: whoever fetches the result finds the same",)
    if judgement.verdict is Verdict.REJECT:
        said = "certain: the pixels were made again and differ"
        if report.confirmation is not None and report.confirmation.agrees:
            said = (
                f"certain: tile {report.confirmation.index} was made three times, by three processes, "
                "with one result, and it is not what was handed in"
            )
        again = "anyone can do it again: a replay needs nothing but this report and what it names"
        return (said, *_let_pass(_off(report, report.tiles)), again)
    if judgement.verdict is Verdict.ACCEPT and plan is not None:
        if plan.sampled >= plan.total:
            return ("certain: every pixel was compared",)
        tenth = next((power for power in plan.powers if power.share == 0.1), None)
        odds = "" if tenth is None else f"; of cheats on a tenth of it, it finds {share(tenth.detection)}"
        return (
            f"certain for the {plan.sampled} of {plan.total} tiles that were looked at, which nobody "
            f"could know beforehand{odds}",
        )
    if judgement.verdict is Verdict.ACCEPT:
        return ("certain for what was asked about, and for nothing else",)
    return (judgement.reason, "that says nothing about the pictures, neither good nor bad")


@dataclass(frozen=True, slots=True)
class Alone:
    """What a judge with this measure alone would have said of the tiles that were judged."""

    name: str
    rule: str
    passed: int
    missed: int  # of those, not as they should be
    accused: int  # as they should be, and not passed


def by_themselves(report: AuditReport) -> tuple[Alone, ...]:
    """The usual measures of likeness, each as the only judge of this audit's tiles."""
    if not report.tiles:
        return ()
    bits = f"passes up to {ALIKE_BITS} of {HASH_BITS} bits apart"
    return (
        _alone(report, "PSNR", f"passes from {ALIKE_DB:g} dB", lambda s: s.psnr_db >= ALIKE_DB),
        _alone(report, "pHash", bits, lambda score: score.hashes.phash <= ALIKE_BITS),
        _alone(report, "dHash", bits, lambda score: score.hashes.dhash <= ALIKE_BITS),
        _alone(report, "wHash", bits, lambda score: score.hashes.whash <= ALIKE_BITS),
    )


def _alone(report: AuditReport, name: str, rule: str, passes: Callable[[TileScore], bool]) -> Alone:
    good = [report.stands(tile.score) in FINE for tile in report.tiles]
    passed = [passes(tile.score) for tile in report.tiles]
    return Alone(
        name=name,
        rule=rule,
        passed=sum(passed),
        missed=sum(p and not g for p, g in zip(passed, good, strict=True)),
        accused=sum(g and not p for p, g in zip(passed, good, strict=True)),
    )
