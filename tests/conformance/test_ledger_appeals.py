"""Appeals: who may raise one about what, who judges it, and who pays whom, on the model and on the real
contract. Committees of one, so that a reject of one seat can be overturned by three."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tileproof.domain.job import (
    NO_SEAT,
    Appeal,
    AppealOutcome,
    Ground,
    Lane,
    Outcome,
    Question,
    TaskAppeal,
    TaskState,
    Verdict,
)
from tileproof.domain.money import Fri
from tileproof.ports import ledger as port

from .ledger_world import (
    BOND,
    DEPOSIT,
    EVIDENCE,
    FEE,
    REWARD,
    SEAT_BOND,
    World,
    ballot,
    refused,
    seal,
)

ACCEPT, REJECT = Verdict.ACCEPT, Verdict.REJECT
INCONCLUSIVE, UNAVAILABLE = Verdict.INCONCLUSIVE, Verdict.UNAVAILABLE
LISTED, NAMED = Question.LISTED_TILE, Question.NAMED_TILE
PICTURE, WHOLE = Question.PICTURE, Question.WHOLE
APPEAL_BOND = 3 * FEE
SEATED = DEPOSIT - 2 * SEAT_BOND
"""What a verifier of the crowd has left beside two seats."""


def provisional(crowd: World, *verdicts: Verdict, tasks: int = 1, **changes: object) -> int:
    """A job whose first task's committee of one has said this."""
    job = crowd.create(tasks, committee_size=1, **changes)
    crowd.as_("worker").claim(job, [0])
    crowd.submit(job, 0)
    crowd.draw(job, 0)
    crowd.vote(job, verdicts)
    assert crowd.task(job).state is TaskState.PROVISIONAL
    return job


def sitting(crowd: World, job: int) -> str:
    [first] = crowd.sitters(job)
    return first


def earned(crowd: World, who: str) -> int:
    return crowd.purse(who) - SEATED


def judge(crowd: World, job: int, verdicts: Sequence[Verdict | None]) -> None:
    """The appeal's committee says this, and the task is settled."""
    crowd.vote(job, verdicts)
    found = crowd.task(job)
    assert found.state is TaskState.SETTLEABLE
    crowd.settle(job)


# --- raising one ---


def test_an_appeal_locks_its_bond_and_is_there_for_all_to_see(crowd: World) -> None:
    job = provisional(crowd, REJECT)
    before = crowd.task(job)
    raised = crowd.as_("worker").appeal(job, [Appeal(0, LISTED, 0, 3)])
    balances = crowd.reader.balances(crowd.address("worker"))
    assert balances.appeal_bonds == Fri(APPEAL_BOND)
    assert balances.withdrawable == Fri(DEPOSIT - BOND - APPEAL_BOND)
    task = crowd.task(job)
    assert (task.state, task.outcome, task.round) == (TaskState.APPEALED, Outcome.REJECTED, 3)
    assert (task.seed_block, task.audit_seed, task.seats) == (raised.block + 1, None, ())
    assert (task.ground, task.index, task.window_ends_block) == (Ground.TILE, 3, 0)
    assert task.appeal == TaskAppeal(
        appellant=crowd.address("worker"),
        against=Outcome.REJECTED,
        question=LISTED,
        position=0,
        tile=3,
        raised_block=raised.block,
        first_round=0,
        first_seed=before.audit_seed,
        first_seats=before.seats,
        first_verdicts=(REJECT,),
    )
    crowd.check_money()


def test_an_appeals_committee_is_larger_and_shares_nobody_with_the_first(crowd: World) -> None:
    job = provisional(crowd, REJECT)
    first = sitting(crowd, job)
    crowd.as_("worker").appeal(job, [Appeal(0, LISTED, 0, 3)])
    with refused("SEED_TOO_YOUNG"):
        crowd.as_("passer_by").draw(job, [0])
    with refused("TASK_NOT_SETTLEABLE"):
        crowd.as_("passer_by").settle(job, [0])
    drawn = crowd.draw(job, 0)
    task = crowd.task(job)
    assert (task.state, task.window_ends_block) == (TaskState.COMMITTING, drawn.block + 12)
    assert len(task.seats) == 3
    assert NO_SEAT not in task.seats
    assert first not in crowd.sitters(job)
    assert task.audit_seed not in (None, task.appeal and task.appeal.first_seed)
    with refused("TASK_NOT_DRAWABLE"):
        crowd.as_("passer_by").draw(job, [0])


