"""The tasks that a verifier keeps an eye on, across restarts and reorganisations."""

from __future__ import annotations

from collections import defaultdict

from ..ports.journal import Journal
from ..ports.trail import REORG_WINDOW_BLOCKS

_WATCHED = "watched"
_BLOCK, _OVER = "block", "over"


class Watchlist:
    """Tasks from their first submission until they are over; those that are over are kept as
    such while a reorganisation may still take back what ended them."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        kept = journal.all(_WATCHED).items()
        self._open = {_parse(name) for name, record in kept if _OVER not in record}

    def by_job(self) -> dict[int, set[int]]:
        """The tasks that are not over, by job."""
        by_job: defaultdict[int, set[int]] = defaultdict(set)
        for job_id, task in self._open:
            by_job[job_id].add(task)
        return dict(by_job)

    def add(self, job_id: int, task: int, *, block: int) -> None:
        """``block`` is that of the event that tells of it."""
        if (job_id, task) not in self._open:
            known = self._journal.get(_WATCHED, f"{job_id}/{task}")  # from an attempt that is over
            first = block if known is None else min(block, _number(known.get(_BLOCK)))
            self._journal.put(_WATCHED, f"{job_id}/{task}", {_BLOCK: first})
            self._open.add((job_id, task))

    def end(self, job_id: int, task: int, *, head: int) -> None:
        """The task was seen to be over at this head."""
        record = self._journal.get(_WATCHED, f"{job_id}/{task}") or {}
        self._journal.put(_WATCHED, f"{job_id}/{task}", {**record, _OVER: head})
        self._open.discard((job_id, task))

    def rewind(self, block: int) -> None:
        """Nothing of this block and later ones happened: forgets tasks that were first told of
        there, and watches again those that were over only there."""
        for name, record in self._journal.all(_WATCHED).items():
            if _number(record.get(_BLOCK)) >= block:
                self._journal.remove(_WATCHED, name)
                self._open.discard(_parse(name))
            elif _number(record.get(_OVER)) >= block:
                self._journal.put(_WATCHED, name, {_BLOCK: _number(record.get(_BLOCK))})
                self._open.add(_parse(name))

    def forget_what_stays_over(self, head: int) -> None:
        """Ends what no reorganisation can bring back."""
        for name, record in self._journal.all(_WATCHED).items():
            if _OVER in record and _number(record[_OVER]) < head - REORG_WINDOW_BLOCKS:
                self._journal.remove(_WATCHED, name)


def _parse(name: str) -> tuple[int, int]:
    job_id, task = name.split("/")
    return int(job_id), int(task)


def _number(value: object) -> int:
    return 0 if value is None else int(str(value))
