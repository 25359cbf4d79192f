"""The model and the contract, step by step: the same walk, drawn at random, on both.

After each call both must have answered alike, and everything that can be read must be equal.
The model is given the block, the second and the block hashes of the real chain, so that even
the draws are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from tileproof.domain.errors import LedgerRejected
from tileproof.domain.job import Address, Ground, Reveal, TaskResult, TaskState, Verdict
from tileproof.domain.money import Fri
from tileproof.ports.ledger import Head, Ledger

from tests.conformance.ledger_world import (
    EVIDENCE,
    MANIFEST,
    RESULT,
    DevnetChain,
    World,
    seal,
)
from tests.fakes.contract import BOUNDS, Books, Contract
from tests.services.devnet import Deployment

pytestmark = pytest.mark.devnet
ACTORS = ("requester", "worker", "other_worker", "verifier_a", "verifier_b")
STEPS = 40


@dataclass
class Model:
    """The model of the same contract on the same chain."""

    world: World
    books: Books

    @property
    def chain_id(self) -> int:
        return self.world.reader.chain_id()

    @property
    def contract(self) -> Address:
        return self.world.reader.contract()

    def hash_of(self, block: int) -> int:
        return self.world.reader.block_hash(block)

    def at(self, caller: Address, books: Books, block: int, now: int, tx_hash: int = 0) -> Contract:
        return Contract(self, books, caller, Head(block, now, 0), tx_hash)


Call = tuple[str, tuple[Any, ...]]


def run_both(world: World, model: Model, who: str, call: Call) -> str:
    """Runs the call on both; what both said: a reason, or nothing.

    This devnet runs a transaction in the block to come, with the head's time.
    """
    name, arguments = call
    ledger: Ledger = world.as_(who)
    before = world.reader.head()
    try:
        answer = getattr(ledger, name)(*arguments)
        said, receipt = "", answer[1] if isinstance(answer, tuple) else answer
        block, tx_hash = receipt.block, receipt.tx_hash
        model.books.wallets[ledger.account()] -= receipt.fee.units
    except LedgerRejected as refusal:
        said, block, tx_hash = refusal.reason, before.block + 1, 0
    books = model.books.copy()
    try:
        getattr(model.at(ledger.account(), books, block, before.timestamp, tx_hash), name)(*arguments)
        modelled = ""
        model.books = books
    except LedgerRejected as refusal:
        modelled = refusal.reason
    assert said == modelled, f"{who} {name}{arguments}"
    return said


def compare(world: World, model: Model, jobs: int) -> None:
    head, reader = world.reader.head(), world.reader
    seen = model.at(Address(0), model.books, head.block + 1, head.timestamp)
    for job_id in range(1, jobs + 1):
        assert reader.job(job_id) == seen.job(job_id)
        tasks = reader.tasks(job_id)
        if head.block == reader.head().block:
            # ``tasks`` reads at a block by its number, and so as of that block itself
            told = model.at(Address(0), model.books, head.block, head.timestamp)
            either = [(seen.task(job_id, t.task), told.task(job_id, t.task)) for t in tasks]
            assert all(task in pair for task, pair in zip(tasks, either, strict=True))
        for task in range(len(tasks)):
            assert reader.task(job_id, task) == seen.task(job_id, task)
    assert reader.totals() == seen.totals()
    for who in ACTORS:
        assert reader.balances(world.address(who)) == seen.balances(world.address(who))
    for slot in range(len(model.books.seats)):
        assert reader.seat(slot) == seen.seat(slot)


def any_call(world: World, model: Model, who: str, random: Random) -> Call:
    """A call that makes sense somewhere, with arguments that often make sense here."""
    job_id = random.randint(1, max(1, len(model.books.jobs)))
    tasks = tuple(random.sample(range(3), random.randint(1, 2)))
    me = world.address(who)
    if random.random() < 0.4 and (call := sealing(world, model, job_id, me, random)):
        return call
    plain: list[Callable[[], Call]] = [
        lambda: ("claim", (job_id, tasks)),
        lambda: ("claim", (job_id, tasks)),
        lambda: ("submit", (job_id, [TaskResult(task, RESULT) for task in tasks])),
        lambda: ("submit", (job_id, [TaskResult(task, RESULT) for task in tasks])),
        lambda: ("draw", (job_id, tasks)),
        lambda: ("settle", (job_id, tasks)),
        lambda: ("settle", (job_id, tasks[:1])),
        lambda: ("give_back", (job_id, tasks[:1])),
        lambda: ("release", (job_id, tasks)),
        lambda: ("close_tasks", (job_id, tasks)),
        lambda: (random.choice(["pause_job", "resume_job", "close_job"]), (job_id,)),
        lambda: ("take_seat", ()),
        lambda: ("leave_seat", (random.randint(0, 6),)),
        lambda: ("collect_seat", (random.randint(0, 6),)),
        lambda: (random.choice(["deposit", "withdraw"]), (Fri(random.randint(0, 60_000)),)),
        lambda: (
            "create_job",
            (MANIFEST, 3, world.terms(commit_blocks=6, reveal_blocks=6, appeal_blocks=2, **odd(random))),
        ),
    ]
    return random.choice(plain)()


def odd(random: Random) -> dict[str, Any]:
    rare = {"audit_rate_bps": 5_000, "worker_bond": Fri(1_000)}
    return random.choice([{}, {}, {"committee_size": 1}, {"committee_size": 2}, rare])


def next_call(world: World, model: Model, random: Random) -> tuple[str, Call]:
    """What moves some task on, by whoever may do it; blocks pass where nobody may yet."""
    job_id, task = random.randint(1, len(model.books.jobs)), random.randint(0, 2)
    found = world.task(job_id, task)
    names = {world.address(who): who for who in ACTORS}
    if found.state is TaskState.CLAIMED and found.worker is not None:
        return names[found.worker], ("submit", (job_id, [TaskResult(task, RESULT)]))
    if found.state in (TaskState.COMMITTING, TaskState.REVEALING):
        for who in random.sample(ACTORS, len(ACTORS)):
            if call := sealing(world, model, job_id, world.address(who), random):
                return who, call
    if found.state is TaskState.SUBMITTED:
        world.pass_until(found.seed_block + 10)
    if found.state in (TaskState.SUBMITTED, TaskState.DRAWABLE):
        return "requester", ("draw", (job_id, [task]))
    if found.state is TaskState.PROVISIONAL:
        world.pass_until(found.window_ends_block)
    if found.state in (TaskState.PROVISIONAL, TaskState.SETTLEABLE):
        return "worker", ("settle", (job_id, [task]))
    return random.choice(["worker", "other_worker"]), ("claim", (job_id, [task]))


def sealing(world: World, model: Model, job_id: int, me: Address, random: Random) -> Call | None:
    """A commit or a reveal for a place that the account holds, if a round runs."""
    if job_id > len(model.books.jobs):
        return None
    for task in random.sample(range(3), 3):
        found = world.reader.task(job_id, task)
        mine = [
            place
            for place, slot in enumerate(found.seats)
            if slot < len(model.books.seats) and model.books.seats[slot].owner == me
        ]
        if not mine or found.state not in (TaskState.COMMITTING, TaskState.REVEALING):
            continue
        of = world.round_id(job_id, task)
        says = [said(place, task, found.attempt, found.round) for place in mine]
        if found.state is TaskState.COMMITTING:
            return "commit", (job_id, [seal(of, each) for each in says])
        if random.random() < 0.2:
            says = [replace(each, salt=each.salt + 1) for each in says]
        return "reveal", (job_id, says)
    return None


def said(place: int, task: int, attempt: int, round_: int) -> Reveal:
    """What a place says depends on where it is only, so that it can be opened later."""
    verdict = Random(f"{place}-{task}-{attempt}-{round_}").choice(
        [
            Verdict.ACCEPT,
            Verdict.ACCEPT,
            Verdict.REJECT,
            Verdict.REJECT,
            Verdict.UNAVAILABLE,
            Verdict.INCONCLUSIVE,
        ]
    )
    ground, index = (Ground.TILE, 2) if verdict is Verdict.REJECT else (Ground.NONE, 0)
    return Reveal(task, place, verdict, ground, index, EVIDENCE, salt=2**130 + place)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_walk_leaves_both_in_the_same_place(seed: int, deployment: Deployment) -> None:
    random = Random(seed)
    world = World(DevnetChain(deployment))
    model = Model(world, Books(BOUNDS))
    for who in ACTORS:
        model.books.wallets[world.address(who)] = world.wallet(who)
    opening: list[tuple[str, Call]] = [(who, ("deposit", (Fri(50_000),))) for who in ACTORS]
    opening += [("verifier_a", ("take_seat", ()))] * 2 + [("verifier_b", ("take_seat", ()))] * 2
    opening += [("requester", ("create_job", (MANIFEST, 3, world.terms(commit_blocks=6, reveal_blocks=6))))]
    for who, call in opening:
        assert run_both(world, model, who, call) == ""
    done: list[str] = []

    def step(who: str, call: Call) -> None:
        if run_both(world, model, who, call) == "":
            done.append(call[0])
        compare(world, model, len(model.books.jobs))

    while not {"reveal", "settle"} <= set(done):  # the usual way first, to its end
        step(*next_call(world, model, random))
    for _ in range(STEPS):
        luck = random.random()
        if luck < 0.15:
            world.chain.pass_blocks(random.randint(1, 12))
        elif luck < 0.18:
            world.chain.pass_seconds(random.choice([100, 700]))
        who = random.choice(ACTORS)
        guided = random.random() < 0.5
        step(*(next_call(world, model, random) if guided else (who, any_call(world, model, who, random))))
    events = world.reader.events().events
    assert events == model.books.events
    world.check_money()