def test_only_a_provisional_verdict_can_be_appealed_and_only_once(crowd: World) -> None:
    job = crowd.create(2, committee_size=1)
    worker, ours = crowd.as_("worker"), [Appeal(0, LISTED, 0, 3)]
    for state in ("open", "claimed", "submitted", "committing"):
        with refused("NOT_PROVISIONAL"):
            worker.appeal(job, ours)
        if state == "open":
            worker.claim(job, [0])
        elif state == "claimed":
            crowd.submit(job, 0)
        elif state == "submitted":
            crowd.draw(job, 0)
    crowd.vote(job, (REJECT,))
    with refused("BATCH_SIZE"):
        worker.appeal(job, [])
    with refused("TASK_UNKNOWN"):
        worker.appeal(job, [Appeal(2, LISTED, 0, 3)])
    with refused("JOB_UNKNOWN"):
        worker.appeal(job + 1, ours)
    with refused("NOT_PROVISIONAL"):
        worker.appeal(job, [*ours, *ours])
    worker.appeal(job, ours)
    with refused("NOT_PROVISIONAL"):
        worker.appeal(job, ours)


def test_an_appeal_after_the_window_is_too_late(crowd: World) -> None:
    job = provisional(crowd, REJECT)
    crowd.pass_until(crowd.task(job).window_ends_block)
    with refused("NOT_PROVISIONAL"):
        crowd.as_("worker").appeal(job, [Appeal(0, LISTED, 0, 3)])


@pytest.mark.parametrize(
    ("verdict", "hurt", "pleased", "question"),
    [
        (ACCEPT, "requester", "worker", NAMED),
        (REJECT, "worker", "requester", LISTED),
        (UNAVAILABLE, "worker", "requester", WHOLE),
    ],
)
def test_only_who_is_hurt_may_appeal(
    crowd: World, verdict: Verdict, hurt: str, pleased: str, question: Question
) -> None:
    job = provisional(crowd, verdict)
    ours = [Appeal(0, question, 0, 3 if question is LISTED else 0)]
    for other in (pleased, "passer_by", "pauper"):
        with refused("NOT_APPELLANT"):
            crowd.as_(other).appeal(job, ours)
    crowd.as_(hurt).appeal(job, ours)


def test_nobody_appeals_against_no_verdict(crowd: World) -> None:
    job = crowd.drawn(committee_size=1)
    for _ in range(2):
        crowd.vote(job, (INCONCLUSIVE,))
        crowd.draw(job, 0)
    crowd.vote(job, (INCONCLUSIVE,))
    assert crowd.task(job).outcome is Outcome.NO_VERDICT
    for who in ("worker", "requester"):
        with refused("NOT_APPELLANT"):
            crowd.as_(who).appeal(job, [Appeal(0, WHOLE)])


@pytest.mark.parametrize(
    ("verdict", "who", "asks"),
    [
        (ACCEPT, "requester", [(PICTURE, 0, 0), (WHOLE, 0, 0), (LISTED, 1, 0)]),
        (REJECT, "worker", [(LISTED, 0, 2), (LISTED, 1, 3), (NAMED, 0, 3), (PICTURE, 3, 0), (WHOLE, 0, 0)]),
        (UNAVAILABLE, "worker", [(LISTED, 0, 0), (WHOLE, 0, 1), (WHOLE, 1, 0), (PICTURE, 0, 0)]),
    ],
)
def test_an_appeal_asks_about_what_was_judged(
    crowd: World, verdict: Verdict, who: str, asks: list[tuple[Question, int, int]]
) -> None:
    job = provisional(crowd, verdict)
    for question, position, tile in asks:
        with refused("BAD_QUESTION"):
            crowd.as_(who).appeal(job, [Appeal(0, question, position, tile)])


