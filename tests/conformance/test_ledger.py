"""What every Ledger promises and the contract enforces, held against the model and against the
real contract on a real chain."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.errors import InputError, ServiceError
from tileproof.domain.job import NO_SEAT, Ground, Outcome, Seat, TaskResult, TaskState, Verdict
from tileproof.domain.money import Fri
from tileproof.domain.sampling import audit_seed, draw_committee, is_audited
from tileproof.ports import ledger as port
from tileproof.ports.trail import Trail

from tests.fakes.ledger import BOUNDS

from .ledger_world import (
    BOND,
    CAST,
    DEPOSIT,
    ESCROW,
    EVIDENCE,
    FEE,
    LAPSE,
    MANIFEST,
    RESULT,
    REWARD,
    SEAT_BOND,
    SEATED,
    World,
    ballot,
    refused,
    seal,
)

ACCEPT, REJECT = Verdict.ACCEPT, Verdict.REJECT
INCONCLUSIVE, UNAVAILABLE = Verdict.INCONCLUSIVE, Verdict.UNAVAILABLE


# --- escrow ---


def test_a_new_job_is_kept_as_it_was_given_and_its_escrow_taken_from_the_wallet(world: World) -> None:
    terms = world.terms()
    before = world.wallet("requester")
    job_id, receipt = world.as_("requester").create_job(MANIFEST, 3, terms)
    assert job_id == world.reader.job_count() == 1
    job = world.reader.job(1)
    assert (job.requester, job.manifest, job.task_count) == (world.address("requester"), MANIFEST, 3)
    assert (job.terms, job.created_block) == (terms, receipt.block)
    assert (job.paused, job.closed, job.paid, job.refunded) == (False, False, 0, 0)
    assert world.wallet("requester") == before - 3 * ESCROW - receipt.fee.units
    assert world.escrow() == 3 * ESCROW
    assert [task.state for task in world.reader.tasks(1)] == [TaskState.OPEN] * 3
    world.check_money()


def test_a_requester_finds_its_newest_job_by_manifest_and_nobody_elses(world: World) -> None:
    mine, theirs = world.as_("requester"), world.as_("passer_by")
    other = Cid(Codec.RAW, bytes(32 * [7]))
    assert mine.find_job(MANIFEST) is None
    world.create()
    mine.create_job(other, 1, world.terms())
    world.create()
    theirs.create_job(MANIFEST, 1, world.terms())
    assert (mine.find_job(MANIFEST), mine.find_job(other), theirs.find_job(MANIFEST)) == (3, 2, 4)
    assert theirs.find_job(other) is None


def test_terms_outside_the_bounds_are_refused_by_name_and_cost_nothing(world: World) -> None:
    now, wallet = world.reader.head().timestamp, world.wallet("requester")
    wrong: list[tuple[str, int, dict[str, object]]] = [
        ("TASK_COUNT", 0, {}),
        ("TASK_COUNT", BOUNDS.max_tasks + 1, {}),
        ("REWARD_ZERO", 1, {"reward": Fri(0)}),
        ("AMOUNT_TOO_LARGE", 1, {"reward": Fri(2**96)}),
        ("COMMITTEE_SIZE", 1, {"committee_size": 2}),
        ("COMMITTEE_SIZE", 1, {"committee_size": 9}),
        ("AUDIT_RATE", 1, {"audit_rate_bps": 999}),
        ("AUDIT_RATE", 1, {"audit_rate_bps": 10_001}),
        ("AUDIT_FEE_TOO_LOW", 1, {"audit_fee": Fri(0)}),
        ("AUDIT_FEE_TOO_HIGH", 1, {"audit_fee": Fri(11)}),
        ("WORKER_BOND_TOO_LOW", 1, {"worker_bond": Fri(99)}),
        ("WORKER_BOND_TOO_LOW", 1, {"audit_rate_bps": 3_000, "worker_bond": Fri(2_333)}),
        ("LEASE", 1, {"lease_seconds": 9}),
        ("LEASE", 1, {"lease_seconds": 10_001}),
        ("WINDOW", 1, {"commit_blocks": 1}),
        ("WINDOW", 1, {"reveal_blocks": 21}),
        ("WINDOW", 1, {"appeal_blocks": 1}),
        ("DEADLINE", 1, {"deadline": now + 599}),
        ("DEADLINE", 1, {"deadline": now + 200_000}),
    ]
    for reason, tasks, changes in wrong:
        with refused(reason):
            world.create(tasks, **changes)
    with refused("MANIFEST_ZERO"):
        world.as_("requester").create_job(Cid(Codec.RAW, bytes(32)), 1, world.terms())
    with refused("WALLET_TOO_LOW"):
        world.create(1, reward=Fri(2**96 - 1))
    assert (world.wallet("requester"), world.reader.job_count(), world.escrow()) == (wallet, 0, 0)
    world.create(1, audit_rate_bps=3_000, worker_bond=Fri(2_334))  # the least that is enough


def test_jobs_and_tasks_that_do_not_exist_are_named_so(world: World) -> None:
    for job_id in (0, 1, 2**64):
        with pytest.raises(InputError) as caught:
            world.reader.job(job_id)
        assert caught.value.code == "job.unknown"
    with pytest.raises(InputError):
        world.reader.tasks(1)
    with refused("JOB_UNKNOWN"):
        world.as_("worker").claim(1, [0])
    job = world.create(2)
    with refused("TASK_UNKNOWN"):
        world.reader.task(job, 2)
    with refused("TASK_UNKNOWN"):
        world.as_("worker").release(job, [2])
    with refused("BATCH_SIZE"):
        world.as_("worker").release(job, [])
    with refused("BATCH_SIZE"):
        world.as_("worker").release(job, [0] * 65)


# --- claims ---


def test_a_claim_locks_a_bond_per_task_and_starts_a_lease(seated: World) -> None:
    job = seated.create(3)
    before = seated.reader.head()
    receipt = seated.as_("worker").claim(job, [0, 2])
    after = seated.reader.head()
    balances = seated.reader.balances(seated.address("worker"))
    assert (balances.withdrawable, balances.worker_bonds) == (Fri(DEPOSIT - 2 * BOND), Fri(2 * BOND))
    first, second, third = seated.reader.tasks(job)
    assert (first.state, second.state, third.state) == (
        TaskState.CLAIMED,
        TaskState.OPEN,
        TaskState.CLAIMED,
    )
    assert (third.worker, third.attempt, third.claim_block) == (seated.address("worker"), 0, receipt.block)
    assert before.timestamp <= third.lease_until - 600 <= after.timestamp
    assert second.worker is None
    seated.check_money()


def test_a_live_claim_cannot_be_claimed_over_by_anyone(seated: World) -> None:
    seated.with_deposits("other_worker")
    job = seated.create(2)
    with refused("TASK_NOT_OPEN"):
        seated.as_("worker").claim(job, [0, 0])
    seated.as_("worker").claim(job, [0])
    for who in ("worker", "other_worker"):
        with refused("TASK_NOT_OPEN"):
            seated.as_(who).claim(job, [1, 0])
    assert seated.task(job, 1).state is TaskState.OPEN


def test_a_claim_needs_its_bond_in_the_balance(seated: World) -> None:
    job = seated.create()
    with refused("BALANCE_TOO_LOW"):
        seated.as_("pauper").claim(job, [0])


def test_a_claim_needs_seats_for_a_committee_and_an_appeal_besides_the_parties_own(world: World) -> None:
    world.with_seats({"verifier_a": 1, "verifier_b": 3, "requester": 1}).with_deposits("worker")
    assert world.reader.active_seats() == 5
    job = world.create(2, committee_size=1)
    with refused("TOO_FEW_SEATS"):
        world.as_("verifier_a").claim(job, [0])
    world.as_("worker").claim(job, [0])
    world.as_("verifier_b").leave_seat(1)
    assert world.reader.active_seats() == 4
    with refused("TOO_FEW_SEATS"):
        world.as_("worker").claim(job, [1])


def test_no_lease_ends_after_the_deadline(seated: World) -> None:
    job = seated.create(2, deadline=seated.reader.head().timestamp + 1_000)
    seated.as_("worker").claim(job, [0])
    seated.chain.pass_seconds(401)
    with refused("DEADLINE_TOO_NEAR"):
        seated.as_("worker").claim(job, [1])


def test_giving_back_costs_a_share_of_the_bond_and_opens_the_task_again(seated: World) -> None:
    job = seated.create()
    with refused("TASK_NOT_CLAIMED"):
        seated.as_("worker").give_back(job, [0])
    seated.as_("worker").claim(job, [0])
    with refused("NOT_CLAIMANT"):
        seated.as_("passer_by").give_back(job, [0])
    seated.as_("worker").give_back(job, [0])
    task = seated.task(job)
    assert (task.state, task.attempt, task.failures) == (TaskState.OPEN, 1, 0)
    assert (task.worker, task.claim_block, task.lease_until) == (None, 0, 0)
    assert (seated.purse("worker"), seated.forfeited()) == (DEPOSIT - LAPSE, LAPSE)
    seated.check_money()


def test_a_lapsed_claim_is_released_by_anyone_once_and_takes_no_result(seated: World) -> None:
    job = seated.create(2)
    seated.as_("worker").claim(job, [0, 1])
    with refused("TASK_NOT_LAPSED"):
        seated.as_("passer_by").release(job, [0])
    seated.chain.pass_seconds(600)
    assert seated.task(job).state is TaskState.LAPSED
    with refused("LEASE_OVER"):
        seated.submit(job, 0)
    with refused("TASK_NOT_CLAIMED"):
        seated.as_("worker").give_back(job, [0])
    seated.as_("passer_by").release(job, [0])
    with refused("TASK_NOT_LAPSED"):
        seated.as_("passer_by").release(job, [0])
    assert (seated.task(job).state, seated.task(job, 1).state) == (TaskState.OPEN, TaskState.LAPSED)
    assert (seated.purse("worker"), seated.forfeited()) == (DEPOSIT - BOND - LAPSE, LAPSE)
    seated.check_money()


def test_claiming_over_a_lapsed_claim_settles_the_old_one(seated: World) -> None:
    seated.with_deposits("other_worker")
    job = seated.create()
    seated.as_("worker").claim(job, [0])
    seated.chain.pass_seconds(600)
    seated.as_("other_worker").claim(job, [0])
    task = seated.task(job)
    assert (task.state, task.attempt, task.worker) == (
        TaskState.CLAIMED,
        1,
        seated.address("other_worker"),
    )
    assert seated.purse("worker") == DEPOSIT - LAPSE
    assert seated.purse("other_worker") == DEPOSIT - BOND
    seated.check_money()


# --- submissions ---


def test_only_the_claimant_submits_once_and_irrevocably(seated: World) -> None:
    job = seated.create()
    with refused("TASK_NOT_CLAIMED"):
        seated.submit(job, 0)
    seated.as_("worker").claim(job, [0])
    with refused("NOT_CLAIMANT"):
        seated.submit(job, 0, who="passer_by")
    receipt = seated.submit(job, 0)
    task = seated.task(job)
    assert (task.state, task.result) == (TaskState.SUBMITTED, RESULT)
    assert (task.submit_block, task.seed_block) == (receipt.block, receipt.block + 1)
    with refused("TASK_NOT_CLAIMED"):
        seated.submit(job, 0)
    with refused("TASK_NOT_CLAIMED"):
        seated.as_("worker").give_back(job, [0])
    seated.chain.pass_seconds(10_000)
    assert seated.task(job).state in (TaskState.SUBMITTED, TaskState.DRAWABLE)  # no lease binds it now


def test_several_results_go_into_one_call(seated: World) -> None:
    other = Cid(Codec.RAW, bytes(31) + b"\x05")
    job = seated.create(3)
    seated.as_("worker").claim(job, [0, 1, 2])
    seated.as_("worker").submit(job, [TaskResult(2, other), TaskResult(0, RESULT)])
    states = [(task.state, task.result) for task in seated.reader.tasks(job)]
    assert states == [
        (TaskState.SUBMITTED, RESULT),
        (TaskState.CLAIMED, None),
        (TaskState.SUBMITTED, other),
    ]


# --- the draw ---


def test_drawing_too_early_is_refused_and_drawing_late_works(seated: World) -> None:
    job = seated.create()
    with refused("TASK_NOT_DRAWABLE"):
        seated.as_("passer_by").draw(job, [0])
    seated.as_("worker").claim(job, [0])
    seated.submit(job, 0)
    seed_block = seated.task(job).seed_block
    seated.pass_until(seed_block + 8)  # a node may answer as of the block to come
    with refused("SEED_TOO_YOUNG"):
        seated.as_("passer_by").draw(job, [0])
    seated.pass_until(seed_block + 10)
    assert seated.task(job).state is TaskState.DRAWABLE
    seated.chain.pass_blocks(30)
    receipt = seated.as_("passer_by").draw(job, [0])
    task = seated.task(job)
    assert (task.state, task.seed_block) == (TaskState.COMMITTING, seed_block)
    assert task.window_ends_block == receipt.block + 12
    with refused("TASK_NOT_DRAWABLE"):
        seated.as_("passer_by").draw(job, [0])


def test_anyone_can_draw_again_what_was_drawn(world: World) -> None:
    world.with_seats({"verifier_a": 4, "requester": 2, "verifier_b": 6, "worker": 2})
    job = world.drawn()
    task = world.task(job)
    assert task.result is not None
    seed = audit_seed(world.round_id(job), task.result, world.reader.block_hash(task.seed_block))
    assert task.audit_seed == seed
    mine = (world.address("requester"), world.address("worker"))
    assert task.seats == draw_committee(seed, 3, 14, lambda slot: world.reader.seat(slot).owner not in mine)
    assert {"verifier_a", "verifier_b"} >= set(world.sitters(job))
    assert (task.committed, task.revealed) == ((False,) * 3, (None,) * 3)


def test_a_seat_taken_after_the_claim_is_never_drawn(seated: World) -> None:
    job = seated.create()
    seated.as_("worker").claim(job, [0])
    seated.with_seats({"verifier_b": 8})
    seated.submit(job, 0)
    seated.draw(job, 0)
    assert max(seated.task(job).seats) < SEATED
    assert seated.sitters(job) == ["verifier_a"] * 3


def test_at_a_low_rate_the_seed_decides_who_is_audited_and_the_others_are_paid(seated: World) -> None:
    job = seated.create(10, audit_rate_bps=1_000, worker_bond=Fri(9_000), reward=Fri(REWARD))
    seated.with_deposits("worker")
    tasks = range(10)
    seated.as_("worker").claim(job, tasks)
    seated.submit(job, *tasks)
    seated.draw(job, *tasks)
    drawn = seated.reader.tasks(job)
    for task in drawn:
        assert task.audit_seed is not None
        audited = is_audited(task.audit_seed, 1_000)
        assert len(task.seats) == (3 if audited else 0)
        assert task.state is (TaskState.COMMITTING if audited else TaskState.PROVISIONAL)
        assert task.outcome is (Outcome.UNDECIDED if audited else Outcome.NOT_DRAWN)
    spared = next(task.task for task in drawn if not task.seats)
    before = seated.purse("worker")
    seated.settle(job, spared)
    paid = seated.task(job, spared)
    assert (paid.state, paid.outcome) == (TaskState.PAID, Outcome.NOT_DRAWN)
    assert seated.purse("worker") == before + REWARD + 9_000
    assert seated.purse("requester") == 3 * FEE


# --- verdicts ---


def test_verdicts_are_sealed_by_all_before_any_is_opened_and_only_by_the_drawn(world: World) -> None:
    world.with_seats({"verifier_a": 5, "verifier_b": 5}).with_deposits("worker")
    job = world.drawn()
    of, sitters = world.round_id(job), world.sitters(job)
    ballots = [ballot(place, ACCEPT) for place in range(3)]
    first = world.as_(sitters[0])
    other = world.as_("verifier_b" if sitters[0] == "verifier_a" else "verifier_a")
    for stranger in (world.as_("passer_by"), other):
        with refused("NOT_YOUR_SEAT"):
            stranger.commit(job, [seal(of, ballots[0])])
    with refused("NOT_YOUR_SEAT"):
        first.commit(job, [seal(of, ballot(3, ACCEPT))])
    first.commit(job, [seal(of, ballots[0])])
    with refused("ALREADY_COMMITTED"):
        first.commit(job, [seal(of, ballot(0, REJECT))])
    with refused("NOT_REVEALING"):
        first.reveal(job, [ballots[0]])
    for place in (1, 2):
        world.as_(sitters[place]).commit(job, [seal(of, ballots[place])])
    task = world.task(job)
    assert (task.state, task.committed) == (TaskState.REVEALING, (True, True, True))
    assert task.revealed == (None, None, None)
    with refused("NOT_COMMITTING"):
        first.commit(job, [seal(of, ballots[0])])
    with refused("NOT_YOUR_SEAT"):
        other.reveal(job, [ballots[0]])
    first.reveal(job, [ballots[0]])
    with refused("ALREADY_REVEALED"):
        first.reveal(job, [ballots[0]])
    assert world.task(job).revealed == (ACCEPT, None, None)


def test_a_verdict_opens_only_as_it_was_sealed(seated: World) -> None:
    job = seated.drawn()
    of, said = seated.round_id(job), ballot(0, REJECT)
    verifier = seated.as_("verifier_a")
    sealed = [seal(of, said), seal(of, replace(ballot(1, ACCEPT), index=1))]
    verifier.commit(job, [*sealed, seal(of, replace(ballot(2, REJECT), ground=Ground.NONE, index=0))])
    for other in (
        replace(said, verdict=ACCEPT, ground=Ground.NONE, index=0),
        replace(said, ground=Ground.MISSING),
        replace(said, index=4),
        replace(said, evidence=RESULT),
        replace(said, salt=said.salt + 1),
    ):
        with refused("COMMITMENT_MISMATCH"):
            verifier.reveal(job, [other])
    for nonsense in (
        replace(ballot(1, ACCEPT), index=1),
        replace(ballot(2, REJECT), ground=Ground.NONE, index=0),
    ):
        with refused("BAD_GROUND"):
            verifier.reveal(job, [nonsense])
    verifier.reveal(job, [said])
    assert seated.task(job).revealed == (REJECT, None, None)


def test_a_window_that_has_passed_is_closed_to_commits_and_to_reveals(seated: World) -> None:
    job = seated.drawn()
    of, verifier = seated.round_id(job), seated.as_("verifier_a")
    verifier.commit(job, [seal(of, ballot(place, ACCEPT)) for place in (0, 1)])
    seated.pass_until(seated.task(job).window_ends_block)
    assert seated.task(job).state is TaskState.REVEALING
    with refused("NOT_COMMITTING"):
        verifier.commit(job, [seal(of, ballot(2, ACCEPT))])
    with refused("NOT_COMMITTED"):
        verifier.reveal(job, [ballot(2, ACCEPT)])
    verifier.reveal(job, [ballot(0, ACCEPT)])
    seated.pass_until(seated.task(job).window_ends_block)
    with refused("NOT_REVEALING"):
        verifier.reveal(job, [ballot(1, ACCEPT)])


# --- who pays whom ---


def test_an_honest_job_pays_worker_and_seats_and_returns_the_rest(seated: World) -> None:
    job = seated.create()
    seated.run(job, (ACCEPT, ACCEPT, ACCEPT))
    task = seated.task(job)
    assert (task.state, task.outcome, task.worker) == (
        TaskState.PAID,
        Outcome.ACCEPTED,
        seated.address("worker"),
    )
    assert task.result == RESULT
    assert seated.purse("worker") == DEPOSIT + REWARD
    assert seated.purse("verifier_a") == DEPOSIT - SEATED * SEAT_BOND + 3 * FEE
    assert (seated.purse("requester"), seated.escrow(), seated.forfeited()) == (0, 0, 0)
    assert seated.reader.job(job).paid == 1


def test_nothing_is_paid_before_the_appeal_window_has_passed_nor_twice(seated: World) -> None:
    job = seated.drawn()
    anyone = seated.as_("passer_by")
    with refused("TASK_NOT_SETTLEABLE"):
        anyone.settle(job, [0])
    seated.vote(job, (ACCEPT, ACCEPT, ACCEPT))
    provisional = seated.task(job)
    assert (provisional.state, provisional.outcome) == (TaskState.PROVISIONAL, Outcome.ACCEPTED)
    with refused("TASK_NOT_SETTLEABLE"):
        anyone.settle(job, [0])
    seated.pass_until(provisional.window_ends_block)
    with refused("TASK_NOT_SETTLEABLE"):
        anyone.settle(job, [0, 0])
    anyone.settle(job, [0])
    with refused("TASK_NOT_SETTLEABLE"):
        anyone.settle(job, [0])
    assert seated.purse("worker") == DEPOSIT + REWARD


def test_a_majority_accepts_and_a_dissenting_reject_earns_and_loses_nothing(seated: World) -> None:
    job = seated.create()
    seated.run(job, (ACCEPT, REJECT, ACCEPT))
    assert seated.purse("worker") == DEPOSIT + REWARD
    assert seated.purse("verifier_a") == DEPOSIT - SEATED * SEAT_BOND + 2 * FEE
    assert [seated.seat_bond(slot) for slot in range(SEATED)] == [SEAT_BOND] * SEATED
    assert seated.purse("requester") == FEE


def test_a_reject_takes_the_bond_opens_the_task_again_and_slashes_who_accepted(seated: World) -> None:
    job = seated.create()
    seated.as_("worker").claim(job, [0])
    seated.submit(job, 0)
    seated.draw(job, 0)
    liar = seated.task(job).seats[2]
    seated.vote(job, (REJECT, REJECT, ACCEPT))
    seated.settle(job)
    task = seated.task(job)
    assert (task.state, task.attempt, task.failures) == (TaskState.OPEN, 1, 1)
    assert (task.outcome, task.worker, task.result) == (Outcome.UNDECIDED, None, None)
    assert (task.seats, task.audit_seed, task.submit_block, task.seed_block) == ((), None, 0, 0)
    assert seated.purse("worker") == DEPOSIT - BOND
    assert seated.seat_bond(liar) == SEAT_BOND - 4 * FEE
    assert seated.reader.seat(liar).leaving_block is not None
    assert seated.reader.active_seats() == SEATED - 1
    assert seated.purse("verifier_a") == DEPOSIT - SEATED * SEAT_BOND + 2 * FEE
    assert seated.forfeited() == BOND - 2 * FEE + 4 * FEE
    assert seated.escrow() == ESCROW  # waits for the next attempt


def test_a_task_that_was_rejected_is_rendered_again_and_paid_in_full(seated: World) -> None:
    seated.with_deposits("other_worker")
    job = seated.create()
    seated.run(job, (REJECT, REJECT, REJECT))
    seated.as_("other_worker").claim(job, [0])
    seated.submit(job, 0, who="other_worker")
    seated.draw(job, 0)
    seated.vote(job, (ACCEPT, ACCEPT, ACCEPT))
    seated.settle(job)
    assert seated.purse("other_worker") == DEPOSIT + REWARD
    assert (seated.purse("worker"), seated.escrow()) == (DEPOSIT - BOND, 0)


def test_the_third_reject_closes_the_task_and_refunds_it(seated: World) -> None:
    job = seated.create()
    for _ in range(3):
        assert seated.task(job).state is TaskState.OPEN
        seated.run(job, (REJECT, REJECT, REJECT))
    task = seated.task(job)
    assert (task.state, task.outcome, task.failures) == (TaskState.CLOSED, Outcome.REJECTED, 3)
    assert (seated.purse("requester"), seated.purse("worker")) == (ESCROW, DEPOSIT - 3 * BOND)
    assert seated.reader.job(job).refunded == 1
    with refused("TASK_NOT_OPEN"):
        seated.as_("worker").claim(job, [0])


def test_a_silent_and_an_unrevealed_seat_are_slashed(seated: World) -> None:
    seated.with_seats({"verifier_b": 6})
    job = seated.drawn(committee_size=5, worker_bond=Fri(160))
    of, seats, sitters = seated.round_id(job), seated.task(job).seats, seated.sitters(job)
    for place in range(4):
        seated.as_(sitters[place]).commit(job, [seal(of, ballot(place, ACCEPT))])
    seated.pass_until(seated.task(job).window_ends_block)
    for place in range(3):
        seated.as_(sitters[place]).reveal(job, [ballot(place, ACCEPT)])
    seated.pass_until(seated.task(job).window_ends_block)
    seated.settle(job)
    assert [seated.seat_bond(slot) for slot in seats] == [
        *[SEAT_BOND] * 3,
        SEAT_BOND - 4 * FEE,
        SEAT_BOND - FEE,
    ]
    assert (seated.forfeited(), seated.purse("requester")) == (5 * FEE, 2 * FEE)


def test_a_withheld_result_is_unavailable_and_nobody_is_slashed_for_accepting(seated: World) -> None:
    job = seated.create()
    seated.run(job, (ACCEPT, UNAVAILABLE, UNAVAILABLE))
    task = seated.task(job)
    assert (task.state, task.failures, seated.purse("worker")) == (TaskState.OPEN, 1, DEPOSIT - BOND)
    assert [seated.seat_bond(slot) for slot in range(SEATED)] == [SEAT_BOND] * SEATED
    assert (seated.forfeited(), seated.escrow()) == (BOND - 2 * FEE, ESCROW)


def test_a_round_without_majority_is_drawn_again_among_others_and_its_penalties_carried_out(
    seated: World,
) -> None:
    job = seated.drawn()
    of, seats, verifier = seated.round_id(job), seated.task(job).seats, seated.as_("verifier_a")
    verifier.commit(job, [seal(of, ballot(0, ACCEPT)), seal(of, ballot(1, ACCEPT))])
    seated.pass_until(seated.task(job).window_ends_block)
    verifier.reveal(job, [ballot(0, ACCEPT)])
    end = seated.task(job).window_ends_block
    seated.pass_until(end)
    waiting = seated.task(job)
    assert (waiting.state, waiting.round, waiting.seed_block) == (TaskState.SUBMITTED, 1, end + 1)
    assert (waiting.seats, waiting.audit_seed) == ((), None)
    with refused("SEED_TOO_YOUNG"):
        seated.as_("passer_by").draw(job, [0])
    with refused("TASK_NOT_SETTLEABLE"):
        seated.as_("passer_by").settle(job, [0])
    seated.draw(job, 0)
    assert [seated.seat_bond(slot) for slot in seats] == [SEAT_BOND, SEAT_BOND - 4 * FEE, SEAT_BOND - FEE]
    assert seated.forfeited() == 5 * FEE
    # Nobody of the first committee sits again, and here there is nobody else.
    empty = seated.task(job)
    assert (empty.state, empty.round) == (TaskState.SUBMITTED, 2)


def test_a_second_committee_decides_as_the_first_would_have(crowd: World) -> None:
    job = crowd.drawn(committee_size=1)
    [first] = crowd.sitters(job)
    crowd.vote(job, (INCONCLUSIVE,))
    crowd.draw(job, 0)
    [second] = crowd.sitters(job)
    assert second != first
    crowd.vote(job, (ACCEPT,))
    crowd.settle(job)
    task = crowd.task(job)
    assert (task.state, task.outcome, task.round) == (TaskState.PAID, Outcome.ACCEPTED, 1)
    assert crowd.purse(second) == DEPOSIT - 2 * SEAT_BOND + FEE
    assert (crowd.purse(first), crowd.forfeited()) == (DEPOSIT - 2 * SEAT_BOND, 0)


def test_rejects_that_name_different_tiles_are_no_majority(seated: World) -> None:
    job = seated.drawn()
    of, verifier = seated.round_id(job), seated.as_("verifier_a")
    said = [ballot(0, REJECT), ballot(1, REJECT, tile=4), ballot(2, ACCEPT)]
    verifier.commit(job, [seal(of, each) for each in said])
    verifier.reveal(job, said)
    task = seated.task(job)
    assert (task.state, task.round) == (TaskState.SUBMITTED, 1)


def test_a_majority_for_one_tile_is_paid_and_who_named_another_is_not(seated: World) -> None:
    job = seated.drawn()
    of, verifier = seated.round_id(job), seated.as_("verifier_a")
    said = [ballot(0, REJECT, tile=4), ballot(1, REJECT), ballot(2, REJECT, tile=4)]
    verifier.commit(job, [seal(of, each) for each in said])
    verifier.reveal(job, said)
    task = seated.task(job)
    assert (task.outcome, task.ground, task.index) == (Outcome.REJECTED, Ground.TILE, 4)
    seated.settle(job)
    assert seated.purse("verifier_a") == DEPOSIT - SEATED * SEAT_BOND + 2 * FEE
    assert seated.forfeited() == BOND - 2 * FEE


def test_three_rounds_without_majority_close_the_task_without_verdict(crowd: World) -> None:
    job = crowd.drawn(committee_size=1)
    for round_ in range(3):
        assert crowd.task(job).round == round_
        crowd.vote(job, (INCONCLUSIVE,))
        if round_ < 2:
            crowd.draw(job, 0)
    crowd.settle(job)
    task = crowd.task(job)
    assert (task.state, task.outcome) == (TaskState.CLOSED, Outcome.NO_VERDICT)
    assert (crowd.purse("worker"), crowd.purse("requester")) == (DEPOSIT, DEPOSIT + REWARD)
    assert (crowd.forfeited(), crowd.escrow()) == (FEE, 0)
    assert [crowd.seat_bond(slot) for slot in range(8)] == [SEAT_BOND] * 8


def test_a_sealed_verdict_is_taken_only_for_its_own_attempt_and_round(crowd: World) -> None:
    job = crowd.drawn(committee_size=1)
    [sitter] = crowd.sitters(job)
    sealed = seal(crowd.round_id(job), ballot(0, ACCEPT))
    for other in (replace(sealed, round=1), replace(sealed, attempt=1)):
        with refused("WRONG_ROUND"):
            crowd.as_(sitter).commit(job, [other])
    crowd.as_(sitter).commit(job, [sealed])


# --- the requester's brakes ---


def test_a_pause_stops_new_claims_only(seated: World) -> None:
    job = seated.create(2)
    requester, worker = seated.as_("requester"), seated.as_("worker")
    worker.claim(job, [0])
    with refused("NOT_REQUESTER"):
        worker.pause_job(job)
    with refused("JOB_NOT_PAUSED"):
        requester.resume_job(job)
    requester.pause_job(job)
    assert seated.reader.job(job).paused
    with refused("JOB_PAUSED"):
        requester.pause_job(job)
    with refused("JOB_PAUSED"):
        worker.claim(job, [1])
    seated.submit(job, 0)
    requester.resume_job(job)
    assert not seated.reader.job(job).paused
    worker.claim(job, [1])


def test_closing_refunds_open_and_lapsed_tasks_and_lets_submitted_ones_run_to_their_end(
    seated: World,
) -> None:
    job = seated.create(4)
    requester, worker = seated.as_("requester"), seated.as_("worker")
    worker.claim(job, [1, 2])
    seated.submit(job, 2)
    seated.chain.pass_seconds(600)
    worker.claim(job, [3])
    with refused("NOT_REQUESTER"):
        worker.close_job(job)
    requester.close_job(job)
    assert seated.reader.job(job).closed
    states = [task.state for task in seated.reader.tasks(job)]
    assert states[:2] == [TaskState.CLOSED] * 2
    assert states[2] in (TaskState.SUBMITTED, TaskState.DRAWABLE)
    assert states[3] is TaskState.CLAIMED
    assert (seated.purse("requester"), seated.reader.job(job).refunded) == (2 * ESCROW, 2)
    assert seated.forfeited() == LAPSE
    with refused("JOB_CLOSED"):
        worker.claim(job, [0])
    with refused("JOB_CLOSED"):
        requester.pause_job(job)
    worker.give_back(job, [3])
    with refused("TASK_NOT_OPEN"):
        seated.as_("passer_by").close_tasks(job, [2])
    seated.as_("passer_by").close_tasks(job, [3])
    seated.draw(job, 2)
    seated.vote(job, (ACCEPT, ACCEPT, ACCEPT), task=2)
    seated.settle(job, 2)
    ended = seated.reader.job(job)
    assert (ended.paid, ended.refunded, seated.escrow()) == (1, 3, 0)


def test_after_the_deadline_anyone_closes_what_is_open(seated: World) -> None:
    job = seated.create(2, deadline=seated.reader.head().timestamp + 1_000)
    with refused("JOB_STILL_OPEN"):
        seated.as_("requester").close_tasks(job, [0])
    seated.as_("worker").claim(job, [1])
    seated.chain.pass_seconds(1_000)
    seated.as_("passer_by").close_tasks(job, [0, 1])
    assert seated.purse("requester") == 2 * ESCROW
    assert seated.purse("worker") == DEPOSIT - LAPSE
    seated.check_money()


def test_a_large_job_is_read_and_swept_in_pages(world: World) -> None:
    job = world.create(70)
    tasks = world.reader.tasks(job)
    assert [task.task for task in tasks] == list(range(70))
    world.as_("requester").close_job(job)
    assert world.reader.job(job).refunded == 64
    world.as_("requester").close_job(job)
    assert world.reader.job(job).refunded == 70
    assert {task.state for task in world.reader.tasks(job)} == {TaskState.CLOSED}
    assert (world.purse("requester"), world.escrow()) == (70 * ESCROW, 0)


# --- money and seats ---


def test_what_is_deposited_can_be_withdrawn_to_the_last_unit(world: World) -> None:
    worker, before = world.as_("worker"), world.wallet("worker")
    with refused("AMOUNT_ZERO"):
        worker.deposit(Fri(0))
    with refused("WALLET_TOO_LOW"):
        worker.deposit(Fri(10**30))
    put = worker.deposit(Fri(777))
    assert (world.purse("worker"), world.wallet("worker")) == (777, before - 777 - put.fee.units)
    for amount, reason in ((778, "BALANCE_TOO_LOW"), (0, "AMOUNT_ZERO")):
        with refused(reason):
            worker.withdraw(Fri(amount))
    with refused("BALANCE_TOO_LOW"):
        world.as_("pauper").withdraw(Fri(1))
    took = worker.withdraw(Fri(777))
    assert world.purse("worker") == 0
    assert world.wallet("worker") == before - put.fee.units - took.fee.units
    world.check_money()


def test_a_seat_locks_its_bond_and_is_left_slowly_and_collected_once(world: World) -> None:
    owner = world.as_("verifier_a")
    with refused("BALANCE_TOO_LOW"):
        owner.take_seat()
    owner.deposit(Fri(DEPOSIT))
    assert owner.take_seat()[0] == 0
    slot, receipt = owner.take_seat()
    bond, me = BOUNDS.seat_bond, world.address("verifier_a")
    assert world.reader.seats_of(me)[1] == Seat(1, me, bond, receipt.block, None, False)
    assert slot == 1
    balances = world.reader.balances(me)
    assert (balances.withdrawable.units, balances.seat_bonds) == (DEPOSIT - 2 * SEAT_BOND, bond * 2)
    for act in (owner.leave_seat, owner.collect_seat, world.reader.seat):
        with refused("SEAT_UNKNOWN"):
            act(2)
    for stranger in (world.as_("passer_by").leave_seat, world.as_("passer_by").collect_seat):
        with refused("NOT_SEAT_OWNER"):
            stranger(0)
    with refused("SEAT_NOT_LEAVING"):
        owner.collect_seat(1)
    left = owner.leave_seat(1)
    assert world.reader.active_seats() == 1
    with refused("SEAT_LEAVING"):
        owner.leave_seat(1)
    world.pass_until(left.block + BOUNDS.seat_exit_blocks - 2)
    with refused("SEAT_EXIT_RUNNING"):
        owner.collect_seat(1)
    world.chain.pass_blocks(2)
    owner.collect_seat(1)
    with refused("SEAT_COLLECTED"):
        owner.collect_seat(1)
    assert world.reader.seat(1) == Seat(1, me, Fri(0), receipt.block, left.block, True)
    assert world.purse("verifier_a") == DEPOSIT - SEAT_BOND
    assert world.reader.seats_of(world.address("pauper")) == ()
    world.check_money()


def test_an_empty_committee_never_blocks_the_money(world: World) -> None:
    world.with_seats({"verifier_a": 4}).with_deposits("worker")
    job = world.create(committee_size=1)
    world.as_("worker").claim(job, [0])
    world.submit(job, 0)
    world.empty_seats("verifier_a")
    for round_ in range(3):
        world.draw(job, 0)
        if round_ < 2:
            assert (world.task(job).state, world.task(job).round) == (TaskState.SUBMITTED, round_ + 1)
    assert world.task(job).seats == (NO_SEAT,)
    world.settle(job)
    assert (world.task(job).outcome, world.forfeited()) == (Outcome.NO_VERDICT, FEE)
    assert (world.purse("worker"), world.purse("requester")) == (DEPOSIT, REWARD)


def test_a_collected_slot_is_handed_on_and_its_new_owner_answers_for_nothing_old(crowd: World) -> None:
    """The round is settled so late that its silent seat has left and its slot is somebody else's."""
    job = crowd.drawn(committee_size=1)
    [slot], [silent] = crowd.task(job).seats, crowd.sitters(job)
    crowd.vote(job, (None,))
    crowd.empty_seats(silent)
    assert slot not in [seat.slot for seat in crowd.reader.seats_of(crowd.address(silent))]
    assert crowd.reader.seat(slot).collected
    passer_by = crowd.as_("passer_by")
    passer_by.deposit(Fri(DEPOSIT))
    taken = [passer_by.take_seat()[0] for _ in range(3)]
    assert slot in taken[:2]
    assert taken[2] == 8  # no free slot is left: a new one
    held = crowd.reader.seats_of(passer_by.account())
    assert sorted(seat.slot for seat in held) == sorted(taken)
    assert crowd.reader.seat(slot) == next(seat for seat in held if seat.slot == slot)
    crowd.draw(job, 0)
    assert (crowd.seat_bond(slot), crowd.forfeited()) == (SEAT_BOND, 0)
    assert crowd.purse(silent) == DEPOSIT
    crowd.check_money()


