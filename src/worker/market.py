"""The jobs a worker knows of, which of them to look at now, and what went wrong with them here."""

from __future__ import annotations

import logging

from ..ports.clock import Clock
from ..ports.journal import Journal
from ..ports.ledger import JobCreated, LedgerReader

log = logging.getLogger("tileproof.worker")

_CURSOR = ("cursor", "events")
_JOB, _FAILED = "job", "failed"
_FIRST_PAUSE_SECONDS = 5.0


class Market:
    """Jobs by the ledger's events. Which ones there are and which tasks failed here is in the
    journal; pauses are forgotten when the process ends."""

    def __init__(self, ledger: LedgerReader, journal: Journal, clock: Clock, longest_pause: float) -> None:
        self._ledger, self._journal, self._clock = ledger, journal, clock
        self._longest_pause = longest_pause
        self._pauses: dict[int, tuple[float, float]] = {}  # job: (until, length)
        self._told: set[tuple[int, str]] = set()

    def follow(self) -> None:
        """Takes in what was created since the last look, of this process or an earlier one."""
        record = self._journal.get(*_CURSOR)
        cursor = 0 if record is None else int(str(record["block"]))
        page = self._ledger.events(cursor)
        for event in page.events:
            if isinstance(event, JobCreated):
                self._journal.put(_JOB, str(event.job_id), {"manifest": str(event.manifest)})
        if page.cursor != cursor:
            self._journal.put(*_CURSOR, {"block": page.cursor})

    def jobs(self) -> list[int]:
        """Jobs to look at now, oldest first."""
        now = self._clock.monotonic()
        known = [int(key) for key in self._journal.all(_JOB)]
        return [job_id for job_id in known if self._pauses.get(job_id, (now, 0.0))[0] <= now]

    def drop(self, job_id: int) -> None:
        """The job will never be work for this machine."""
        self._journal.remove(_JOB, str(job_id))
        self._pauses.pop(job_id, None)

    def put_off(self, job_id: int, why: str) -> None:
        """The job cannot be begun now: it is looked at again after a pause, twice as long each time."""
        _, last = self._pauses.get(job_id, (0.0, 0.0))
        pause = min(self._longest_pause, 2 * last or _FIRST_PAUSE_SECONDS)
        self._pauses[job_id] = (self._clock.monotonic() + pause, pause)
        self.tell_once(job_id, why)

    def begun(self, job_id: int) -> None:
        """The job was claimed from: earlier pauses say nothing about it any more."""
        self._pauses.pop(job_id, None)

    def note_failure(self, job_id: int, task: int, why: str) -> None:
        """The task went wrong here after it was claimed; it is never claimed here again."""
        self._journal.put(_FAILED, f"{job_id}-{task}", {"why": why})

    def failed(self, job_id: int) -> frozenset[int]:
        """The job's tasks that went wrong here."""
        keys = (key.split("-") for key in self._journal.all(_FAILED))
        return frozenset(int(task) for job, task in keys if job == str(job_id))

    def tell_once(self, job_id: int, why: str) -> None:
        if (job_id, why) not in self._told:
            self._told.add((job_id, why))
            log.info("left alone job=%d: %s", job_id, why)