def test_a_reject_of_a_picture_is_appealed_about_that_picture(crowd: World) -> None:
    job = crowd.drawn(committee_size=1)
    said = ballot(0, REJECT, ground=Ground.MISSING, tile=1)
    sitter = crowd.as_(sitting(crowd, job))
    sitter.commit(job, [seal(crowd.round_id(job), said)])
    sitter.reveal(job, [said])
    assert (crowd.task(job).ground, crowd.task(job).index) == (Ground.MISSING, 1)
    worker = crowd.as_("worker")
    for wrong in (Appeal(0, LISTED, 0, 1), Appeal(0, PICTURE, 0, 0), Appeal(0, PICTURE, 1, 1)):
        with refused("BAD_QUESTION"):
            worker.appeal(job, [wrong])
    worker.appeal(job, [Appeal(0, PICTURE, 1, 0)])


def test_an_appeal_needs_its_bond_in_the_balance(crowd: World) -> None:
    job = provisional(crowd, REJECT)
    worker = crowd.as_("worker")
    worker.withdraw(Fri(crowd.purse("worker") - APPEAL_BOND + 1))
    with refused("BALANCE_TOO_LOW"):
        worker.appeal(job, [Appeal(0, LISTED, 0, 3)])
    worker.deposit(Fri(1))
    worker.appeal(job, [Appeal(0, LISTED, 0, 3)])
    assert crowd.purse("worker") == 0


# --- who pays whom ---


def test_a_worker_wronged_by_a_reject_gets_everything_and_the_liar_pays_the_committee(crowd: World) -> None:
    job = provisional(crowd, REJECT)
    liar, [slot] = sitting(crowd, job), crowd.task(job).seats
    crowd.appeal(job, "worker", LISTED, 3)
    judge(crowd, job, (ACCEPT, ACCEPT, ACCEPT))
    task = crowd.task(job)
    assert (task.state, task.outcome) == (TaskState.PAID, Outcome.ACCEPTED)
    assert crowd.purse("worker") == DEPOSIT + REWARD
    assert crowd.purse("requester") == DEPOSIT + FEE
    assert earned(crowd, liar) == 0
    assert crowd.seat_bond(slot) == SEAT_BOND - 4 * FEE
    assert crowd.forfeited() == 4 * FEE - 3 * FEE
    assert crowd.reader.balances(crowd.address("worker")).appeal_bonds == Fri(0)


def test_a_worker_who_appeals_a_right_reject_loses_the_appeal_bond_too(crowd: World) -> None:
    job = provisional(crowd, REJECT)
    crowd.appeal(job, "worker", LISTED, 3)
    seats = crowd.task(job).seats
    judge(crowd, job, (REJECT, ACCEPT, REJECT))
    task = crowd.task(job)
    assert (task.state, task.attempt, task.failures, task.appeal) == (TaskState.OPEN, 1, 1, None)
    assert crowd.purse("worker") == DEPOSIT - BOND - APPEAL_BOND
    assert crowd.seat_bond(seats[1]) == SEAT_BOND - 4 * FEE
    # Of the bond all but one fee, of the appeal bond what the two do not get, and the slash.
    assert crowd.forfeited() == (BOND - FEE) + FEE + 4 * FEE


def test_a_requester_finds_the_bad_tile_and_whoever_judged_the_list_is_not_slashed(crowd: World) -> None:
    job = provisional(crowd, ACCEPT)
    [slot] = crowd.task(job).seats
    crowd.appeal(job, "requester", NAMED, 7)
    judge(crowd, job, (REJECT, REJECT, REJECT))
    assert (crowd.task(job).state, crowd.task(job).failures) == (TaskState.OPEN, 1)
    assert (crowd.purse("requester"), crowd.purse("worker")) == (DEPOSIT, DEPOSIT - BOND)
    assert (crowd.seat_bond(slot), crowd.forfeited()) == (SEAT_BOND, BOND - 3 * FEE)
    assert crowd.escrow() == REWARD + FEE


def test_a_trap_makes_pay_who_accepted_the_listed_tile_that_is_bad(crowd: World) -> None:
    """Bad work on one's own job, appealed when it is accepted: whoever did not look pays."""
    job = provisional(crowd, ACCEPT)
    [slot] = crowd.task(job).seats
    crowd.appeal(job, "requester", LISTED, 5)
    judge(crowd, job, (REJECT, None, REJECT))
    assert crowd.seat_bond(slot) == SEAT_BOND - 4 * FEE
    assert crowd.reader.seat(slot).leaving_block is not None
    assert crowd.forfeited() == (BOND - 2 * FEE) + 4 * FEE + FEE


