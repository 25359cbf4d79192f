"""The jobs a worker knows of, which of them to look at now, and what went wrong with them here."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..intake.following import EventFollower
from ..ports.clock import Clock
from ..ports.journal import Journal
from ..ports.ledger import JobCreated, LedgerReader
from ..ports.trail import REORG_WINDOW_BLOCKS

log = logging.getLogger("tileproof.worker")

_JOB, _FAILED = "job", "failed"
_FIRST_PAUSE_SECONDS = 5.0


class Market:
    """Jobs by the ledger's events. Which ones there are and which tasks failed here is in the
    journal; pauses are forgotten when the process ends."""

    def __init__(self, ledger: LedgerReader, journal: Journal, clock: Clock, longest_pause: float) -> None:
        self._follower = EventFollower(ledger, journal)
        self._journal, self._clock = journal, clock
        self._longest_pause = longest_pause
        self._head = 0
        self._pauses: dict[int, tuple[float, float]] = {}  # job: (until, length)
        self._told: set[tuple[int, str]] = set()

    def follow(self, undo: Callable[[int], None]) -> None:
        """Takes in what was created since the last look, of this process or an earlier one, and
        takes back what a reorganisation has undone. ``undo`` is given the first block of that,
        again after a kill, so that it may be called twice for one reorganisation."""
        page = self._follower.news()
        self._head = page.cursor - 1
        if page.rewound_to is not None:
            self._rewind(page.rewound_to)
            undo(page.rewound_to)
        for event in page.events:
            if isinstance(event, JobCreated):
                record = {"manifest": str(event.manifest), "block": event.block}
                self._journal.put(_JOB, str(event.job_id), record)
        self._forget_what_stays_dropped()
        self._follower.keep(page)

    def jobs(self) -> list[int]:
        """Jobs to look at now, oldest first."""
        now = self._clock.monotonic()
        known = [int(key) for key, record in self._journal.all(_JOB).items() if "dropped" not in record]
        return [job_id for job_id in known if self._pauses.get(job_id, (now, 0.0))[0] <= now]

    def drop(self, job_id: int) -> None:
        """The job will never be work for this machine, unless what ended it is taken back."""
        record = self._journal.get(_JOB, str(job_id))
        if record is not None:
            self._journal.put(_JOB, str(job_id), {**record, "dropped": self._head})
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

    def _forget_what_stays_dropped(self) -> None:
        for key, record in self._journal.all(_JOB).items():
            if int(str(record.get("dropped", self._head))) < self._head - REORG_WINDOW_BLOCKS:
                self._journal.remove(_JOB, key)

    def _rewind(self, block: int) -> None:
        """Jobs of this block and later ones never were, and another may have their number; what
        was seen since of the others is looked at again."""
        log.warning("the chain was reorganised: what it told from block %d on is read again", block)
        for key, record in self._journal.all(_JOB).items():
            if int(str(record.get("block", 0))) >= block:
                self._forget(int(key))
            elif int(str(record.get("dropped", 0))) >= block:
                kept = {name: value for name, value in record.items() if name != "dropped"}
                self._journal.put(_JOB, key, kept)

    def _forget(self, job_id: int) -> None:
        for task in self.failed(job_id):
            self._journal.remove(_FAILED, f"{job_id}-{task}")
        self._journal.remove(_JOB, str(job_id))
        self._pauses.pop(job_id, None)
        self._told = {(job, why) for job, why in self._told if job != job_id}
