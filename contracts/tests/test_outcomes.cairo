use core::num::traits::Zero;
use starknet::get_block_number;
use tileproof::draw::{RoundId, verdict_commitment};
use tileproof::interface::{IRegistryDispatcherTrait, IRegistrySafeDispatcherTrait};
use tileproof::settlement::escrow_per_task;
use tileproof::state::NO_SEAT;
use tileproof::types::{Commitment, Outcome, TaskResult, TaskState, Terms, Verdict};
use crate::world::{
    BOND, CHAIN, FEE, PURSE, REWARD, SEAT_BOND, WorldTrait, act_as, ballot, other_worker,
    pass_blocks, passer_by, refused, requester, result, terms, verifier, votes, worker,
};

const HALF: u128 = PURSE / 2;

#[test]
fn test_an_honest_job_pays_worker_and_seats_and_returns_the_rest() {
    let world = WorldTrait::with_seats(3);
    let job = world.create(terms(), 1);
    world.run(job, 0, votes(Verdict::Accept, 3));
    let task = world.registry.get_task(job, 0);
    assert_eq!(task.state, TaskState::Paid);
    assert_eq!(task.outcome, Outcome::Accepted);
    assert_eq!(task.worker, worker());
    assert_eq!(task.seats.len(), 3);
    assert_eq!(world.purse(worker()), HALF + REWARD);
    assert_eq!(world.purse(requester()), HALF);
    for i in 0..3_u32 {
        assert_eq!(world.purse(verifier(i)), HALF - SEAT_BOND + FEE);
        assert_eq!(world.seat_bond(i), SEAT_BOND);
    }
    let totals = world.registry.get_totals();
    assert_eq!((totals.escrow, totals.forfeited), (0, 0));
    assert_eq!(totals.bonds, 3 * SEAT_BOND);
    assert_eq!(world.registry.get_job(job).paid, 1);
}

#[test]
#[feature("safe_dispatcher")]
fn test_nothing_is_paid_before_the_appeal_window_has_passed_nor_twice() {
    let world = WorldTrait::with_seats(3);
    let job = world.drawn(terms());
    refused(world.trying.settle(job, [0].span()), 'TASK_NOT_SETTLEABLE');
    world.vote(job, 0, votes(Verdict::Accept, 3));
    pass_blocks(39);
    refused(world.trying.settle(job, [0].span()), 'TASK_NOT_SETTLEABLE');
    pass_blocks(1);
    world.registry.settle(job, [0].span());
    refused(world.trying.settle(job, [0].span()), 'TASK_NOT_SETTLEABLE');
}

#[test]
#[feature("safe_dispatcher")]
fn test_a_task_named_twice_is_not_paid_twice() {
    let world = WorldTrait::with_seats(3);
    let job = world.drawn(terms());
    world.vote(job, 0, votes(Verdict::Accept, 3));
    pass_blocks(40);
    refused(world.trying.settle(job, [0, 0].span()), 'TASK_NOT_SETTLEABLE');
}

#[test]
fn test_not_drawn_pays_the_worker_and_returns_every_fee() {
    let world = WorldTrait::with_seats(3);
    let low = Terms { audit_rate_bps: 1000, worker_bond: 9000, ..terms() };
    let job = world.create(low, 10);
    // Some of ten is not drawn at a rate of a tenth.
    let mut task = 0;
    loop {
        world.claim(worker(), job, task);
        world.submit(worker(), job, task);
        world.draw(job, task);
        if world.outcome(job, task) == Outcome::NotDrawn {
            break;
        }
        task += 1;
    }
    let before = world.purse(worker());
    world.settle(job, task);
    assert_eq!(world.state(job, task), TaskState::Paid);
    assert_eq!(world.outcome(job, task), Outcome::NotDrawn);
    assert_eq!(world.purse(worker()), before + REWARD + 9000);
    assert_eq!(world.purse(requester()), HALF + 3 * FEE);
}