def test_a_requester_who_appeals_a_right_accept_pays_for_it_and_the_worker_is_paid(crowd: World) -> None:
    job = provisional(crowd, ACCEPT)
    first = sitting(crowd, job)
    crowd.appeal(job, "requester", NAMED, 7)
    judge(crowd, job, (ACCEPT, ACCEPT, INCONCLUSIVE))
    assert crowd.task(job).state is TaskState.PAID
    assert (crowd.purse("worker"), crowd.purse("requester")) == (DEPOSIT + REWARD, DEPOSIT - APPEAL_BOND)
    assert (earned(crowd, first) >= FEE, crowd.forfeited()) == (True, FEE)


def test_an_unavailable_is_appealed_by_a_whole_audit_and_nobody_is_slashed(crowd: World) -> None:
    job = provisional(crowd, UNAVAILABLE)
    crowd.appeal(job, "worker", WHOLE)
    judge(crowd, job, (ACCEPT, ACCEPT, ACCEPT))
    assert crowd.task(job).state is TaskState.PAID
    # Nobody can be proved wrong about bytes: one fee from the escrow, two from the appeal bond.
    assert crowd.purse("worker") == DEPOSIT + REWARD - 2 * FEE
    assert (crowd.purse("requester"), crowd.forfeited()) == (DEPOSIT, 0)


def test_an_unavailable_whose_result_turns_out_bad_is_a_reject(crowd: World) -> None:
    job = provisional(crowd, UNAVAILABLE)
    crowd.appeal(job, "worker", WHOLE)
    crowd.vote(job, (REJECT, REJECT, REJECT))
    assert (crowd.task(job).outcome, crowd.task(job).state) == (Outcome.REJECTED, TaskState.SETTLEABLE)
    crowd.settle(job)
    assert crowd.purse("worker") == DEPOSIT - BOND - APPEAL_BOND
    assert crowd.forfeited() == BOND


def test_an_appeal_that_finds_the_bytes_gone_takes_the_workers_bond(crowd: World) -> None:
    job = provisional(crowd, ACCEPT)
    crowd.appeal(job, "requester", LISTED, 0)
    judge(crowd, job, (UNAVAILABLE, UNAVAILABLE, ACCEPT))
    assert crowd.task(job).failures == 1
    assert (crowd.purse("requester"), crowd.purse("worker")) == (DEPOSIT, DEPOSIT - BOND)
    assert crowd.forfeited() == BOND - 2 * FEE


@pytest.mark.parametrize("verdict", [ACCEPT, REJECT])
def test_an_appeal_without_majority_changes_nothing_and_returns_its_bond(
    crowd: World, verdict: Verdict
) -> None:
    job = provisional(crowd, verdict)
    who = "requester" if verdict is ACCEPT else "worker"
    crowd.appeal(job, who, LISTED, 3)
    settled_at = crowd.block()
    judge(crowd, job, (ACCEPT, REJECT, INCONCLUSIVE))
    paid = DEPOSIT + REWARD if verdict is ACCEPT else DEPOSIT - BOND
    assert (crowd.purse("worker"), crowd.purse("requester")) == (paid, DEPOSIT)
    [settled] = [e for e in crowd.reader.events(settled_at).events if isinstance(e, port.TaskSettled)]
    assert settled.appeal is AppealOutcome.UNDECIDED


