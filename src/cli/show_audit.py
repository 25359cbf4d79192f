"""Audits, replays and explanations as people and scripts read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..domain.job import APPEAL_ROUND, AppealOutcome, Outcome, TaskState
from .console import facts, note, say, table
from .show import short

if TYPE_CHECKING:
    from pathlib import Path

    from ..audit.explain import Explanation
    from ..audit.report import AuditReport
    from ..verifier.evidence import TaskEvidence
    from ..verifier.replay import Replay

_LONG = 40


def show_audit(report: AuditReport, folder: Path) -> None:
    judgement = report.judgement
    if report.tiles:
        rows = [
            [
                at,
                tile.sample.frame,
                tile.sample.tile,
                "equal" if tile.score.equal else "differs",
                "-" if tile.score.equal else f"{tile.score.psnr_db:.1f} dB",
                tile.score.hashes.phash,
                f"{tile.seconds:.2f} s",
            ]
            for at, tile in enumerate(report.tiles)
        ]
        columns = ["no.", "frame", "tile", "pixels", "PSNR", "pHash distance", "rendered in"]
        table(columns, rows, right=("no.", "frame"))
        say()
    for finding in report.findings:
        say(f"note: frame {finding.frame}: {finding.detail}")
    said = {"verdict": f"{judgement.verdict.value.lower()}: {judgement.reason}"}
    if report.appeal is not None:
        said["appeal"] = "; ".join(report.appealed)
    said["tiles"] = f"{report.equal_tiles} of {len(report.tiles)} equal to the last bit"
    if report.finishes:
        said["finishing"] = f"{report.equal_finishes} of {len(report.finishes)} frames equal to the last bit"
    said["report"] = str(folder / "report.html")
    facts(said)


def replay_json(found: Replay, report: AuditReport) -> dict[str, object]:
    return {
        "answer": found.answer.value,
        "why": found.why,
        "checks": [
            {"field": c.field, "equal": c.equal, "reported": c.reported, "replayed": c.replayed}
            for c in found.checks
        ],
        "notes": list(found.notes),
        "job_id": report.of.job_id,
        "task": report.of.task,
        "attempt": report.of.attempt,
        "round": report.of.round,
        "verdict": report.judgement.verdict.value,
    }


def show_replay(found: Replay, report: AuditReport) -> None:
    rows = [
        [
            check.field,
            "equal" if check.equal else "UNEQUAL",
            _cut(check.reported),
            "" if check.equal else _cut(check.replayed),
        ]
        for check in found.checks
    ]
    table(["field", "", "the report says", "here"], rows)
    say()
    for line in found.notes:
        note(f"note: {line}")
    of = report.of
    facts(
        {
            "audit": f"of job {of.job_id}, task {of.task}, attempt {of.attempt + 1}, round {of.round + 1}",
            "verdict": f"{report.judgement.verdict.value.lower()}: {report.judgement.reason}",
            "replay": f"{found.answer.value}: {found.why}",
        }
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else short(text) if " " not in text else f"{text[: _LONG - 1]}…"


def told_json(
    told: Explanation | None, evidence: TaskEvidence | None, whose: str, report: AuditReport | None
) -> dict[str, object]:
    """``told`` is of ``report``; without one, only what the ledger says is there."""
    from ..audit import aftermath

    said: dict[str, object] = {
        "headline": told.headline if told is not None else _from_ledger(evidence)[0],
        "seen": list(told.seen) if told is not None else list(_from_ledger(evidence)[1:]),
        "differences": [
            {
                "frame": each.frame,
                "tile": each.index,
                "pixels": [each.pixels.x0, each.pixels.y0, each.pixels.x1, each.pixels.y1],
                "where": each.where,
                "how": each.how,
                "likely_cause": None if each.cause is None else each.cause.value,
            }
            for each in (told.differences if told is not None else ())
        ],
        "likely_cause": None
        if told is None or told.guess is None
        else {
            "cause": told.guess.cause.value,
            "certainty": told.guess.certainty,
            "tiles": told.guess.like_it,
            "of": told.guess.of,
            "words": str(told.guess),
        },
        "sure": list(told.sure) if told is not None else [],
        "hints": list(told.hints) if told is not None else [],
        "report": None
        if report is None
        else {
            "whose": whose,
            "job_id": report.of.job_id,
            "task": report.of.task,
            "attempt": report.of.attempt,
            "round": report.of.round,
            "verdict": report.judgement.verdict.value,
        },
    }
    if evidence is not None:
        reckoning = evidence.reckoning
        said |= {
            "outcome": reckoning.outcome.value,
            "settled": reckoning.settled,
            "state": reckoning.task.state.value,
            "votes": dict(Counter(each.verdict.value for each in evidence.deciding)),
            "money": list(aftermath.money(reckoning)) if evidence.submitted else [],
            "next": list(aftermath.next_steps(reckoning)),
        }
    return said


def show_told(
    told: Explanation | None, evidence: TaskEvidence | None, whose: str, report: AuditReport | None
) -> None:
    """The story from top to bottom: what, where, why, how sure, whose money, what next."""
    from ..audit import aftermath
    from ..audit.explain import SHOWN

    if told is None:
        headline, *seen = _from_ledger(evidence)
        _heading(headline)
        _lines(seen)
        if evidence is not None and evidence.told:
            _lines([f"no report tells more: {whose}"])
    else:
        _heading(told.headline)
        _lines(told.seen)
        for each in told.differences[:SHOWN]:
            what = "the finished picture" if each.index is None else f"tile {each.index}"
            say()
            say(f"  frame {each.frame}, {what}: {each.where}")
            say(f"    {each.how}")
        if len(told.differences) > SHOWN:
            say(f"  and {len(told.differences) - SHOWN} more: the report's page shows them")
        if told.guess is not None:
            _section("why", [f"{told.guess} (a guess from {_of_tiles(told)}; no verdict rests on it)"])
        _section("how sure", told.sure)
        if told.hints:
            _section("worth a look, whatever the verdict", told.hints[:SHOWN])
    if evidence is None:
        if report is not None:
            _section(
                "money and appeals",
                [f"`tileproof verifier explain {report.of.job_id} {report.of.task}` asks the ledger"],
            )
        return
    if evidence.deciding:
        _section(
            "who says so",
            [_votes(evidence), f"told from the report of {whose}"] if report else [_votes(evidence)],
        )
    if evidence.submitted:
        _section("money", aftermath.money(evidence.reckoning))
    _section("next", aftermath.next_steps(evidence.reckoning))


def _heading(text: str) -> None:
    say(f"{text[0].upper()}{text[1:]}.")


def _section(name: str, lines: Sequence[str]) -> None:
    say()
    say(f"{name}:")
    _lines(lines)


def _lines(lines: Sequence[str]) -> None:
    for line in lines:
        say(f"  {line}")


def _of_tiles(told: Explanation) -> str:
    assert told.guess is not None
    like_it, of = told.guess.like_it, told.guess.of
    return "the one that differs" if of == 1 else f"{like_it} of the {of} that differ most"


def _votes(evidence: TaskEvidence) -> str:
    deciding = evidence.deciding
    counted = Counter(each.verdict.value.lower() for each in deciding)
    said = ", ".join(f"{count} said {verdict}" for verdict, count in counted.most_common())
    silent = evidence.seats - len(deciding)
    which = "the appeal's committee" if deciding[0].round == APPEAL_ROUND else "the committee"
    quiet = f", {silent} said nothing" if silent > 0 else ""
    appeal = {
        AppealOutcome.WON: "; the appeal was won",
        AppealOutcome.LOST: "; the appeal was lost",
        AppealOutcome.UNDECIDED: "; the appeal had no majority, so the first verdict stands",
    }.get(evidence.reckoning.appeal, "")
    return f"of {evidence.seats} seats of {which} {said}{quiet}{appeal}"


def _from_ledger(evidence: TaskEvidence | None) -> tuple[str, ...]:
    """What can be said without a report; the headline first."""
    if evidence is None or not evidence.submitted:
        return ("nothing has been handed in yet, so there is nothing to judge",)
    task, outcome = evidence.reckoning.task, evidence.reckoning.outcome
    if outcome is Outcome.UNDECIDED and task.state is TaskState.PAID:
        outcome = Outcome.ACCEPTED
    named: tuple[str, ...] = ()
    if evidence.reckoning.is_current and outcome is Outcome.REJECTED:
        named = (f"the committee named {task.ground.value.lower()} {task.index}",)
    return {
        Outcome.NOT_DRAWN: (
            "not audited: the draw passed this task by, and it counts as accepted",
            "nobody could know that before the result was fixed; the requester may look and appeal",
        ),
        Outcome.UNDECIDED: ("left open: there is no verdict yet",),
        Outcome.ACCEPTED: ("accepted by its committee",),
        Outcome.REJECTED: ("rejected by its committee", *named),
        Outcome.UNAVAILABLE: ("not delivered: the committee could not fetch it in time",),
        Outcome.NO_VERDICT: (
            "left open for good: no committee came to a majority",
            "that says nothing about the pictures, neither good nor bad",
        ),
    }[outcome]