def test_in_the_end_everybody_takes_everything_out_but_for_what_is_forfeited(seated: World) -> None:
    job = seated.create(3)
    seated.run(job, (ACCEPT, ACCEPT, ACCEPT), task=0)
    seated.run(job, (REJECT, REJECT, ACCEPT), task=1)
    seated.as_("requester").close_job(job)
    seated.empty_seats("verifier_a")
    for who in CAST:
        if seated.purse(who):
            seated.as_(who).withdraw(Fri(seated.purse(who)))
    totals = seated.reader.totals()
    assert (totals.escrow, totals.bonds, totals.withdrawable) == (Fri(0), Fri(0), Fri(0))
    assert totals.forfeited.units == BOND - 2 * FEE + 4 * FEE
    assert seated.reader.balances(seated.reader.contract()).wallet == totals.forfeited


# --- blocks and events ---


def test_the_head_names_the_newest_block_and_blocks_to_come_have_no_hash(world: World) -> None:
    head = world.reader.head()
    assert world.reader.block_hash(head.block) == head.block_hash
    with pytest.raises(ServiceError) as caught:
        world.reader.block_hash(head.block + 1_000)
    assert caught.value.code == "ledger.block_unknown"
    world.chain.pass_blocks(2)
    later = world.reader.head()
    assert (later.block, later.block_hash != head.block_hash) == (head.block + 2, True)
    world.chain.pass_seconds(1_000)
    assert world.reader.head().timestamp >= later.timestamp + 1_000
    assert world.reader.bounds() == world.chain.bounds


