"""Reports of audits, found and read: a file of the user's, a CID, or what a task's verdicts name."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from ..audit import reading
from ..audit.aftermath import Reckoning
from ..audit.report import AuditReport
from ..domain.block_time import ASSUMED_BLOCK_SECONDS
from ..domain.cid import Cid, Codec
from ..domain.errors import EvidenceError, InputError, ServiceError
from ..domain.job import NO_SEAT, Outcome, Verdict
from ..ports.content import ContentSource
from ..ports.ledger import LedgerReader, ResultSubmitted, TaskDrawn, TaskSettled, VerdictRevealed

REPORT_FILE = "report.json"
MAX_EVIDENCE_BYTES = 256 << 20
"""The page with its pictures lies beside the report."""


def read_report(path: Path) -> AuditReport:
    """The report in a file, or in a folder as an audit leaves it.

    Raises InputError ``report.missing``; EvidenceError as ``reading.from_json``.
    """
    file = path / REPORT_FILE if path.is_dir() else path
    if not file.is_file():
        raise InputError(
            "report.missing",
            f"there is no report at {path}",
            remedy=f"give a {REPORT_FILE}, the folder that holds it, or a report's CID",
            path=path,
        )
    with file.open("rb") as opened:
        return reading.from_json(opened.read(reading.MAX_BYTES + 1))


def fetch_report(cid: Cid, *, source: ContentSource, timeout: float) -> AuditReport:
    """The report that a verdict names.

    Raises EvidenceError ``report.missing`` where the CID names something else, and as
    ``reading.from_json``; what the source raises.
    """
    if cid.codec is not Codec.DAG_PB:
        return reading.from_json(source.read_block(cid, max_bytes=1 << 20, timeout=timeout))
    with tempfile.TemporaryDirectory(prefix="tileproof-report-") as folder:
        into = Path(folder) / "evidence"
        source.fetch(cid, into, max_bytes=MAX_EVIDENCE_BYTES, timeout=timeout)
        file = into / REPORT_FILE if into.is_dir() else into
        if not file.is_file():
            raise EvidenceError("report.missing", f"{cid} holds no {REPORT_FILE}", cid=cid)
        return read_report(file)


@dataclass(frozen=True, slots=True)
class Told:
    """What one seat said of an attempt, and where its report is."""

    round: int
    seat: int
    verdict: Verdict
    evidence: Cid


@dataclass(frozen=True, slots=True)
class TaskEvidence:
    """All that the ledger says of one attempt's judging."""

    reckoning: Reckoning
    submitted: bool
    seats: int  # drawn for the last round; 0 while or where there is none
    told: tuple[Told, ...]  # in ledger order

    @property
    def deciding(self) -> tuple[Told, ...]:
        """The verdicts of the last round that anybody spoke in, those that it came to first."""
        if not self.told:
            return ()
        last = max(each.round for each in self.told)
        return tuple(
            sorted(
                (each for each in self.told if each.round == last),
                key=lambda each: _OUTCOME_OF.get(each.verdict) is not self.reckoning.outcome,
            )
        )


_OUTCOME_OF = {
    Verdict.ACCEPT: Outcome.ACCEPTED,
    Verdict.REJECT: Outcome.REJECTED,
    Verdict.UNAVAILABLE: Outcome.UNAVAILABLE,
}


def evidence_of(
    ledger: LedgerReader,
    job_id: int,
    number: int,
    attempt: int | None = None,
    *,
    block_seconds: float = ASSUMED_BLOCK_SECONDS,
) -> TaskEvidence:
    """What the ledger tells of the newest submitted attempt at a task, or of ``attempt``.

    Raises InputError ``job.unknown``, ``explain.unknown_task``, ``audit.no_submission``.
    """
    job = ledger.job(job_id)
    if number >= job.task_count:
        raise InputError(
            "explain.unknown_task",
            f"job {job_id} has tasks 0 to {job.task_count - 1}, and no task {number}",
            remedy=f"`tileproof client status {job_id}` lists them",
            job=job_id,
            task=number,
        )
    task = ledger.task(job_id, number)
    events = [
        e for e in ledger.events(job.created_block, job_id=job_id).events if getattr(e, "task", -1) == number
    ]
    submitted = [e.attempt for e in events if isinstance(e, ResultSubmitted)]
    if attempt is not None and attempt not in submitted:
        raise InputError(
            "audit.no_submission",
            f"job {job_id} has no submission for task {number} in attempt {attempt}",
            remedy=f"`tileproof client logs {job_id} --task {number}` tells what happened",
            job=job_id,
            task=number,
        )
    of = attempt if attempt is not None else max(submitted, default=task.attempt)
    reckoning = Reckoning(
        job=job,
        task=task,
        attempt=of,
        outcome=task.outcome if task.attempt == of else Outcome.UNDECIDED,
        settled=False,
        block=ledger.head().block,
        block_seconds=block_seconds,
    )
    seats = 0
    told: list[Told] = []
    for event in events:
        if getattr(event, "attempt", None) != of:
            continue
        match event:
            case TaskDrawn():
                seats = sum(slot != NO_SEAT for slot in event.seats) if event.audited else 0
            case VerdictRevealed():
                told.append(Told(event.round, event.seat, event.verdict, event.evidence))
            case TaskSettled():
                reckoning = replace(reckoning, outcome=event.outcome, settled=True, appeal=event.appeal)
    return TaskEvidence(reckoning, of in submitted, seats, tuple(told))


def report_of(
    evidence: TaskEvidence, *, source: ContentSource, timeout: float
) -> tuple[AuditReport | None, str]:
    """The first report of a deciding verdict that can be had and says what its seat said; and
    which seat's it is, or why there is none, in words."""
    why = "no verdict has been revealed"
    reckoning = evidence.reckoning
    for told in evidence.deciding:
        try:
            report = fetch_report(told.evidence, source=source, timeout=timeout)
        except (EvidenceError, ServiceError) as error:
            why = f"the report of seat {told.seat + 1} cannot be had ({error.code})"
            continue
        of = report.of
        asked = (reckoning.job.job_id, reckoning.task.task, reckoning.attempt, told.round, told.verdict)
        if (of.job_id, of.task, of.attempt, of.round, report.judgement.verdict) != asked:
            why = f"the report of seat {told.seat + 1} is not of the verdict that it gave"
            continue
        return report, f"seat {told.seat + 1} of round {told.round + 1}"
    return None, why
