"""A requester who wants the work without paying, or to harm the worker."""

from __future__ import annotations

from typing import Any

import pytest
from tileproof.domain.job import Appeal, Outcome, Question, TaskState

from tests.conformance.ledger_world import MANIFEST, refused

from .stage import ACCEPT, INCONCLUSIVE, REJECT, VERIFIERS, Stage

LISTED, NAMED = Question.LISTED_TILE, Question.NAMED_TILE


def test_a_requester_who_leaves_the_worker_alone_pays_for_the_audit(stage: Stage) -> None:
    job = stage.judged(ACCEPT)
    stage.settle(job)
    stage.ends(attackers=["requester"], victims=["worker"], good_work="worker")


@pytest.mark.parametrize("when", ["submitted", "drawn", "provisional"])
def test_a_requester_who_pauses_and_closes_still_pays_for_what_was_submitted(stage: Stage, when: str) -> None:
    job, requester = stage.submitted(), stage.as_("requester")

    def hinder(now: str) -> None:
        if now == when:
            requester.pause_job(job)
            requester.close_job(job)

    hinder("submitted")
    stage.draw(job, 0)
    hinder("drawn")
    stage.vote(job, (ACCEPT,))
    hinder("provisional")
    with refused("TASK_NOT_OPEN"):
        requester.close_tasks(job, [0])
    stage.settle(job)
    stage.ends(attackers=["requester"], victims=["worker"], good_work="worker")


def test_a_requester_who_closes_under_a_live_claim_cannot_take_the_task_away(stage: Stage) -> None:
    job = stage.create(committee_size=1)
    stage.begins()
    stage.as_("worker").claim(job, [0])
    stage.as_("requester").close_job(job)
    stage.submit(job, 0)
    stage.draw(job, 0)
    stage.vote(job, (ACCEPT,))
    stage.settle(job)
    stage.ends(attackers=["requester"], victims=["worker"], good_work="worker")


def test_a_scene_that_nobody_can_judge_costs_its_requester_the_fees_and_the_worker_its_pay(
    stage: Stage,
) -> None:
    job = stage.submitted()
    for _ in range(3):
        stage.draw(job, 0)
        stage.vote(job, (INCONCLUSIVE,))
    assert stage.task(job).outcome is Outcome.NO_VERDICT
    stage.settle(job)
    assert stage.task(job).state is TaskState.CLOSED
    stage.ends(attackers=["requester"], victims=["worker"], good_work="worker")


def test_a_requester_who_appeals_good_work_pays_the_committee_and_the_worker_is_paid(stage: Stage) -> None:
    job = stage.judged(ACCEPT)
    stage.appeal(job, "requester", LISTED, 2)
    stage.judged_in_appeal(job, ACCEPT, ACCEPT, ACCEPT)
    with refused("NOT_PROVISIONAL"):
        stage.as_("requester").appeal(job, [Appeal(0, LISTED, 0, 2)])
    stage.ends(attackers=["requester"], victims=["worker"], good_work="worker")


def test_an_appeal_about_a_tile_that_does_not_exist_is_lost(stage: Stage) -> None:
    job = stage.judged(ACCEPT)
    stage.as_("requester").appeal(job, [Appeal(0, NAMED, 60_000, 60_000)])
    stage.draw(job, 0)
    stage.judged_in_appeal(job, ACCEPT, ACCEPT, ACCEPT)
    stage.ends(attackers=["requester"], victims=["worker"], good_work="worker")


def test_a_requester_with_one_lying_seat_in_its_appeal_loses_more(stage: Stage) -> None:
    job = stage.judged(ACCEPT)
    stage.appeal(job, "requester", LISTED, 2)
    sitters = stage.sitters(job)
    friend = next(who for who in VERIFIERS if sitters.count(who) == 1)
    lies_at = sitters.index(friend)
    stage.judged_in_appeal(job, *(REJECT if place == lies_at else ACCEPT for place in range(3)))
    stage.ends(attackers=["requester", friend], victims=["worker"], good_work="worker")


def test_terms_that_no_worker_could_keep_are_refused(stage: Stage) -> None:
    terms, requester = stage.terms(), stage.as_("requester")
    absurd: dict[str, dict[str, Any]] = {
        "WINDOW": {"appeal_blocks": 1_000},
        "LEASE": {"lease_seconds": 1},
        "DEADLINE": {"deadline": terms.deadline + 10**6},
        "AUDIT_FEE_TOO_HIGH": {"audit_fee": stage.chain.bounds.seat_bond},
        "COMMITTEE_SIZE": {"committee_size": 2},
    }
    for reason, changes in absurd.items():
        with refused(reason):
            requester.create_job(MANIFEST, 1, stage.terms(**changes))
    stage.ends(attackers=["requester"], victims=["worker"])


def test_the_parties_own_seats_never_judge_their_job(stage: Stage) -> None:
    for who in ("requester", "worker"):
        for _ in range(4):
            stage.as_(who).take_seat()
    job = stage.create(8, committee_size=1)
    stage.begins()
    stage.as_("worker").claim(job, range(8))
    stage.submit(job, *range(8))
    stage.draw(job, *range(8))
    for task in range(8):
        assert not {"requester", "worker"} & set(stage.sitters(job, task))
    stage.ends(attackers=["requester"], victims=["worker"])