def test_every_step_of_a_job_is_told_by_an_event_in_order(seated: World) -> None:
    start = seated.block() + 1
    terms = seated.terms()
    requester, worker = seated.as_("requester"), seated.as_("worker")
    me, boss, judge = worker.account(), requester.account(), seated.address("verifier_a")
    job, created = requester.create_job(MANIFEST, 2, terms)
    paused, resumed = requester.pause_job(job), requester.resume_job(job)
    claimed = worker.claim(job, [0, 1])
    lease = seated.task(job).lease_until
    back = worker.give_back(job, [1])
    again = worker.claim(job, [1])
    second_lease = seated.task(job, 1).lease_until
    sent = seated.submit(job, 0)
    drawn = seated.draw(job, 0)
    task, of = seated.task(job), seated.round_id(job)
    says = [ballot(0, REJECT), ballot(1, REJECT), ballot(2, ACCEPT)]
    sealed = seated.as_("verifier_a").commit(job, [seal(of, each) for each in says])
    opened = seated.as_("verifier_a").reveal(job, says)
    settled = seated.settle(job)
    seated.chain.pass_seconds(600)
    closed = requester.close_job(job)

    def at(receipt: port.Receipt) -> tuple[int, int, int]:
        return receipt.block, receipt.tx_hash, job

    assert task.audit_seed is not None
    expected: list[port.Event] = [
        port.JobCreated(*at(created), boss, MANIFEST, 2, terms),
        port.JobPaused(*at(paused)),
        port.JobResumed(*at(resumed)),
        port.TaskClaimed(*at(claimed), 0, me, 0, lease),
        port.TaskClaimed(*at(claimed), 1, me, 0, lease),
        port.ClaimGivenBack(*at(back), 1, me, Fri(LAPSE)),
        port.TaskClaimed(*at(again), 1, me, 1, second_lease),
        port.ResultSubmitted(*at(sent), 0, me, 0, RESULT, sent.block + 1),
        port.TaskDrawn(*at(drawn), 0, 0, 0, True, task.audit_seed, task.seats),
        *(port.VerdictCommitted(*at(sealed), 0, judge, place) for place in range(3)),
        *(
            port.VerdictRevealed(
                *at(opened), 0, judge, 0, 0, each.seat, each.verdict, each.ground, each.index, EVIDENCE
            )
            for each in says
        ),
        port.SeatSlashed(*at(settled), 0, task.seats[2], Fri(4 * FEE)),
        port.TaskSettled(*at(settled), 0, me, 0, Outcome.REJECTED, Fri(0)),
        port.JobClosed(*at(closed)),
        port.TaskClosed(*at(closed), 0, Fri(ESCROW)),
        port.ClaimLapsed(*at(closed), 1, me, Fri(LAPSE)),
        port.TaskClosed(*at(closed), 1, Fri(ESCROW)),
    ]
    assert list(seated.reader.events(start).events) == expected
    assert list(seated.reader.events(0, job_id=job).events) == expected


