"""What the drawn verifiers' reports say of a job's pictures: another party's word, and only a hint."""

from __future__ import annotations

import logging
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..audit import reading
from ..audit.report import AuditReport
from ..domain.cid import Cid
from ..domain.errors import EvidenceError, ServiceError
from ..ports.content import ContentSource
from ..ports.ledger import LedgerReader, VerdictRevealed
from .status import JobStatus

REPORT_FILE = "report.json"
MAX_EVIDENCE_BYTES = 64 << 20
"""The report, and beside it the page with its pictures."""
SECONDS = 20.0
"""A hint is not waited for longer."""

log = logging.getLogger("tileproof.client")


def evidence_named(status: JobStatus, *, ledger: LedgerReader) -> Mapping[int, Sequence[Cid]]:
    """The reports that verdicts on each task's present attempt name, in ledger order."""
    job = status.job
    named: defaultdict[int, list[Cid]] = defaultdict(list)
    for event in ledger.events(job.created_block, job_id=job.job_id).events:
        if isinstance(event, VerdictRevealed) and event.attempt == status.tasks[event.task].attempt:
            named[event.task].append(event.evidence)
    return named


def first_report(
    status: JobStatus, number: int, named: Sequence[Cid], *, source: ContentSource
) -> AuditReport | None:
    """The first of the named reports that can be had, can be read and is of this task's present
    attempt; None when there is none."""
    of_task = (status.job.job_id, number, status.tasks[number].attempt)
    for cid in dict.fromkeys(named):
        try:
            report = _fetched(cid, source)
        except (EvidenceError, ServiceError) as error:
            log.info("the report %s was left out: %s", cid, error)
            continue
        if report is not None and (report.of.job_id, report.of.task, report.of.attempt) == of_task:
            return report
    return None


def _fetched(cid: Cid, source: ContentSource) -> AuditReport | None:
    with tempfile.TemporaryDirectory(prefix="tileproof-report-") as folder:
        into = Path(folder) / "evidence"
        source.fetch(cid, into, max_bytes=MAX_EVIDENCE_BYTES, timeout=SECONDS)
        file = into / REPORT_FILE
        if not file.is_file():
            return None
        with file.open("rb") as opened:
            return reading.from_json(opened.read(reading.MAX_BYTES + 1))
