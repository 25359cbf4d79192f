"""A small world for one requester: the contract as a model, others who do as told, a store that
keeps pins. Any call can be the process's last."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from tileproof.client.status import JobStatus
from tileproof.domain.cid import Cid
from tileproof.domain.errors import LedgerRejected
from tileproof.domain.job import (
    Address,
    Balances,
    Bounds,
    Job,
    Outcome,
    Task,
    TaskResult,
    TaskState,
    Terms,
    Verdict,
)
from tileproof.domain.manifest import Manifest
from tileproof.domain.money import Fri, parse_strk
from tileproof.domain.result import ResultFile, ResultManifest, encode, frame_file

from ..fakes.content import FakeStore
from ..fakes.ledger import FakeChain
from .committee import Committee

ME, WORKER = Address(0xCC), Address(0xBB)
RESULT = Cid.of_raw_block(b"a result")


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


TOWN_BOUNDS = Bounds(100, 7, 1000, 60, 86_400, 10, 1000, 30 * 86_400, parse_strk("64"), 10_000, 500)
WALLET = parse_strk("1000")


class Town:
    """A requester with a wallet, a worker who does as told, and seats enough for a committee of
    three and its appeal; the contract is the model, and gas is free."""

    def __init__(self) -> None:
        self.chain = FakeChain(TOWN_BOUNDS, fee=0)
        self.committee = Committee(self.chain, owners=14, each=1)
        self.ledger, self.worker = self.chain.acting_as(ME), self.chain.acting_as(WORKER)
        self.chain.mint(ME, WALLET)
        self.chain.mint(WORKER, WALLET)
        self.worker.deposit(WALLET)

    def balances(self) -> Balances:
        return self.ledger.balances(ME)

    def states(self, job_id: int = 1) -> list[TaskState]:
        return [task.state for task in self.ledger.tasks(job_id)]

    def submit(self, job_id: int, task: int, result: Cid = RESULT) -> None:
        """The worker claims the task and hands this in."""
        self.worker.claim(job_id, [task])
        self.worker.submit(job_id, [TaskResult(task, result)])

    def accept(self, job_id: int, task: int, result: Cid = RESULT) -> None:
        """The task is provisionally accepted."""
        self.submit(job_id, task, result)
        self.committee.vote(Verdict.ACCEPT, job_id, task)

    def pay(self, job_id: int, task: int, result: Cid = RESULT) -> None:
        self.accept(job_id, task, result)
        self.committee.settle(job_id, task)

    def dies_before(self, call: str) -> None:
        """The next process dies instead of sending this."""
        self.ledger.before = lambda name: _die(name == call)

    def dies_after(self, call: str) -> None:
        """The next process dies once this took effect."""
        self.ledger.after = lambda name: _die(name == call)

    def refuses(self, reason: str) -> None:
        """The contract refuses whatever is sent."""

        def refuse(_name: str) -> None:
            raise LedgerRejected(reason)

        self.ledger.before = refuse

    def heals(self) -> None:
        """Nobody dies and nothing is refused any more."""
        self.ledger.before = self.ledger.after = lambda name: None


def _die(now: bool) -> None:
    if now:
        raise Killed


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
        3, 1, number, attempt, "4.5.15 a", "cpu-x86_64-avx2", "CPU", "none", tuple(listed)
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