def test_a_paid_task_and_a_task_without_verdict_say_what_became_of_the_money(crowd: World) -> None:
    job = crowd.create(2, committee_size=1)
    paid = crowd.run(job, (ACCEPT,))
    crowd.as_("worker").claim(job, [1])
    crowd.submit(job, 1)
    for _ in range(3):
        crowd.draw(job, 1)
        crowd.vote(job, (INCONCLUSIVE,), task=1)
    ended = crowd.settle(job, 1)
    told = crowd.reader.events(paid.block, job_id=job).events
    worker = crowd.address("worker")
    assert told[0] == port.TaskSettled(
        paid.block, paid.tx_hash, job, 0, worker, 0, Outcome.ACCEPTED, Fri(REWARD)
    )
    assert told[-2:] == (
        port.TaskSettled(ended.block, ended.tx_hash, job, 1, worker, 0, Outcome.NO_VERDICT, Fri(0)),
        port.TaskClosed(ended.block, ended.tx_hash, job, 1, Fri(REWARD)),
    )


def test_a_cursor_reads_each_event_once_and_the_same_page_twice(world: World) -> None:
    first = world.create(2)
    page = world.reader.events()
    assert page.cursor == world.block() + 1
    assert [type(event) for event in page.events] == [port.JobCreated]
    assert world.reader.events(page.cursor) == port.EventPage((), page.cursor)
    world.as_("requester").pause_job(first)
    second = world.create(1)
    world.as_("requester").close_job(first)
    news = world.reader.events(page.cursor)
    assert [(type(event), event.job_id) for event in news.events] == [
        (port.JobPaused, first),
        (port.JobCreated, second),
        (port.JobClosed, first),
        (port.TaskClosed, first),
        (port.TaskClosed, first),
    ]
    assert world.reader.events(page.cursor) == news
    only = world.reader.events(page.cursor, job_id=second)
    assert ([event.job_id for event in only.events], only.cursor) == ([second], news.cursor)
    assert world.reader.events(news.cursor) == port.EventPage((), news.cursor)


