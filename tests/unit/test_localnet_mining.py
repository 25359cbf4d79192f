"""A local chain makes a block a second while a task waits for one, and at most one a minute otherwise."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from tileproof.domain.errors import LedgerRejected, ServiceError
from tileproof.domain.job import Task, TaskState, Verdict
from tileproof.localnet.mining import (
    AWAKE_SECONDS,
    IDLE_BLOCK_SECONDS,
    RESTING,
    Miner,
    TaskWatch,
    any_waits,
    is_due,
    waits_for_blocks,
)

from tests.conformance.ledger_world import ModelChain, World

SECONDS = st.floats(0, 1e6)
TASKS = 3
STEPS = ("claim", "submit", "draw", "vote", "settle", "release", "give_back", "close", "blocks", "lapse")


class Story:
    """A job whose tasks take steps in any order; a step that the contract refuses changes nothing."""

    def __init__(self) -> None:
        self.world = World(ModelChain()).with_deposits("requester", "worker").with_seats({"verifier_a": 10})
        self.job = self.world.create(TASKS)

    def tasks(self) -> tuple[Task, ...]:
        return self.world.reader.tasks(self.job)

    def take(self, step: str, task: int) -> None:
        world, job = self.world, self.job
        steps: dict[str, Callable[[], object]] = {
            "claim": lambda: world.as_("worker").claim(job, [task]),
            "submit": lambda: world.submit(job, task),
            "draw": lambda: world.as_("passer_by").draw(job, [task]),
            "vote": lambda: self.vote(task),
            "settle": lambda: world.as_("passer_by").settle(job, [task]),
            "release": lambda: world.as_("passer_by").release(job, [task]),
            "give_back": lambda: world.as_("worker").give_back(job, [task]),
            "close": lambda: world.as_("requester").close_job(job),
            "blocks": lambda: world.chain.pass_blocks(6),
            "lapse": lambda: world.chain.pass_seconds(601),
        }
        with contextlib.suppress(LedgerRejected):
            steps[step]()

    def vote(self, task: int) -> None:
        if self.tasks()[task].state is TaskState.COMMITTING:
            self.world.vote(self.job, [Verdict.ACCEPT] * 3, task)


story_steps = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, TASKS - 1)), max_size=25)


@settings(max_examples=60, deadline=None)
@given(story_steps)
def test_the_watch_finds_a_waiting_task_exactly_when_the_contract_has_one(
    steps: list[tuple[str, int]],
) -> None:
    story = Story()
    watch = TaskWatch(story.world.reader)
    for step, task in steps:
        story.take(step, task)
        assert watch.waits() == any_waits(story.tasks())
    assert TaskWatch(story.world.reader).waits() == any_waits(story.tasks()), "begun late, it finds the same"


@settings(max_examples=60, deadline=None)
@given(story_steps, st.integers(1, 3_000))
def test_a_task_that_rests_is_not_moved_on_by_any_number_of_blocks(
    steps: list[tuple[str, int]], blocks: int
) -> None:
    story = Story()
    for step, task in steps:
        story.take(step, task)
    before = story.tasks()
    story.world.chain.pass_blocks(blocks)
    for earlier, later in zip(before, story.tasks(), strict=True):
        if not waits_for_blocks(earlier.state):
            assert later.state is earlier.state


def test_every_task_comes_to_rest_if_nobody_acts() -> None:
    for last in ("claim", "submit", "draw", "vote"):
        story = Story()
        for step in ("claim", "submit", "blocks", "blocks", "draw", "vote"):
            story.take(step, 0)
            if step == last:
                break
        assert any_waits(story.tasks())
        for _ in range(4):
            story.take("lapse", 0)
            story.world.chain.pass_blocks(100)
        assert not any_waits(story.tasks()), story.tasks()


def test_a_seed_a_window_and_a_lease_are_waited_for() -> None:
    waiting = set(TaskState) - RESTING
    assert waiting == {
        TaskState.CLAIMED,
        TaskState.SUBMITTED,
        TaskState.COMMITTING,
        TaskState.REVEALING,
        TaskState.PROVISIONAL,
        TaskState.APPEALED,
    }


@given(waits=st.booleans(), since_block=SECONDS, since_transaction=SECONDS, idle=st.floats(1, 1e4))
def test_a_block_is_due_each_second_in_need_and_each_idle_time_otherwise(
    waits: bool, since_block: float, since_transaction: float, idle: float
) -> None:
    due = is_due(waits=waits, since_block=since_block, since_transaction=since_transaction, idle_seconds=idle)
    if since_block < 1:
        assert not due
    elif waits or since_transaction < AWAKE_SECONDS:
        assert due
    else:
        assert due == (since_block >= idle)


class ClockedChain:
    """A chain that counts its blocks, and a clock that a test moves on."""

    def __init__(self) -> None:
        self.now, self.blocks = 0.0, 0
        self.is_down = False

    def block_number(self) -> int:
        if self.is_down:
            raise ServiceError("ledger.unreachable", "no answer")
        return self.blocks

    def create_blocks(self, count: int = 1) -> None:
        self.blocks += count

    def pass_seconds(self, miner: Miner, seconds: int) -> int:
        """Lets the miner step each second; returns how many blocks were made."""
        before = self.blocks
        for _ in range(seconds):
            self.now += 1
            miner.step()
        return self.blocks - before


def miner_of(chain: ClockedChain, waits: Callable[[], bool]) -> Miner:
    return Miner(chain, waits, monotonic=lambda: chain.now)


def test_an_idle_chain_makes_a_block_a_minute_and_none_more() -> None:
    chain = ClockedChain()
    miner = miner_of(chain, lambda: False)
    chain.pass_seconds(miner, int(AWAKE_SECONDS + IDLE_BLOCK_SECONDS))
    assert chain.pass_seconds(miner, 86_400) == 86_400 / IDLE_BLOCK_SECONDS


def test_a_waiting_task_gets_a_block_a_second() -> None:
    chain = ClockedChain()
    miner = miner_of(chain, lambda: True)
    chain.pass_seconds(miner, 2)
    assert chain.pass_seconds(miner, 100) == 100


def test_a_transaction_of_an_idle_chain_keeps_its_clock_up_to_date_for_a_while() -> None:
    chain = ClockedChain()
    miner = miner_of(chain, lambda: False)
    chain.pass_seconds(miner, 1_000)
    chain.create_blocks(1)  # as a transaction does
    assert chain.pass_seconds(miner, int(AWAKE_SECONDS)) == AWAKE_SECONDS - 1
    assert chain.pass_seconds(miner, 59) <= 1


def test_a_chain_whose_tasks_cannot_be_read_goes_on_making_blocks() -> None:
    def fail() -> bool:
        raise RuntimeError("anything at all")

    chain = ClockedChain()
    miner = miner_of(chain, fail)
    chain.pass_seconds(miner, 100)
    assert chain.pass_seconds(miner, 100) == 100


def test_a_chain_that_does_not_answer_stops_no_miner() -> None:
    chain = ClockedChain()
    miner = miner_of(chain, lambda: True)
    chain.is_down = True
    assert chain.pass_seconds(miner, 5) == 0
    chain.is_down = False
    assert chain.pass_seconds(miner, 5) > 0
