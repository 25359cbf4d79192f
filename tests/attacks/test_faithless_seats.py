"""A verifier who is paid to look, and does not look, or lies about what it saw."""

from __future__ import annotations

from dataclasses import replace

from tileproof.domain.job import Appeal, Outcome, Question, TaskState

from tests.conformance.ledger_world import SEAT_BOND, ballot, refused, seal
from tests.fakes.ledger import BOUNDS

from .stage import ACCEPT, REJECT, UNAVAILABLE, VERIFIERS, Stage

LISTED, NAMED, WHOLE = Question.LISTED_TILE, Question.NAMED_TILE, Question.WHOLE


def test_a_lazy_seat_that_accepts_a_trap_pays_for_it(stage: Stage) -> None:
    job = stage.judged(ACCEPT)
    stage.appeal(job, "requester", LISTED, 5)
    stage.judged_in_appeal(job, REJECT, REJECT, REJECT)
    stage.ends(attackers=[stage.first], victims=["worker", "requester"])


def test_a_trap_earns_nothing_to_who_lays_it(stage: Stage) -> None:
    job = stage.judged(REJECT)
    stage.settle(job)
    stage.ends(attackers=["worker", "requester"], victims=[stage.first])


def test_a_silent_seat_loses_a_fee_and_others_judge(stage: Stage) -> None:
    job = stage.judged(None)
    stage.draw(job, 0)
    stage.vote(job, (ACCEPT,))
    stage.settle(job)
    stage.ends(attackers=[stage.first], victims=["worker"], good_work="worker")


def test_a_seat_that_seals_and_waits_how_the_wind_blows_loses_four_fees(stage: Stage) -> None:
    job = stage.submitted()
    stage.draw(job, 0)
    [waiting] = stage.sitters(job)
    stage.as_(waiting).commit(job, [seal(stage.round_id(job), ballot(0, ACCEPT))])
    stage.pass_until(stage.task(job).window_ends_block)
    stage.draw(job, 0)
    stage.vote(job, (ACCEPT,))
    stage.settle(job)
    stage.ends(attackers=[waiting], victims=["worker"], good_work="worker")


def test_a_seat_that_copies_anothers_sealed_verdict_cannot_open_it(stage: Stage) -> None:
    stage.with_seats(dict.fromkeys(VERIFIERS, 1))
    job = stage.create(32, committee_size=3)
    stage.begins()
    stage.as_("worker").claim(job, range(32))
    stage.submit(job, *range(32))
    stage.draw(job, *range(32))
    task = next(task for task in range(32) if len(set(stage.sitters(job, task))) == 3)
    of, sitters = stage.round_id(job, task), stage.sitters(job, task)
    ballots = [ballot(place, ACCEPT, task) for place in range(3)]
    sealed = [seal(of, each) for each in ballots]
    sealed[1] = replace(sealed[0], seat=1)
    for who, each in zip(sitters, sealed, strict=True):
        stage.as_(who).commit(job, [each])
    stage.as_(sitters[0]).reveal(job, ballots[:1])
    with refused("COMMITMENT_MISMATCH"):
        stage.as_(sitters[1]).reveal(job, [replace(ballots[0], seat=1)])
    stage.as_(sitters[2]).reveal(job, ballots[2:])
    stage.pass_until(stage.task(job, task).window_ends_block)
    stage.settle(job, task)
    stage.ends(attackers=[sitters[1]], victims=["worker"], good_work="worker")


def test_a_seat_that_rejects_good_work_pays_the_committee_that_says_so(stage: Stage) -> None:
    job = stage.judged(REJECT)
    stage.appeal(job, "worker", LISTED, 3)
    stage.judged_in_appeal(job, ACCEPT, ACCEPT, ACCEPT)
    stage.ends(attackers=[stage.first], victims=["worker"], good_work="worker")


def test_a_seat_that_denies_bytes_which_are_there_cannot_be_proved_wrong(stage: Stage) -> None:
    job = stage.judged(UNAVAILABLE)
    stage.appeal(job, "worker", WHOLE)
    stage.judged_in_appeal(job, ACCEPT, ACCEPT, ACCEPT)
    stage.ends(attackers=[stage.first], victims=["worker"], good_work="worker")


def test_a_seat_in_league_with_a_cheat_loses_its_share_too(stage: Stage) -> None:
    job = stage.judged(ACCEPT)
    stage.appeal(job, "requester", LISTED, 3)
    stage.judged_in_appeal(job, REJECT, REJECT, REJECT)
    stage.ends(attackers=["worker", stage.first], victims=["requester"])


def test_a_reject_of_another_tile_moves_no_appeal_onto_a_tile_that_is_fine(stage: Stage) -> None:
    stage.with_seats(dict.fromkeys(VERIFIERS, 1))
    job = stage.create(committee_size=3)
    stage.begins()
    stage.as_("worker").claim(job, [0])
    stage.submit(job, 0)
    stage.draw(job, 0)
    ballots = [ballot(place, REJECT, tile=9 if place == 0 else 3) for place in range(3)]
    by_owner = list(zip(stage.sitters(job), ballots, strict=True))
    of = stage.round_id(job)
    for who, each in by_owner:
        stage.as_(who).commit(job, [seal(of, each)])
    for who, each in by_owner:
        stage.as_(who).reveal(job, [each])
    with refused("BAD_QUESTION"):
        stage.as_("worker").appeal(job, [Appeal(0, LISTED, 0, 9)])
    stage.settle(job)
    stage.ends(attackers=["worker"], victims=["requester"])


