"""One call at one moment, by one caller, on books that it may change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol, TypeVar

from tileproof.domain.job import Address, Job, Seat
from tileproof.domain.sampling import RoundId
from tileproof.ports.ledger import Event, Head

from .books import Books, Cell
from .checks import require
from .status import Status, status_of

T = TypeVar("T")
MAX_BATCH = 64


class Identity(Protocol):
    """Which contract of which chain it is, and the chain's block hashes."""

    @property
    def chain_id(self) -> int: ...

    @property
    def contract(self) -> Address: ...

    def hash_of(self, block: int) -> int: ...


class Call:
    """What every phase needs. A refused call has no effect when whoever makes it copies the books
    first."""

    def __init__(self, chain: Identity, books: Books, caller: Address, head: Head, tx_hash: int) -> None:
        self.chain, self.books, self.caller = chain, books, caller
        self.block, self.now, self.tx_hash = head.block, head.timestamp, tx_hash

    def job(self, job_id: int) -> Job:
        require(1 <= job_id <= len(self.books.jobs), "JOB_UNKNOWN")
        return self.books.jobs[job_id - 1]

    def find(self, job_id: int, task: int) -> tuple[Cell, Status]:
        job = self.job(job_id)
        require(0 <= task < job.task_count, "TASK_UNKNOWN")
        cell = self.books.cells[job_id, task]
        return cell, status_of(cell, job.terms, self.block, self.now)

    def seat(self, slot: int) -> Seat:
        require(0 <= slot < len(self.books.seats), "SEAT_UNKNOWN")
        return self.books.seats[slot]

    def batch(self, items: Iterable[T]) -> tuple[T, ...]:
        batch = tuple(items)
        require(0 < len(batch) <= MAX_BATCH, "BATCH_SIZE")
        return batch

    def round_id(self, job_id: int, task: int, attempt: int, round_: int) -> RoundId:
        return RoundId(self.chain.chain_id, self.chain.contract, job_id, task, attempt, round_)

    def keep(self, job_id: int, task: int, cell: Cell) -> Cell:
        self.books.cells[job_id, task] = cell
        return cell

    def change_job(self, job_id: int, **changes: object) -> None:
        jobs = list(self.books.jobs)
        jobs[job_id - 1] = replace(self.job(job_id), **changes)  # type: ignore[arg-type]
        self.books.jobs = tuple(jobs)

    def change_seat(self, slot: int, **changes: object) -> None:
        seats = list(self.books.seats)
        seats[slot] = replace(self.seat(slot), **changes)  # type: ignore[arg-type]
        self.books.seats = tuple(seats)

    def emit(self, kind: Callable[..., Event], job_id: int, *data: object) -> None:
        self.books.events += (kind(self.block, self.tx_hash, job_id, *data),)
