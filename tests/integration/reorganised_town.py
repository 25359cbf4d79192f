"""A requester, a worker and two verifiers, each the role's own code, on a real chain that can take
blocks back; their stores, renderers and clocks are in memory, so that a story takes seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tileproof.client import submit
from tileproof.client.appeal import plan_appeal, raise_appeal
from tileproof.client.status import may_be_contested, read_status
from tileproof.domain.cid import Cid
from tileproof.domain.errors import InputError, ServiceError
from tileproof.domain.job import Task, TaskState, Terms
from tileproof.domain.manifest import encode
from tileproof.domain.money import Fri, parse_strk
from tileproof.domain.tiles import Tile
from tileproof.ports import ledger as port
from tileproof.ports.images import Pixels
from tileproof.verifier.loop import Verifier
from tileproof.verifier.settings import VerifierSettings
from tileproof.worker.loop import Worker
from tileproof.worker.settings import WorkerSettings

from tests.fakes.clock import FakeClock
from tests.fakes.content import FakeNetwork, FakeStore
from tests.fakes.images import FakeDecoder
from tests.fakes.journal import FakeJournal
from tests.fakes.ledger import BOUNDS
from tests.fakes.renderer import FakeRenderer
from tests.services.devnet import Deploy
from tests.unit.verifier_world import AtOnce
from tests.unit.worker_world import BLEND, manifest_of

KEEP_BLOCKS = 1_800
"""How long the bytes of an outcome are kept: as deep as a chain may be taken back."""
SEATS = 4
"""Of each verifier: 3n + 1 with a committee of one, and enough for its appeal."""
PATIENCE = 200
"""Looks after which a story has waited in vain."""
REGROWTH = 12
"""Blocks, at most, that the chain has instead of those taken back when it is looked at again."""
LATER_SECONDS = 30
WRITES = ("claim", "submit", "draw", "commit", "reveal", "appeal", "settle")
REWARD, FEE, BOND = parse_strk("10"), Fri(10), Fri(1_000)
TERMS = Terms(
    reward=REWARD,
    audit_fee=FEE,
    worker_bond=BOND,
    committee_size=1,
    audit_rate_bps=10_000,
    lease_seconds=9_000,
    commit_blocks=20,
    reveal_blocks=20,
    appeal_blocks=4,
    deadline=0,
)
VERIFIER = VerifierSettings(
    poll_seconds=1.0, stagger_seconds=2.0, keep_reports_blocks=KEEP_BLOCKS, preview_seconds=0
)


class Overheard:
    """A ledger; ``after`` is told of each call that was in a block when it returned."""

    def __init__(self, ledger: Any, after: Callable[[str, int], None]) -> None:
        self._ledger, self._after = ledger, after

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._ledger, name)
        if name not in WRITES:
            return value

        def call(*arguments: Any) -> port.Receipt:
            receipt: port.Receipt = value(*arguments)
            self._after(name, receipt.block)
            return receipt

        return call


class Town:
    """One job of one task. ``ends`` of two stories are compared; what the roles pay for gas is no
    part of it, since it is paid by the account and not out of the contract."""

    def __init__(
        self,
        deploy: Deploy,
        home: Path,
        *,
        worker_appeals: bool = True,
        appeal_blocks: int = TERMS.appeal_blocks,
    ) -> None:
        deployment = deploy(replace(BOUNDS, seat_exit_blocks=300))
        self.devnet = deployment.devnet
        self.clock, network = FakeClock(), FakeNetwork()
        self.requester, worker, *verifiers = (deployment.connect(number) for number in range(4))
        self._deployment = deployment
        self.reader = deployment.connect(4)
        worker.deposit(Fri(10 * BOND.units))
        for ledger in verifiers:
            ledger.deposit(Fri(SEATS * BOUNDS.seat_bond.units))
            for _ in range(SEATS):
                ledger.take_seat()
        self.devnet.create_blocks(1)
        self.store, self.worker_store, *verifier_stores = (FakeStore(network, self.clock) for _ in range(4))
        self.journal, self.worker_journal = FakeJournal(), FakeJournal()
        self.worker_renderer, self.verifier_renderer = FakeRenderer(), FakeRenderer()
        self.requester_contests = False
        self.hits: dict[str, Callable[[int], object]] = {}
        """What happens, once, right after the next such call is in a block."""
        self.before_look: Callable[[], None] = lambda: None
        """What happens before everybody looks at the ledger."""
        self.worker = Worker(
            ledger=Overheard(worker, self._after),
            store=self.worker_store,
            renderer=self.worker_renderer,
            decoder=FakeDecoder(),
            journal=self.worker_journal,
            clock=self.clock,
            settings=WorkerSettings(
                poll_seconds=1.0,
                check_tiles=1,
                check_tile_px=16,
                stagger_seconds=4.0,
                keep_blocks=KEEP_BLOCKS,
                appeal=worker_appeals,
            ),
            home=home / "worker",
        )
        self.verifiers = [
            Verifier(
                ledger=Overheard(ledger, self._after),
                store=store,
                renderer=self.verifier_renderer,
                decoder=FakeDecoder(),
                journal=FakeJournal(),
                clock=self.clock,
                settings=VERIFIER,
                home=home / f"verifier-{number}",
                executor=AtOnce(),
            )
            for number, (ledger, store) in enumerate(zip(verifiers, verifier_stores, strict=True))
        ]
        self.verifier_stores: Sequence[FakeStore] = verifier_stores
        self.everyone = [self.requester, worker, *verifiers]
        deadline = self.reader.head().timestamp + 90_000
        self.terms = replace(TERMS, appeal_blocks=appeal_blocks, deadline=deadline)
        self.manifest = manifest_of(self.store.put({"glass.blend": BLEND}))
        self.born_at = self.reader.head().block + 1
        self.order()

    # --- what happens ---

    def order(self) -> None:
        """The requester's command, given again when the job is not there."""
        self.manifest_cid = self.store.add_block(encode(self.manifest))
        made = submit.create(
            self.manifest,
            self.manifest_cid,
            self.terms,
            [],
            ledger=self.requester,
            store=self.store,
            journal=self.journal,
        )
        self.job_id = made.job_id

    def look(self, *, bytes_may_go: bool = False) -> None:
        """Everybody's look at the ledger, then a second and a block."""
        self.before_look()
        for tick in (self._requester_looks, self.worker.tick, *(each.tick for each in self.verifiers)):
            try:
                tick()
            except ServiceError as error:  # as the roles' own loops: they wait and look again
                if not error.retryable:
                    raise
        if not bytes_may_go:
            self.check_pins()
        self.pass_blocks(1)

    def until(self, is_so: Callable[[], bool]) -> None:
        for _ in range(PATIENCE):
            if is_so():
                return
            self.look()
        raise AssertionError(f"it never came to that: {self.task()}")

    def pass_blocks(self, count: int) -> None:
        self.devnet.create_blocks(count)
        self.clock.advance(1.0)

    def take_back(self, first: int) -> int:
        """A reorganisation: this block and all after it never were, and others are there, of a
        later time. Answers how many blocks are gone."""
        depth = self.head() - first + 1
        self.devnet.abort_blocks(first)
        self.devnet.increase_time(LATER_SECONDS)
        self.devnet.create_blocks(min(depth, REGROWTH - 1))
        self.reader = self._deployment.connect(4)  # the roles' own connections find out by themselves
        return depth

    def _after(self, name: str, block: int) -> None:
        hit = self.hits.pop(name, None)
        if hit is not None:
            hit(block)

    def _requester_looks(self) -> None:
        try:
            status = read_status(self.job_id, ledger=self.requester)
        except InputError as error:
            if error.code != "job.unknown":
                raise
            self.order()
            return
        if self.requester_contests and may_be_contested(status.tasks[0]):
            plan = plan_appeal(status, 0, 0, self.manifest, ledger=self.requester)
            self._after("appeal", raise_appeal(plan, ledger=self.requester).block)

    # --- what can be seen ---

    def head(self) -> int:
        return self.reader.head().block

    def task(self) -> Task:
        return self.reader.task(self.job_id, 0)

    def is_paid(self) -> bool:
        return self.reader.job_count() > 0 and self.task().state is TaskState.PAID

    def is_rejected(self) -> bool:
        """Settled so; the task is open again."""
        return self.reader.job_count() > 0 and self.task().failures > 0

    def is_over(self) -> bool:
        return self.is_paid() or self.is_rejected()

    def is_contested(self) -> bool:
        return self.task().appeal is not None

    def told(self, kind: type[port.Event]) -> list[Any]:
        """What the chain as it is now reports of this kind."""
        return [event for event in self.reader.events(self.born_at).events if isinstance(event, kind)]

    def block_of(self, kind: type[port.Event]) -> int:
        return int(self.told(kind)[0].block)

    def check_pins(self) -> None:
        """Whatever the chain's outcome rests on is kept by whoever answers for it."""
        task = self.task() if self.reader.job_count() else None
        if task is None or task.result is None:
            return
        assert {task.result, self.manifest.scene, self.manifest_cid} <= self.worker_store.pinned
        if any(task.revealed):
            kept = set[Cid]().union(*(store.pinned for store in self.verifier_stores))
            assert {event.evidence for event in self.told(port.VerdictRevealed)} <= kept

    def ends(self) -> dict[str, object]:
        """Who was paid what, by the contract's books and the chain's events. Which verifier sat is
        the lot's to say, and another lot after a reorganisation: their money is taken together."""
        requester, worker, *verifiers = (self.reader.balances(each.account()) for each in self.everyone)
        totals, job = self.reader.totals(), self.reader.job(self.job_id)
        return {
            "jobs": self.reader.job_count(),
            "requester": (requester.withdrawable, requester.appeal_bonds),
            "worker": (worker.withdrawable, worker.worker_bonds, worker.appeal_bonds),
            "verifiers": sum(each.withdrawable.units + each.seat_bonds.units for each in verifiers),
            "totals": (totals.escrow, totals.bonds, totals.withdrawable, totals.forfeited),
            "job": (job.paid, job.refunded, job.closed),
            "task": (self.task().state, self.task().attempt, self.task().outcome),
            "claims": [(event.task, event.attempt) for event in self.told(port.TaskClaimed)],
            "results": len(self.told(port.ResultSubmitted)),
            "settled": [
                (e.task, e.attempt, e.outcome, e.paid_to_worker, e.appeal)
                for e in self.told(port.TaskSettled)
            ],
        }


def inverted(frame: int, tile: Tile, pixels: Pixels) -> Pixels:
    """A ``retouch``: another picture, the same every time."""
    return np.bitwise_not(pixels)