# --- followers and reorganisations ---


def names(page: port.EventPage) -> list[tuple[str, int]]:
    return [(type(event).__name__, event.job_id) for event in page.events]


def test_a_follower_is_told_each_event_once_and_of_no_reorganisation_where_there_is_none(
    world: World,
) -> None:
    seen: list[port.Event] = []
    cursor, trail = 0, Trail()
    for _ in range(4):
        world.create(2)
        world.chain.pass_blocks(2)
        page = world.reader.events(cursor, trail=trail)
        assert (page.rewound_to, page.cursor, page.trail is None) == (None, world.block() + 1, False)
        assert page.trail is not None
        seen += page.events
        cursor, trail = page.cursor, page.trail
        again = world.reader.events(cursor, trail=trail)
        assert again == port.EventPage((), cursor, trail, None)
    assert tuple(seen) == world.reader.events().events


@pytest.mark.usefixtures("impatient")
def test_a_follower_is_told_which_blocks_are_gone_and_what_stands_in_their_stead(world: World) -> None:
    world.create(1)
    kept = world.create(1)
    page = world.reader.events(trail=Trail())
    lost = world.create(2)
    first_lost = world.block()
    world.as_("requester").pause_job(kept)
    world.chain.pass_blocks(3)
    page = world.reader.events(page.cursor, trail=page.trail)
    assert names(page) == [("JobCreated", lost), ("JobPaused", kept)]

    world.chain.abort_from(first_lost)
    world.as_("requester").pause_job(kept)
    other = world.create(3)
    world.chain.pass_blocks(5)
    news = world.reader.events(page.cursor, trail=page.trail)
    assert (news.rewound_to, other) == (first_lost, lost)
    assert names(news) == [("JobPaused", kept), ("JobCreated", other)]
    assert news.cursor == world.block() + 1
    assert news.events == world.reader.events(first_lost).events
    after = world.reader.events(news.cursor, trail=news.trail)
    assert (after.events, after.rewound_to) == ((), None)