def test_a_task_that_was_not_drawn_waits_for_the_requester_to_name_a_tile(crowd: World) -> None:
    tasks = range(10)
    job = crowd.create(10, committee_size=1, audit_rate_bps=1_000, worker_bond=Fri(9_000))
    crowd.with_deposits("worker")
    crowd.as_("worker").claim(job, tasks)
    crowd.submit(job, *tasks)
    crowd.draw(job, *tasks)
    spared = next(task.task for task in crowd.reader.tasks(job) if not task.seats)
    requester = crowd.as_("requester")
    with refused("BAD_QUESTION"):
        requester.appeal(job, [Appeal(spared, LISTED, 0, 0)])
    with refused("NOT_APPELLANT"):
        crowd.as_("worker").appeal(job, [Appeal(spared, NAMED, 1, 4)])
    requester.appeal(job, [Appeal(spared, NAMED, 1, 4)])
    waiting = crowd.task(job, spared)
    assert waiting.appeal is not None
    assert (waiting.appeal.against, waiting.appeal.first_seed) == (Outcome.NOT_DRAWN, None)
    assert (waiting.appeal.first_seats, waiting.appeal.first_verdicts) == ((), ())
    crowd.draw(job, spared)
    crowd.vote(job, (REJECT, REJECT, REJECT), task=spared)
    before = crowd.purse("worker")
    crowd.settle(job, spared)
    assert (crowd.purse("worker"), crowd.purse("requester")) == (before, DEPOSIT)
    assert (crowd.task(job, spared).failures, crowd.forfeited()) == (1, 9_000 - 3 * FEE)


def test_in_the_hash_lane_a_reject_withholds_the_pay_and_slashes_nobody(crowd: World) -> None:
    job = provisional(crowd, ACCEPT, lane=Lane.HASH)
    assert crowd.reader.job(job).terms.lane is Lane.HASH
    [slot] = crowd.task(job).seats
    crowd.appeal(job, "requester", LISTED, 5)
    seats = crowd.task(job).seats
    judge(crowd, job, (REJECT, ACCEPT, REJECT))
    assert [crowd.seat_bond(each) for each in (slot, *seats)] == [SEAT_BOND] * 4
    assert crowd.purse("worker") == DEPOSIT - 2 * FEE
    assert (crowd.purse("requester"), crowd.forfeited()) == (DEPOSIT, 0)


# --- what is told ---


def test_an_appeal_is_told_from_its_raising_to_its_settlement(crowd: World) -> None:
    job = provisional(crowd, REJECT)
    [lying] = crowd.task(job).seats
    start = crowd.block() + 1
    raised = crowd.as_("worker").appeal(job, [Appeal(0, LISTED, 0, 3)])
    drawn = crowd.draw(job, 0)
    task = crowd.task(job)
    judge(crowd, job, (ACCEPT, ACCEPT, ACCEPT))
    told = crowd.reader.events(start, job_id=job).events
    worker = crowd.address("worker")
    assert told[:2] == (
        port.AppealRaised(
            raised.block,
            raised.tx_hash,
            job,
            0,
            worker,
            0,
            Outcome.REJECTED,
            LISTED,
            0,
            3,
            Fri(APPEAL_BOND),
            raised.block + 1,
        ),
        port.TaskDrawn(drawn.block, drawn.tx_hash, job, 0, 0, 3, True, task.audit_seed or 0, task.seats),
    )
    # Each owner opens all its seats at once: which are the same one's is the lot's to say.
    opened = [event for event in told if isinstance(event, port.VerdictRevealed)]
    assert sorted((each.round, each.seat, each.evidence) for each in opened) == [
        (3, seat, EVIDENCE) for seat in range(3)
    ]
    slashed, settled = told[-2:]
    assert isinstance(slashed, port.SeatSlashed)
    assert (slashed.slot, slashed.amount) == (lying, Fri(4 * FEE))
    at = (settled.block, settled.tx_hash, job)
    assert settled == port.TaskSettled(*at, 0, worker, 0, Outcome.ACCEPTED, Fri(REWARD), AppealOutcome.WON)


def test_after_an_appeal_the_task_still_shows_both_committees(crowd: World) -> None:
    job = provisional(crowd, REJECT)
    first = crowd.task(job)
    crowd.appeal(job, "worker", LISTED, 3)
    drawn = crowd.task(job)
    judge(crowd, job, (ACCEPT, REJECT, ACCEPT))
    task = crowd.task(job)
    assert (task.round, task.seats, task.revealed) == (3, drawn.seats, (ACCEPT, REJECT, ACCEPT))
    assert (task.audit_seed, task.ground, task.index) == (drawn.audit_seed, Ground.TILE, 3)
    assert task.appeal is not None
    assert (task.appeal.first_seats, task.appeal.first_verdicts) == (first.seats, (REJECT,))
