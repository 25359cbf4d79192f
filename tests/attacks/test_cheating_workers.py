"""A worker who wants the pay without the work."""

from __future__ import annotations

from tileproof.domain.job import Appeal, Lane, Question, TaskState
from tileproof.domain.money import Fri

from tests.conformance.ledger_world import refused

from .stage import ACCEPT, REJECT, UNAVAILABLE, Stage

LISTED, NAMED, WHOLE = Question.LISTED_TILE, Question.NAMED_TILE, Question.WHOLE


def test_bad_work_that_the_sample_shows_costs_the_bond(stage: Stage) -> None:
    job = stage.judged(REJECT)
    stage.settle(job)
    stage.ends(attackers=["worker"], victims=["requester"])


def test_a_tile_tampered_outside_the_sample_is_named_by_the_requester(stage: Stage) -> None:
    job = stage.judged(ACCEPT)
    stage.appeal(job, "requester", NAMED, 7)
    stage.judged_in_appeal(job, REJECT, REJECT, REJECT)
    stage.ends(attackers=["worker"], victims=["requester"])


def test_a_tile_tampered_outside_the_sample_is_paid_where_nobody_looks(stage: Stage) -> None:
    job = stage.judged(ACCEPT)
    stage.settle(job)
    stage.ends(attackers=["worker"], victims=["requester"])


def test_bad_work_that_was_not_drawn_is_named_by_the_requester(stage: Stage) -> None:
    job = stage.create(5, committee_size=1, audit_rate_bps=1_000, worker_bond=Fri(9_000))
    stage.begins()
    stage.as_("worker").claim(job, range(5))
    stage.submit(job, *range(5))
    stage.draw(job, *range(5))
    spared = next(task.task for task in stage.reader.tasks(job) if not task.seats)
    stage.as_("requester").appeal(job, [Appeal(spared, NAMED, 0, 7)])
    stage.draw(job, spared)
    stage.vote(job, (REJECT, REJECT, REJECT), spared)
    stage.settle(job, spared)
    stage.ends(attackers=["worker"], victims=["requester"])


def test_a_worker_who_was_drawn_cannot_submit_again_until_it_is_not(stage: Stage) -> None:
    job = stage.submitted()
    worker = stage.as_("worker")
    for drawn in (False, True):
        if drawn:
            stage.draw(job, 0)
        with refused("TASK_NOT_CLAIMED"):
            stage.submit(job, 0)
        with refused("TASK_NOT_CLAIMED"):
            worker.give_back(job, [0])
        with refused("TASK_NOT_OPEN"):
            worker.claim(job, [0])
    stage.vote(job, (REJECT,))
    stage.settle(job)
    stage.ends(attackers=["worker"], victims=["requester"])


def test_nobody_submits_the_result_it_copied_from_the_claimant(stage: Stage) -> None:
    job = stage.create(committee_size=1)
    stage.begins()
    stage.as_("worker").claim(job, [0])
    with refused("NOT_CLAIMANT"):
        stage.submit(job, 0, who="other_worker")
    stage.submit(job, 0)
    with refused("TASK_NOT_CLAIMED"):
        stage.submit(job, 0, who="other_worker")
    stage.draw(job, 0)
    stage.vote(job, (ACCEPT,))
    stage.settle(job)
    stage.ends(attackers=["other_worker"], victims=["worker"], good_work="worker")


def test_squatting_on_a_claim_costs_a_share_of_the_bond_each_time(stage: Stage) -> None:
    job = stage.create(committee_size=1)
    stage.begins()
    squatter = stage.as_("worker")
    for _ in range(2):
        squatter.claim(job, [0])
        with refused("TASK_NOT_OPEN"):
            squatter.claim(job, [0])
        stage.chain.pass_seconds(700)
    stage.as_("passer_by").release(job, [0])
    squatter.claim(job, [0])
    squatter.give_back(job, [0])
    assert stage.task(job).state is TaskState.OPEN
    stage.ends(attackers=["worker"], victims=["requester"])


def test_a_worker_who_withholds_its_bytes_loses_the_bond(stage: Stage) -> None:
    job = stage.judged(UNAVAILABLE)
    stage.settle(job)
    stage.ends(attackers=["worker"], victims=["requester"])


def test_a_cheat_who_appeals_every_reject_loses_the_appeal_bond_as_well(stage: Stage) -> None:
    job = stage.judged(REJECT)
    stage.appeal(job, "worker", LISTED, 3)
    with refused("NOT_PROVISIONAL"):
        stage.as_("worker").appeal(job, [Appeal(0, LISTED, 0, 3)])
    stage.judged_in_appeal(job, REJECT, REJECT, REJECT)
    stage.ends(attackers=["worker"], victims=["requester"])


def test_a_cheat_who_still_withholds_its_bytes_under_appeal_loses_both_bonds(stage: Stage) -> None:
    job = stage.judged(UNAVAILABLE)
    stage.appeal(job, "worker", WHOLE)
    stage.judged_in_appeal(job, UNAVAILABLE, UNAVAILABLE, UNAVAILABLE)
    stage.ends(attackers=["worker"], victims=["requester"])


def test_bad_work_in_the_hash_lane_costs_the_audit_and_no_more(stage: Stage) -> None:
    job = stage.judged(REJECT, lane=Lane.HASH)
    stage.settle(job)
    stage.ends(attackers=["worker"], victims=["requester"])
