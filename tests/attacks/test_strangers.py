"""Somebody who has no part in a job, or calls what is none of its business; and nobody at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tileproof.domain.job import Appeal, Question, TaskState
from tileproof.domain.money import Fri

from model.books import Token
from tests.conformance.ledger_world import BOND, DEPOSIT, ESCROW, MANIFEST, ballot, refused, seal

from .stage import ACCEPT, REJECT, Stage


def test_refused_calls_change_nothing_and_cost_their_caller_the_gas(stage: Stage) -> None:
    job = stage.create(committee_size=1)
    stage.begins()
    griefer = stage.as_("passer_by")
    said = [ballot(0, ACCEPT)]

    def refuse(reason: str, call: Callable[[], object]) -> None:
        with refused(reason):
            call()

    refuse("TASK_NOT_DRAWABLE", lambda: griefer.draw(job, [0]))
    refuse("TASK_NOT_SETTLEABLE", lambda: griefer.settle(job, [0]))
    refuse("TASK_NOT_LAPSED", lambda: griefer.release(job, [0]))
    refuse("BALANCE_TOO_LOW", lambda: griefer.claim(job, [0]))
    refuse("BATCH_SIZE", lambda: griefer.claim(job, [0] * 65))
    for call in (griefer.pause_job, griefer.close_job):
        refuse("NOT_REQUESTER", lambda call=call: call(job))  # type: ignore[misc]
    stage.as_("worker").claim(job, [0])
    stage.submit(job, 0)
    refuse("SEED_TOO_YOUNG", lambda: griefer.draw(job, [0]))
    stage.draw(job, 0)
    refuse("NOT_YOUR_SEAT", lambda: griefer.commit(job, [seal(stage.round_id(job), said[0])]))
    [owner] = stage.sitters(job)
    stage.as_(owner).commit(job, [seal(stage.round_id(job), said[0])])
    refuse("NOT_YOUR_SEAT", lambda: griefer.reveal(job, said))
    stage.as_(owner).reveal(job, said)
    refuse("NOT_APPELLANT", lambda: griefer.appeal(job, [Appeal(0, Question.NAMED_TILE)]))
    stage.settle(job)
    stage.ends(attackers=["passer_by"], victims=["worker"], good_work="worker")


def test_nobody_takes_what_another_has_in_the_contract(stage: Stage) -> None:
    thief = stage.as_("passer_by")
    for amount in (1, DEPOSIT):
        with refused("BALANCE_TOO_LOW"):
            thief.withdraw(Fri(amount))
    with refused("BALANCE_TOO_LOW"):
        stage.as_("worker").withdraw(Fri(DEPOSIT + 1))
    with refused("BALANCE_TOO_LOW"):
        thief.take_seat()
    for call in (thief.leave_seat, thief.collect_seat):
        with refused("NOT_SEAT_OWNER"):
            call(0)
    stage.ends(attackers=["passer_by"], victims=["worker", "verifier_a"])


def test_locked_bonds_are_not_withdrawn(stage: Stage) -> None:
    job = stage.judged(REJECT)
    worker = stage.as_("worker")
    with refused("BALANCE_TOO_LOW"):
        worker.withdraw(Fri(DEPOSIT - BOND + 1))
    with refused("NOT_SEAT_OWNER"):
        worker.collect_seat(stage.task(job).seats[0])
    stage.settle(job)
    stage.ends(attackers=["worker"], victims=["requester"])


def test_a_task_is_drawn_and_paid_once(stage: Stage) -> None:
    job, anyone = stage.submitted(), stage.as_("passer_by")
    stage.draw(job, 0)
    with refused("TASK_NOT_DRAWABLE"):
        anyone.draw(job, [0])
    stage.vote(job, (ACCEPT,))
    stage.pass_until(stage.task(job).window_ends_block)
    with refused("TASK_NOT_SETTLEABLE"):
        anyone.settle(job, [0, 0])
    stage.settle(job)
    with refused("TASK_NOT_SETTLEABLE"):
        anyone.settle(job, [0])
    stage.ends(attackers=["worker"], victims=["requester"], good_work="worker")


def test_what_everybody_has_left_behind_is_freed_by_any_passer_by(stage: Stage) -> None:
    job = stage.create(3, committee_size=1)
    stage.begins()
    stage.as_("worker").claim(job, [0, 1])
    stage.submit(job, 0)
    stage.chain.pass_seconds(60_000)
    anyone = stage.as_("passer_by")
    anyone.release(job, [1])
    anyone.close_tasks(job, [1, 2])
    for _ in range(3):
        stage.draw(job, 0)
        stage.pass_until(stage.task(job).window_ends_block)
    stage.settle(job)
    assert {task.state for task in stage.reader.tasks(job)} == {TaskState.CLOSED}
    assert stage.escrow() == 0
    stage.ends(attackers=[], victims=["worker", "requester"], good_work="worker")


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        (Token.REFUSES, "TOKEN_REFUSED"),
        (Token.REENTERS, "REENTERED"),
        (Token.TAKES_A_FEE, "TOKEN_MISCOUNTED"),
    ],
)
def test_a_token_that_lies_or_calls_back_moves_nothing(stage: Stage, manner: Token, reason: str) -> None:
    stage.chain.make_token(manner)
    with refused(reason):
        stage.as_("worker").withdraw(Fri(DEPOSIT))
    with refused(reason):
        stage.as_("worker").deposit(Fri(ESCROW))
    with refused(reason):
        stage.as_("requester").create_job(MANIFEST, 1, stage.terms())
    stage.ends(attackers=["requester"], victims=["worker"])
