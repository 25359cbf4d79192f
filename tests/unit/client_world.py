"""A small world for one requester: a ledger that keeps jobs, a store that keeps pins.

It knows only what the client asks, and can be killed at any call; the fakes that keep every
rule are in tests/fakes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image
from tileproof.client.status import JobStatus
from tileproof.domain.cid import Cid
from tileproof.domain.errors import InputError, LedgerRejected
from tileproof.domain.job import Address, Balances, Bounds, Job, Outcome, Seat, Task, TaskState, Terms
from tileproof.domain.manifest import Manifest
from tileproof.domain.money import ZERO, Fri, parse_strk
from tileproof.domain.result import ResultFile, ResultManifest, encode, frame_file
from tileproof.ports.ledger import Head, Receipt

from ..fakes.content import FakeStore

ME, WORKER = Address(0xCC), Address(0xBB)


class Killed(BaseException):
    """The process died here."""


class MortalStore(FakeStore):
    """``die_at`` names a call that kills the process once it took effect."""

    die_at = ""

    def add_block(self, block: bytes) -> Cid:
        cid = super().add_block(block)
        if self.die_at == "add_block":
            raise Killed
        return cid


BOUNDS = Bounds(100, 7, 1000, 60, 86_400, 10, 1000, 30 * 86_400, parse_strk("64"), 50, 500)


@dataclass
class Ledger:
    """What a requester asks of the contract; ``die_at`` as in ``MortalStore``."""

    wallet: Fri = field(default_factory=lambda: parse_strk("1000"))
    withdrawable: Fri = ZERO
    seats: list[Seat] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    states: dict[int, list[Task]] = field(default_factory=dict)
    refuse: str = ""
    die_at: str = ""
    die_before: str = ""
    block: int = 100
    sweep: int = 2
    on_head: Callable[[], None] = lambda: None

    def account(self) -> Address:
        return ME

    def head(self) -> Head:
        self.on_head()
        return Head(self.block, 1_000_000, 1)

    def bounds(self) -> Bounds:
        return BOUNDS

    def active_seats(self) -> int:
        return 4 + sum(seat.leaving_block is None for seat in self.seats)

    def seats_of(self, account: Address) -> tuple[Seat, ...]:
        return tuple(self.seats)

    def balances(self, account: Address) -> Balances:
        bonds = Fri(sum(seat.bond.units for seat in self.seats if not seat.collected))
        return Balances(self.wallet, self.withdrawable, ZERO, bonds)

    def find_job(self, manifest: Cid) -> int | None:
        return max((job.job_id for job in self.jobs if job.manifest == manifest), default=None)

    def create_job(self, manifest: Cid, task_count: int, terms: Terms) -> tuple[int, Receipt]:
        self._send("create_job")
        self.wallet -= terms.escrow(task_count)
        job_id = len(self.jobs) + 1
        self.jobs.append(Job(job_id, ME, manifest, task_count, terms, self.block, False, False, 0, 0))
        self.states[job_id] = [task_in(TaskState.OPEN, job_id, number) for number in range(task_count)]
        return job_id, self._receipt("create_job")

    def job(self, job_id: int) -> Job:
        if not 1 <= job_id <= len(self.jobs):
            raise InputError("job.unknown", f"there is no job {job_id}")
        return self.jobs[job_id - 1]

    def tasks(self, job_id: int) -> tuple[Task, ...]:
        return tuple(self.states[job_id])

    def close_job(self, job_id: int) -> Receipt:
        self._send("close_job")
        self.jobs[job_id - 1] = replace(self.job(job_id), closed=True)
        self._close(
            job_id, [n for n, t in enumerate(self.states[job_id]) if t.state in CLOSABLE][: self.sweep]
        )
        return self._receipt("close_job")

    def close_tasks(self, job_id: int, tasks: Sequence[int]) -> Receipt:
        self._send("close_tasks")
        self._close(job_id, tasks)
        return self._receipt("close_tasks")

    def deposit(self, amount: Fri) -> Receipt:
        self._send("deposit")
        self.wallet -= amount
        self.withdrawable += amount
        return self._receipt("deposit")

    def withdraw(self, amount: Fri) -> Receipt:
        self._send("withdraw")
        self.withdrawable -= amount
        self.wallet += amount
        return self._receipt("withdraw")

    def take_seat(self) -> tuple[int, Receipt]:
        self._send("take_seat")
        self.withdrawable -= BOUNDS.seat_bond
        self.seats.append(Seat(len(self.seats), ME, BOUNDS.seat_bond, self.block, None, False))
        return len(self.seats) - 1, self._receipt("take_seat")

    def leave_seat(self, slot: int) -> Receipt:
        self.seats[slot] = replace(self.seats[slot], leaving_block=self.block)
        return self._receipt("leave_seat")

    def collect_seat(self, slot: int) -> Receipt:
        self.withdrawable += self.seats[slot].bond
        self.seats[slot] = replace(self.seats[slot], collected=True)
        return self._receipt("collect_seat")

    def _close(self, job_id: int, tasks: Sequence[int]) -> None:
        for number in tasks:
            assert self.states[job_id][number].state in CLOSABLE
            self.states[job_id][number] = task_in(TaskState.CLOSED, job_id, number)

    def _send(self, call: str) -> None:
        if self.die_before == call:
            raise Killed
        if self.refuse:
            raise LedgerRejected(self.refuse)

    def _receipt(self, call: str) -> Receipt:
        self.block += 1
        if self.die_at == call:
            raise Killed
        return Receipt(tx_hash=self.block * 1000, block=self.block, fee=Fri(5))


CLOSABLE = (TaskState.OPEN, TaskState.LAPSED)


def task_in(
    state: TaskState, job_id: int = 1, number: int = 0, result: Cid | None = None, attempt: int = 0
) -> Task:
    paid = Outcome.ACCEPTED if state in (TaskState.PAID, TaskState.PROVISIONAL) else Outcome.UNDECIDED
    return Task(job_id, number, state, 0, 0, WORKER, 1, 0, result, 0, 0, 0, None, paid, (), (), (), 0)


def picture(manifest: Manifest, frame: int) -> np.ndarray:
    """What a frame really looks like: every pixel tells its place and its frame."""
    settings = manifest.settings
    y, x = np.mgrid[0 : settings.height_px, 0 : settings.width_px]
    return np.stack([x % 256, y % 256, (x + y + 17 * frame) % 256], axis=2).astype(np.uint8)


def rendered(store: FakeStore, manifest: Manifest, number: int, tmp: Path, *, attempt: int = 0) -> Cid:
    """An honest worker's result for a task, put in the store."""
    spec = manifest.tasks[number]
    region = spec.region
    files: dict[str, bytes] = {}
    listed = []
    for frame in spec.frames:
        path = tmp / "work.png"
        Image.fromarray(picture(manifest, frame)[region.y0 : region.y1, region.x0 : region.x1]).save(path)
        name, data = frame_file(frame), path.read_bytes()
        files[name] = data
        listed.append(ResultFile(name, len(data), hashlib.sha256(data).hexdigest(), frame, 1.0))
    account = ResultManifest(
        1, 1, number, attempt, "4.5.15 a", "cpu-x86_64-avx2", "CPU", "none", tuple(listed)
    )
    return store.put({**files, "result.json": encode(account)})


def paid_job(store: FakeStore, manifest: Manifest, tmp: Path, paid: Sequence[int] | None = None) -> JobStatus:
    """A job whose tasks in ``paid`` (all by default) are rendered and paid, the rest open."""
    terms = Terms(Fri(1), Fri(1), Fri(1), 1, 10_000, 60, 10, 10, 10, 0)
    count = len(manifest.tasks)
    wanted = range(count) if paid is None else paid
    tasks = tuple(
        task_in(TaskState.PAID, 1, n, rendered(store, manifest, n, tmp))
        if n in wanted
        else task_in(TaskState.OPEN, 1, n)
        for n in range(count)
    )
    return JobStatus(Job(1, ME, Cid.of_raw_block(b"m"), count, terms, 1, False, False, 0, 0), tasks)
