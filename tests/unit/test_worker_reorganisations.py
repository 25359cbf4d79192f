"""A worker whose chain takes back blocks that it has acted on, on the model of the contract."""

from __future__ import annotations

from pathlib import Path

import pytest
from tileproof.domain.job import TaskState, Verdict
from tileproof.ports import ledger as port
from tileproof.worker.loop import Worker

from .worker_world import BOND, REWARD, SETTINGS, World, empty, manifest_of


def paid(tmp_path: Path) -> tuple[World, Worker]:
    """A world in which the worker was paid, and has seen it."""
    world = World()
    world.job()
    worker = world.worker(tmp_path)
    world.step(worker, 1)
    world.judge(Verdict.ACCEPT)
    world.step(worker, 2)
    assert world.own() == 10 * BOND.units + REWARD.units
    return world, worker


def let_go(world: World, worker: Worker, home: Path) -> None:
    """Nothing is let go before the new outcome is as deep as any, and then everything is."""
    kept = set(world.store.pinned)
    world.step(worker, SETTINGS.keep_blocks - 2)
    assert world.store.pinned == kept
    world.step(worker, 5)
    assert world.store.pinned == set()
    assert world.journal.all("claim") == {}
    assert empty(home / "claims")


@pytest.mark.parametrize("undone", [port.TaskClaimed, port.ResultSubmitted, port.TaskSettled])
def test_a_payment_that_was_taken_back_is_earned_again_and_once(
    undone: type[port.Event], tmp_path: Path
) -> None:
    world, worker = paid(tmp_path)
    world.step(worker, SETTINGS.keep_blocks // 2)
    world.chain.abort_blocks(world.sent(undone)[0].block)
    assert world.own() <= 10 * BOND.units
    world.step(worker, 2)
    if undone is port.TaskSettled:
        world.settle()
    else:
        assert world.task().state is TaskState.SUBMITTED
        world.judge(Verdict.ACCEPT)
    world.step(worker, 1)
    assert world.own() == 10 * BOND.units + REWARD.units
    assert len(world.sent(port.TaskClaimed)) == 1
    let_go(world, worker, tmp_path)


def test_a_job_that_was_taken_back_is_mourned_and_its_bytes_are_let_go_in_time(tmp_path: Path) -> None:
    world, worker = paid(tmp_path)
    world.chain.abort_blocks(world.sent(port.JobCreated)[0].block)
    world.step(worker, 1)
    assert world.ledger.job_count() == 0
    let_go(world, worker, tmp_path)


def test_a_job_that_is_taken_back_while_it_is_rendered_stops_no_worker(tmp_path: Path) -> None:
    world = World()
    world.job()
    [created] = world.sent(port.JobCreated)

    def lose(frame: int, tile: object) -> None:
        if world.sent(port.TaskClaimed):
            world.renderer.on_render = None
            world.chain.abort_blocks(created.block)

    world.renderer.on_render = lose
    worker = world.worker(tmp_path)
    world.step(worker, 2)
    assert world.ledger.job_count() == 0
    world.job()
    world.step(worker, 2)
    assert world.task().state is TaskState.SUBMITTED


def test_another_job_under_the_number_of_one_that_was_taken_back_is_done_as_itself(tmp_path: Path) -> None:
    world, worker = paid(tmp_path)
    old = set(world.store.pinned)
    world.chain.abort_blocks(world.sent(port.JobCreated)[0].block)
    world.job(manifest_of(world.scene, name="another"))
    world.step(worker, 2)
    assert world.task().state is TaskState.SUBMITTED
    new = {world.task().result, world.ledger.job(1).manifest, world.scene}
    assert old | new == world.store.pinned
    world.judge(Verdict.ACCEPT)
    world.step(worker, 1)
    let_go(world, worker, tmp_path)


def test_a_reject_that_was_taken_back_is_not_held_against_the_worker(tmp_path: Path) -> None:
    world = World()
    world.job()
    worker = world.worker(tmp_path)
    world.step(worker, 1)
    world.vote(Verdict.REJECT)
    world.settle()
    world.step(worker, 1)
    world.chain.abort_blocks(world.sent(port.TaskDrawn)[0].block)
    world.judge(Verdict.ACCEPT)
    world.step(worker, 1)
    assert world.own() == 10 * BOND.units + REWARD.units
    world.job()
    world.step(worker, 1)
    assert world.task(2).state is TaskState.SUBMITTED
