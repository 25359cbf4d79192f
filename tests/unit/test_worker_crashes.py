"""A worker killed before any call of any port, and run again: one claim, one submission, one
payment, and in the end no pin and no file of it left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tileproof.domain.job import TaskState, Verdict
from tileproof.domain.result import RESULT_FILE, frame_file
from tileproof.ports.ledger import AppealRaised, ResultSubmitted, TaskClaimed, TaskSettled
from tileproof.worker.loop import Worker

from .worker_world import (
    REWARD,
    SETTINGS,
    SHARE,
    TERMS,
    Fate,
    Killed,
    World,
    empty,
)

OPEN_LONG = replace(TERMS, appeal_blocks=20)
SOON_DEEP = replace(SETTINGS, keep_blocks=3)
PATIENCE = 60


def run_until(world: World, home: Path, state: TaskState, fate: Fate | None = None) -> None:
    """Looks at the ledger until the task is in this state; killed, it dies where it is."""
    worker = world.worker(home, settings=SOON_DEEP, fate=fate)
    for _ in range(PATIENCE):
        if world.task().state is state:
            return
        world.step(worker, 1)
    raise AssertionError(f"the task is {world.task().state} and not {state}")


def a_whole_life(world: World, home: Path, fate: Fate) -> int:
    """From finding the job to dropping the last pin; how often the worker was killed."""
    kills = 0
    served = False
    worker: Worker | None = None
    for _ in range(3 * PATIENCE + SOON_DEEP.keep_blocks):
        try:
            worker = worker or world.worker(home, settings=SOON_DEEP, fate=fate)
            worker.tick()
        except Killed:
            kills += 1
            fate.last, worker = None, None
        task = world.task()
        if task.state is TaskState.SUBMITTED and not served:
            assert_serves(world)
            world.judge(Verdict.ACCEPT)
            served = True
        elif served and not world.journal.all("claim"):
            return kills
        world.clock.wait(1.0)
    raise AssertionError(f"it never ended: {world.task().state}, {world.journal.all('claim')}")


def a_contested_life(world: World, home: Path, fate: Fate) -> int:
    """As ``a_whole_life``, with a first committee that lies and a larger one that does not."""
    kills = 0
    worker: Worker | None = None
    for _ in range(3 * PATIENCE + SOON_DEEP.keep_blocks):
        try:
            worker = worker or world.worker(home, settings=SOON_DEEP, fate=fate)
            worker.tick()
        except Killed:
            kills += 1
            fate.last, worker = None, None
        task = world.task()
        if task.state is TaskState.SUBMITTED and task.round == 0:
            world.vote(Verdict.REJECT)
        elif task.state is TaskState.APPEALED:
            assert_serves(world)
            world.vote(Verdict.ACCEPT)
        elif world.sent(TaskSettled) and not world.journal.all("claim"):
            return kills
        world.clock.wait(1.0)
    raise AssertionError(f"it never ended: {world.task().state}, {world.journal.all('claim')}")


def assert_serves(world: World) -> None:
    result = world.task().result
    assert result is not None
    assert {frame_file(1), frame_file(2), RESULT_FILE} == set(world.store.files(result))
    assert {result, world.scene, world.ledger.job(1).manifest} <= world.store.pinned


def calls_of_a_life(tmp_path: Path) -> list[str]:
    world, fate = World(), Fate()
    world.job()
    a_whole_life(world, tmp_path, fate)
    return fate.calls


@pytest.mark.slow
def test_killed_before_any_call_it_claims_once_submits_once_and_leaves_nothing(tmp_path: Path) -> None:
    calls = calls_of_a_life(tmp_path / "unharmed")
    for name in ("FakeLedger.claim", "FakeLedger.submit", "FakeStore.add_directory", "FakeSession.render"):
        assert name in calls, "a life has the steps that matter"
    for last in range(len(calls)):
        world, fate, home = World(), Fate(last), tmp_path / str(last)
        world.job()
        before = world.own()
        kills = a_whole_life(world, home, fate)
        what = f"killed before call {last}, {calls[last]}"
        assert kills == 1, what
        assert len(world.sent(TaskClaimed)) == 1, what
        assert len(world.sent(ResultSubmitted)) == 1, what
        assert world.own() == before + REWARD.units, what
        assert world.store.pinned == set(), what
        assert world.journal.all("frame") == {}, what
        assert empty(home / "claims"), what


def test_killed_at_any_call_and_back_only_after_its_lease_it_gets_the_rest_of_the_bond_and_drops_its_pins(
    tmp_path: Path,
) -> None:
    world, fate = World(), Fate()
    world.job()
    run_until(world, tmp_path / "unharmed", TaskState.SUBMITTED, fate)
    calls = fate.calls
    claimed = calls.index("FakeLedger.claim")
    submitted = calls.index("FakeLedger.submit")
    for last in range(claimed + 1, submitted + 1):
        world, home = World(), tmp_path / str(last)
        world.job()
        before = world.own()
        with pytest.raises(Killed):
            run_until(world, home, TaskState.SUBMITTED, Fate(last))
        what = f"killed before call {last}, {calls[last]}"
        assert world.task().state is TaskState.CLAIMED, what
        world.requester.pause_job(1)
        world.chain.pass_seconds(TERMS.lease_seconds)
        worker = world.worker(home, settings=SOON_DEEP)
        world.step(worker, SOON_DEEP.keep_blocks + 5)
        assert world.own() == before - SHARE.units, what
        assert world.store.pinned == set(), what
        assert world.journal.all("claim") == {}, what
        assert empty(home / "claims"), what


@pytest.mark.slow
def test_killed_before_any_call_it_appeals_once_and_in_time_and_leaves_nothing(tmp_path: Path) -> None:
    world, unharmed = World(), Fate()
    world.job(terms=OPEN_LONG)
    a_contested_life(world, tmp_path / "unharmed", unharmed)
    calls = unharmed.calls
    assert calls.count("FakeLedger.appeal") == 1
    submitted = calls.index("FakeLedger.submit")
    for last in range(submitted + 1, len(calls)):
        world, fate, home = World(), Fate(last), tmp_path / str(last)
        world.job(terms=OPEN_LONG)
        before = world.own()
        kills = a_contested_life(world, home, fate)
        what = f"killed before call {last}, {calls[last]}"
        assert kills == 1, what
        assert len(world.sent(AppealRaised)) == 1, what
        assert world.task().state is TaskState.PAID, what
        assert world.own() == before + REWARD.units, what
        assert world.store.pinned == set(), what
        assert world.journal.all("frame") == {}, what
        assert empty(home / "claims"), what