#[test]
fn test_a_dissenting_reject_earns_nothing_and_loses_nothing() {
    let world = WorldTrait::with_seats(3);
    let job = world.drawn(terms());
    let dissenter = *world.registry.get_task(job, 0).seats[1];
    world
        .vote(
            job, 0,
            [Some(Verdict::Accept), Some(Verdict::Reject), Some(Verdict::Accept)].span(),
        );
    world.settle(job, 0);
    assert_eq!(world.outcome(job, 0), Outcome::Accepted);
    assert_eq!(world.seat_bond(dissenter), SEAT_BOND);
    assert_eq!(world.purse(verifier(dissenter)), HALF - SEAT_BOND);
    assert_eq!(world.purse(requester()), HALF + FEE);
}

#[test]
fn test_a_silent_and_an_unrevealed_seat_are_slashed() {
    let world = WorldTrait::with_seats(5);
    let five = Terms { committee_size: 5, worker_bond: 16 * FEE, ..terms() };
    let job = world.drawn(five);
    let seats = world.registry.get_task(job, 0).seats;
    for place in 0..4_u32 {
        world.commit(job, ballot(0, place, Verdict::Accept));
    }
    pass_blocks(20);
    for place in 0..3_u32 {
        world.reveal(job, ballot(0, place, Verdict::Accept));
    }
    assert_eq!(world.state(job, 0), TaskState::Revealing);
    pass_blocks(30);
    world.settle(job, 0);
    assert_eq!(world.outcome(job, 0), Outcome::Accepted);
    assert_eq!(world.seat_bond(*seats[3]), SEAT_BOND - 4 * FEE);
    assert_eq!(world.seat_bond(*seats[4]), SEAT_BOND - FEE);
    assert_eq!(world.forfeited(), 5 * FEE);
    assert_eq!(world.purse(requester()), HALF + 2 * FEE);
}

#[test]
fn test_a_reject_takes_the_bond_and_opens_the_task_again() {
    let world = WorldTrait::with_seats(3);
    let job = world.create(terms(), 1);
    world.run(job, 0, votes(Verdict::Reject, 3));
    let task = world.registry.get_task(job, 0);
    assert_eq!(task.state, TaskState::Open);
    assert_eq!(task.attempt, 1);
    assert_eq!(task.failures, 1);
    assert_eq!(task.worker, Zero::zero());
    assert_eq!((task.result.codec, task.submit_block, task.seed_block), (0, 0, 0));
    assert!(task.seats.is_empty());
    assert_eq!(task.outcome, Outcome::Undecided);
    assert_eq!(world.purse(worker()), HALF - BOND);
    assert_eq!(world.forfeited(), BOND - 3 * FEE);
    assert_eq!(world.registry.get_totals().escrow, escrow_per_task(@terms()));

    // Another worker, or the same, renders it again and is paid in full.
    world.claim(other_worker(), job, 0);
    world.submit(other_worker(), job, 0);
    world.draw(job, 0);
    world.vote(job, 0, votes(Verdict::Accept, 3));
    world.settle(job, 0);
    assert_eq!(world.purse(other_worker()), HALF + REWARD);
    assert_eq!(world.registry.get_totals().escrow, 0);
}

#[test]
fn test_a_seat_that_accepts_what_the_majority_rejects_is_slashed() {
    let world = WorldTrait::with_seats(3);
    let job = world.drawn(terms());
    let liar = *world.registry.get_task(job, 0).seats[2];
    world
        .vote(
            job, 0,
            [Some(Verdict::Reject), Some(Verdict::Reject), Some(Verdict::Accept)].span(),
        );
    world.settle(job, 0);
    assert_eq!(world.seat_bond(liar), SEAT_BOND - 4 * FEE);
    assert_eq!(world.purse(verifier(liar)), HALF - SEAT_BOND);
    assert_eq!(world.forfeited(), BOND - 2 * FEE + 4 * FEE);
}

#[test]
#[feature("safe_dispatcher")]
fn test_the_third_reject_closes_the_task_and_refunds_it() {
    let world = WorldTrait::with_seats(3);
    let job = world.create(terms(), 1);
    for attempt in 0..3_u32 {
        assert_eq!(world.registry.get_task(job, 0).attempt, attempt);
        world.run(job, 0, votes(Verdict::Reject, 3));
    }
    let task = world.registry.get_task(job, 0);
    assert_eq!(task.state, TaskState::Closed);
    assert_eq!(task.outcome, Outcome::Rejected);
    assert_eq!(task.failures, 3);
    assert_eq!(world.purse(requester()), HALF + escrow_per_task(@terms()));
    assert_eq!(world.purse(worker()), HALF - 3 * BOND);
    assert_eq!(world.registry.get_job(job).refunded, 1);
    act_as(worker());
    refused(world.trying.claim(job, [0].span()), 'TASK_NOT_OPEN');
}