def test_a_seat_that_leaves_once_it_has_lied_is_slashed_before_it_is_free(stage: Stage) -> None:
    job = stage.judged(REJECT)
    [slot] = stage.task(job).seats
    liar = stage.as_(stage.first)
    liar.leave_seat(slot)
    with refused("SEAT_EXIT_RUNNING"):
        liar.collect_seat(slot)
    stage.appeal(job, "worker", LISTED, 3)
    stage.judged_in_appeal(job, ACCEPT, ACCEPT, ACCEPT)
    with refused("SEAT_EXIT_RUNNING"):
        liar.collect_seat(slot)
    assert stage.seat_bond(slot) == SEAT_BOND - 40
    stage.ends(attackers=[stage.first], victims=["worker"], good_work="worker")


def test_a_seat_that_lied_goes_free_where_nobody_settles_until_it_was_collected(stage: Stage) -> None:
    job = stage.judged(REJECT)
    [slot] = stage.task(job).seats
    liar = stage.as_(stage.first)
    liar.leave_seat(slot)
    stage.appeal(job, "worker", LISTED, 3)
    stage.vote(job, [ACCEPT] * 3)
    stage.pass_until(stage.block() + BOUNDS.seat_exit_blocks)
    liar.collect_seat(slot)
    stage.settle(job)
    stage.ends(attackers=[stage.first], victims=["worker"], good_work="worker")


def test_seats_taken_in_the_block_of_the_claim_neither_count_nor_sit(stage: Stage) -> None:
    for who in VERIFIERS[1:]:
        stage.empty_seats(who)
    job = stage.create(8, committee_size=1)
    stage.begins()
    seat = ("other_worker", ("take_seat", ()))
    claim = ("worker", ("claim", (job, range(8))))
    with refused("TOO_FEW_SEATS"):
        stage.chain.in_one_block(*[seat] * 8, claim)
    for who in ("verifier_a", "verifier_b"):
        stage.as_(who).take_seat()
    stage.chain.pass_blocks(1)
    stage.chain.in_one_block(*[seat] * 8, claim)
    stage.submit(job, *range(8))
    stage.draw(job, *range(8))
    for task in range(8):
        assert stage.sitters(job, task)[0] in ("verifier_a", "verifier_b")
    stage.ends(attackers=["other_worker"], victims=["requester"])


def test_seats_taken_after_a_claim_are_never_drawn_for_it(stage: Stage) -> None:
    """Not even in slots that were there before it: the shopper had them, and left them free."""
    shopper = stage.as_("other_worker")
    for _ in range(8):
        shopper.take_seat()
    stage.empty_seats("other_worker")
    job = stage.create(8, committee_size=1)
    stage.begins()
    stage.as_("worker").claim(job, range(8))
    for _ in range(8):
        shopper.take_seat()
    assert {seat.slot for seat in stage.reader.seats_of(shopper.account())} == set(range(8, 16))
    stage.submit(job, *range(8))
    stage.draw(job, *range(8))
    for task in range(8):
        assert stage.sitters(job, task)[0] in VERIFIERS
    stage.ends(attackers=["other_worker"], victims=["requester"])


def test_slots_that_were_left_and_collected_do_not_thin_the_draw(stage: Stage) -> None:
    diluter = stage.as_("other_worker")
    stage.begins()
    slots = set()
    for _ in range(3):
        for _ in range(2):
            diluter.take_seat()
        slots |= {seat.slot for seat in stage.reader.seats_of(stage.address("other_worker"))}
        stage.empty_seats("other_worker")
    assert len(slots) == 2
    stage.ends(attackers=["other_worker"], victims=["requester"])


def test_seats_that_strike_together_lose_a_fee_each_round_and_the_worker_its_pay(stage: Stage) -> None:
    job, striking = stage.submitted(), list[str]()
    for _ in range(3):
        stage.draw(job, 0)
        striking += stage.sitters(job)
        stage.vote(job, (None,))
    assert stage.task(job).outcome is Outcome.NO_VERDICT
    stage.settle(job)
    stage.ends(attackers=set(striking), victims=["worker"], good_work="worker")


def test_a_bought_committee_and_a_bought_appeal_sell_bad_work(stage: Stage) -> None:
    job = stage.judged(ACCEPT)
    stage.appeal(job, "requester", LISTED, 3)
    stage.judged_in_appeal(job, ACCEPT, ACCEPT, ACCEPT)
    stage.ends(attackers=["worker", *VERIFIERS], victims=["requester"])


def test_a_bought_majority_robs_a_worker_and_sells_its_frames_again(stage: Stage) -> None:
    job = stage.judged(REJECT)
    stage.appeal(job, "worker", LISTED, 3)
    stage.judged_in_appeal(job, REJECT, REJECT, REJECT)
    stage.as_("other_worker").claim(job, [0])
    stage.submit(job, 0, who="other_worker")
    stage.draw(job, 0)
    stage.vote(job, (ACCEPT,))
    stage.settle(job)
    assert stage.task(job).state is TaskState.PAID
    stage.ends(attackers=["other_worker", *VERIFIERS], victims=["worker"], good_work="worker")