def test_a_reorganisation_without_events_of_ours_takes_nothing_back(world: World) -> None:
    job = world.create(1)
    world.chain.pass_blocks(3)
    page = world.reader.events(trail=Trail())
    world.chain.abort_from(world.block() - 1)
    world.chain.pass_blocks(1)
    world.as_("requester").pause_job(job)
    world.chain.pass_blocks(4)
    news = world.reader.events(page.cursor, trail=page.trail)
    (paused,) = news.events
    assert type(paused) is port.JobPaused
    # what was told before stands; the new event is in a block that was read as another
    assert (news.rewound_to, paused.block) == (page.cursor - 1, page.cursor - 1)


@pytest.mark.usefixtures("impatient")
def test_a_follower_that_was_away_while_the_chain_was_taken_back_by_many_blocks_finds_its_way(
    world: World,
) -> None:
    jobs = [world.create(1) for _ in range(6)]
    page = world.reader.events(trail=Trail())
    born = {event.job_id: event.block for event in page.events}
    world.chain.abort_from(born[jobs[2]])
    again = world.create(5)  # the chain is shorter now than what was read of it
    news = world.reader.events(page.cursor, trail=page.trail)
    assert again == jobs[2]
    assert (news.rewound_to, names(news)) == (born[jobs[2]], [("JobCreated", jobs[2])])
    assert news.cursor == world.block() + 1 < page.cursor