#[test]
fn test_a_withheld_result_is_unavailable_and_counts_as_a_failure() {
    let world = WorldTrait::with_seats(3);
    let job = world.drawn(terms());
    let accepter = *world.registry.get_task(job, 0).seats[0];
    world
        .vote(
            job, 0,
            [Some(Verdict::Accept), Some(Verdict::Unavailable), Some(Verdict::Unavailable)].span(),
        );
    assert_eq!(world.outcome(job, 0), Outcome::Unavailable);
    world.settle(job, 0);
    assert_eq!(world.state(job, 0), TaskState::Open);
    assert_eq!(world.registry.get_task(job, 0).failures, 1);
    assert_eq!(world.purse(worker()), HALF - BOND);
    assert_eq!(world.seat_bond(accepter), SEAT_BOND);
    assert_eq!(world.forfeited(), BOND - 2 * FEE);
}

#[test]
fn test_a_lapse_between_rejects_does_not_count_as_a_failure() {
    let world = WorldTrait::with_seats(3);
    let job = world.create(terms(), 1);
    world.run(job, 0, votes(Verdict::Reject, 3));
    world.claim(worker(), job, 0);
    world.registry.give_back(job, [0].span());
    world.run(job, 0, votes(Verdict::Reject, 3));
    let task = world.registry.get_task(job, 0);
    assert_eq!((task.attempt, task.failures), (3, 2));
    assert_eq!(task.state, TaskState::Open);
}

#[test]
#[feature("safe_dispatcher")]
fn test_a_round_without_majority_is_drawn_again_and_its_penalties_carried_out() {
    let world = WorldTrait::with_seats(6);
    let job = world.drawn(terms());
    let seats = world.registry.get_task(job, 0).seats;
    // One accepts, one seals and never opens, one is silent.
    world.commit(job, ballot(0, 0, Verdict::Accept));
    world.commit(job, ballot(0, 1, Verdict::Accept));
    pass_blocks(20);
    world.reveal(job, ballot(0, 0, Verdict::Accept));
    pass_blocks(30);
    let end = get_block_number();
    let waiting = world.registry.get_task(job, 0);
    assert_eq!(waiting.state, TaskState::Submitted);
    assert_eq!(waiting.round, 1);
    assert_eq!(waiting.seed_block, end + 1);
    assert!(waiting.seats.is_empty());
    act_as(passer_by());
    refused(world.trying.draw(job, [0].span()), 'SEED_TOO_YOUNG');
    refused(world.trying.settle(job, [0].span()), 'TASK_NOT_SETTLEABLE');
    assert_eq!(world.forfeited(), 0);

    world.draw(job, 0);
    assert_eq!(world.seat_bond(*seats[0]), SEAT_BOND);
    assert_eq!(world.seat_bond(*seats[1]), SEAT_BOND - 4 * FEE);
    assert_eq!(world.seat_bond(*seats[2]), SEAT_BOND - FEE);
    assert_eq!(world.forfeited(), 5 * FEE);
    world.check_money();
    let second = world.registry.get_task(job, 0);
    assert_eq!(second.state, TaskState::Committing);
    assert_eq!(second.round, 1);
    assert_eq!(second.committed, array![false, false, false]);
    assert!(second.audit_seed != 0);

    world.vote(job, 0, votes(Verdict::Accept, 3));
    world.settle(job, 0);
    assert_eq!(world.state(job, 0), TaskState::Paid);
    assert_eq!(world.forfeited(), 5 * FEE);
}

#[test]
fn test_three_rounds_without_majority_close_the_task_without_verdict() {
    let world = WorldTrait::with_seats(3);
    let job = world.drawn(terms());
    for round in 0..3_u8 {
        assert_eq!(world.registry.get_task(job, 0).round, round);
        world.vote(job, 0, votes(Verdict::Inconclusive, 3));
        if round != 2 {
            world.draw(job, 0);
        }
    }
    assert_eq!(world.outcome(job, 0), Outcome::NoVerdict);
    world.settle(job, 0);
    let task = world.registry.get_task(job, 0);
    assert_eq!(task.state, TaskState::Closed);
    assert_eq!(task.outcome, Outcome::NoVerdict);
    assert_eq!(world.purse(worker()), HALF);
    assert_eq!(world.purse(requester()), HALF + REWARD);
    assert_eq!(world.forfeited(), 3 * FEE);
    assert_eq!(world.registry.get_totals().escrow, 0);
    for i in 0..3_u32 {
        assert_eq!(world.seat_bond(i), SEAT_BOND);
    }
    assert_eq!(world.registry.get_job(job).refunded, 1);
}

#[test]
fn test_a_wholly_silent_network_still_gives_everybody_their_money() {
    let world = WorldTrait::with_seats(3);
    let job = world.drawn(terms());
    for round in 0..3_u8 {
        pass_blocks(20);
        if round != 2 {
            world.draw(job, 0);
        }
    }
    world.settle(job, 0);
    assert_eq!(world.state(job, 0), TaskState::Closed);
    // Seats that were slashed in round 0 were active before the claim, so they are drawn again.
    assert_eq!(world.forfeited(), 3 * FEE + 9 * FEE);
    assert_eq!(world.purse(worker()), HALF);
    assert_eq!(world.purse(requester()), HALF + REWARD);
}

#[test]
fn test_an_empty_committee_of_one_never_blocks_the_money() {
    let world = WorldTrait::with_seats(1);
    let single = Terms { committee_size: 1, ..terms() };
    let job = world.create(single, 1);
    world.claim(worker(), job, 0);
    world.submit(worker(), job, 0);
    act_as(verifier(0));
    world.registry.leave_seat(0);
    pass_blocks(1000);
    world.registry.collect_seat(0);
    for round in 0..3_u8 {
        world.draw(job, 0);
        let task = world.registry.get_task(job, 0);
        if round != 2 {
            // Over at once; the next seed is the block after.
            assert_eq!(task.state, TaskState::Submitted);
            assert_eq!(task.round, round + 1);
        } else {
            assert_eq!(task.seats, array![NO_SEAT]);
        }
    }
    world.settle(job, 0);
    assert_eq!(world.outcome(job, 0), Outcome::NoVerdict);
    assert_eq!(world.purse(worker()), HALF);
    assert_eq!(world.forfeited(), FEE);
}

#[test]
fn test_a_seat_is_never_slashed_below_nothing() {
    let world = WorldTrait::with_seats(3);
    let job = world.create(terms(), 20);
    let mut tasks = array![];
    let mut results = array![];
    for task in 0..20_u32 {
        tasks.append(task);
        results.append(TaskResult { task, result: result() });
    }
    act_as(worker());
    world.registry.claim(job, tasks.span());
    world.registry.submit(job, results.span());
    world.mature(job, 0, 'hash');
    world.registry.draw(job, tasks.span());
    // Twenty rejects against one seat that accepts: 20 x 4f is more than its bond.
    let drawn = world.registry.get_tasks(job, 0, 20);
    let mut opened = array![];
    for slot in 0..3_u32 {
        let verdict = if slot == 0 {
            Verdict::Accept
        } else {
            Verdict::Reject
        };
        let mut sealed = array![];
        let mut said = array![];
        for view in @drawn {
            for place in 0..3_u32 {
                if *view.seats[place] == slot {
                    let reveal = ballot(*view.task, place, verdict);
                    let id = RoundId {
                        chain_id: CHAIN,
                        contract: world.registry.contract_address,
                        job_id: job,
                        task: *view.task,
                        attempt: 0,
                        round: 0,
                    };
                    let commitment = verdict_commitment(@id, @reveal);
                    sealed.append(Commitment { task: *view.task, seat: reveal.seat, commitment });
                    said.append(reveal);
                }
            }
        }
        act_as(verifier(slot));
        world.registry.commit(job, sealed.span());
        opened.append(said.span());
    }
    for slot in 0..3_u32 {
        act_as(verifier(slot));
        world.registry.reveal(job, *opened[slot]);
    }
    pass_blocks(40);
    act_as(passer_by());
    world.registry.settle(job, tasks.span());
    assert_eq!(world.seat_bond(0), 0);
    assert_eq!(world.forfeited(), 20 * (BOND - 2 * FEE) + SEAT_BOND);
    world.check_money();
}
