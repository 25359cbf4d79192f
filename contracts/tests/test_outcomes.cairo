use core::num::traits::Zero;
use starknet::get_block_number;
use tileproof::interface::{IRegistryDispatcherTrait, IRegistrySafeDispatcherTrait};
use tileproof::round::NO_SEAT;
use tileproof::settlement::escrow_per_task;
use tileproof::types::{
    Commitment, Ground, Lane, Outcome, Reveal, TaskResult, TaskState, Terms, Verdict,
};
use crate::cases::{BOND, FEE, REWARD, SEAT_BOND, terms};
use crate::world::{
    PURSE, World, WorldTrait, act_as, ballot, other_worker, pass_blocks, passer_by, refused,
    requester, result, verifier, votes, worker,
};

const HALF: u128 = PURSE / 2;

#[test]
fn test_an_honest_job_pays_worker_and_seats_and_returns_the_rest() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    world.run(job, 0, votes(Verdict::Accept, 3));
    let task = world.registry.get_task(job, 0);
    assert_eq!(task.state, TaskState::Paid);
    assert_eq!(task.outcome, Outcome::Accepted);
    assert_eq!(task.worker, worker());
    assert_eq!(task.seats.len(), 3);
    assert!(task.appeal.is_none());
    assert_eq!(world.purse(worker()), HALF + REWARD);
    assert_eq!(world.purse(requester()), HALF);
    for slot in task.seats {
        assert_eq!(world.purse(verifier(slot)), HALF - SEAT_BOND + FEE);
        assert_eq!(world.seat_bond(slot), SEAT_BOND);
    }
    let totals = world.registry.get_totals();
    assert_eq!((totals.escrow, totals.forfeited), (0, 0));
    assert_eq!(totals.bonds, 10 * SEAT_BOND);
    assert_eq!(world.registry.get_job(job).paid, 1);
}

#[test]
#[feature("safe_dispatcher")]
fn test_task_not_settleable_before_the_appeal_window_has_passed_nor_twice() {
    let world = WorldTrait::with_seats(10);
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
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    world.vote(job, 0, votes(Verdict::Accept, 3));
    pass_blocks(40);
    refused(world.trying.settle(job, [0, 0].span()), 'TASK_NOT_SETTLEABLE');
}

#[test]
fn test_not_drawn_pays_the_worker_and_returns_every_fee() {
    let world = WorldTrait::with_seats(10);
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
    let world = WorldTrait::with_seats(10);
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
    let world = WorldTrait::with_seats(16);
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
    let world = WorldTrait::with_seats(10);
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
    let world = WorldTrait::with_seats(10);
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
fn test_rejects_that_name_different_tiles_have_no_majority() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    let split = [
        ballot(0, 0, Verdict::Reject), Reveal { index: 4, ..ballot(0, 1, Verdict::Reject) },
        Reveal { ground: Ground::Missing, ..ballot(0, 2, Verdict::Reject) },
    ]
        .span();
    for reveal in split {
        world.commit(job, *reveal);
    }
    for reveal in split {
        world.reveal(job, *reveal);
    }
    let task = world.registry.get_task(job, 0);
    assert_eq!((task.state, task.round), (TaskState::Submitted, 1));
    assert_eq!((task.outcome, task.ground, task.index), (Outcome::Undecided, Ground::None, 0));
}

#[test]
fn test_a_reject_that_names_another_tile_than_the_majority_is_neither_paid_nor_slashed() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    let seats = world.registry.get_task(job, 0).seats;
    let said = [
        Reveal { index: 4, ..ballot(0, 0, Verdict::Reject) }, ballot(0, 1, Verdict::Reject),
        ballot(0, 2, Verdict::Reject),
    ]
        .span();
    for reveal in said {
        world.commit(job, *reveal);
    }
    for reveal in said {
        world.reveal(job, *reveal);
    }
    let task = world.registry.get_task(job, 0);
    assert_eq!((task.outcome, task.ground, task.index), (Outcome::Rejected, Ground::Tile, 3));
    world.settle(job, 0);
    assert_eq!(world.purse(verifier(*seats[0])), HALF - SEAT_BOND);
    assert_eq!(world.seat_bond(*seats[0]), SEAT_BOND);
    assert_eq!(world.purse(verifier(*seats[1])), HALF - SEAT_BOND + FEE);
    assert_eq!(world.forfeited(), BOND - 2 * FEE);
}

#[test]
fn test_the_hash_lane_withholds_the_pay_and_slashes_nobody() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(Terms { lane: Lane::Hash, ..terms() });
    let accepter = *world.registry.get_task(job, 0).seats[0];
    world
        .vote(
            job, 0,
            [Some(Verdict::Accept), Some(Verdict::Reject), Some(Verdict::Reject)].span(),
        );
    world.settle(job, 0);
    let task = world.registry.get_task(job, 0);
    assert_eq!((task.state, task.failures), (TaskState::Open, 1));
    assert_eq!(world.purse(worker()), HALF - 2 * FEE);
    assert_eq!(world.seat_bond(accepter), SEAT_BOND);
    assert_eq!(world.forfeited(), 0);
}

#[test]
#[feature("safe_dispatcher")]
fn test_the_third_reject_closes_the_task_and_refunds_it() {
    let world = WorldTrait::with_seats(10);
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
    let world = WorldTrait::with_seats(10);
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
    let world = WorldTrait::with_seats(10);
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
    let world = WorldTrait::with_seats(10);
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
    let second = world.registry.get_task(job, 0).seats;
    for slot in second.span() {
        for before in seats.span() {
            assert!(slot != before);
        }
    }
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
    let world = WorldTrait::with_seats(10);
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
    for i in 0..10_u32 {
        assert_eq!(world.seat_bond(i), SEAT_BOND);
    }
    assert_eq!(world.registry.get_job(job).refunded, 1);
}

#[test]
fn test_a_wholly_silent_network_still_gives_everybody_their_money() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    for round in 0..3_u8 {
        pass_blocks(20);
        if round != 2 {
            world.draw(job, 0);
        }
    }
    world.settle(job, 0);
    assert_eq!(world.state(job, 0), TaskState::Closed);
    // Every round has a whole new committee, so that each silent seat pays for each of its rounds.
    assert_eq!(world.forfeited(), 3 * FEE + 9 * FEE);
    assert_eq!(world.purse(worker()), HALF);
    assert_eq!(world.purse(requester()), HALF + REWARD);
}

#[test]
fn test_an_empty_committee_of_one_never_blocks_the_money() {
    let world = WorldTrait::with_seats(4);
    let single = Terms { committee_size: 1, ..terms() };
    let job = world.create(single, 1);
    world.claim(worker(), job, 0);
    world.submit(worker(), job, 0);
    for slot in 0..4_u32 {
        act_as(verifier(slot));
        world.registry.leave_seat(slot);
    }
    pass_blocks(1000);
    for slot in 0..4_u32 {
        act_as(verifier(slot));
        world.registry.collect_seat(slot);
    }
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
fn test_who_takes_over_a_slot_neither_pays_nor_earns_for_who_had_it() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    let seats = world.registry.get_task(job, 0).seats;
    world
        .vote(
            job, 0,
            [Some(Verdict::Accept), Some(Verdict::Reject), Some(Verdict::Reject)].span(),
        );
    // Nobody settles for so long that two of the three have left with their bonds, and that the
    // slots of the liar and of one who was right belong to somebody else.
    for place in 0..2_u32 {
        act_as(verifier(*seats[place]));
        world.registry.leave_seat(*seats[place]);
    }
    pass_blocks(1000);
    for place in 0..2_u32 {
        act_as(verifier(*seats[place]));
        world.registry.collect_seat(*seats[place]);
    }
    act_as(other_worker());
    world.registry.take_seat();
    world.registry.take_seat();
    let before = world.purse(other_worker());
    act_as(passer_by());
    world.registry.settle(job, [0].span());
    world.check_money();
    assert_eq!(world.purse(other_worker()), before);
    assert_eq!(world.seat_bond(*seats[0]), SEAT_BOND);
    assert_eq!(world.seat_bond(*seats[1]), SEAT_BOND);
    assert_eq!(world.purse(verifier(*seats[1])), HALF);
    assert_eq!(world.purse(verifier(*seats[2])), HALF - SEAT_BOND + FEE);
    assert_eq!(world.forfeited(), BOND - FEE);
}

#[test]
fn test_who_left_but_whose_slot_is_free_is_still_paid() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    let seats = world.registry.get_task(job, 0).seats;
    world.vote(job, 0, votes(Verdict::Accept, 3));
    act_as(verifier(*seats[0]));
    world.registry.leave_seat(*seats[0]);
    pass_blocks(1000);
    world.registry.collect_seat(*seats[0]);
    act_as(passer_by());
    world.registry.settle(job, [0].span());
    world.check_money();
    assert_eq!(world.purse(verifier(*seats[0])), HALF + FEE);
}

#[test]
fn test_a_late_redraw_slashes_nobody_who_came_after_the_failed_round() {
    let world = WorldTrait::with_seats(5);
    let job = world.drawn(Terms { committee_size: 1, ..terms() });
    let silent = *world.registry.get_task(job, 0).seats[0];
    pass_blocks(20);
    act_as(verifier(silent));
    world.registry.leave_seat(silent);
    pass_blocks(1000);
    world.registry.collect_seat(silent);
    act_as(other_worker());
    assert_eq!(world.registry.take_seat(), silent);
    world.draw(job, 0);
    assert_eq!(world.seat_bond(silent), SEAT_BOND);
    assert!(*world.registry.get_task(job, 0).seats[0] != silent);
    assert_eq!(world.forfeited(), 0);
}

#[test]
fn test_a_seat_is_never_slashed_below_nothing_nor_drawn_when_it_cannot_pay_for_a_lie() {
    let world = WorldTrait::with_seats(1);
    act_as(verifier(0));
    for _ in 0..3_u32 {
        world.registry.take_seat();
    }
    pass_blocks(1);
    let single = Terms { committee_size: 1, reward: 100, ..terms() };
    let job = world.create(single, 64);
    let later = world.create(single, 12);
    let tasks = submitted(@world, job, 64);
    let later_tasks = submitted(@world, later, 12);
    world.mature(job, 0, 'hash');
    act_as(passer_by());
    world.registry.draw(job, tasks);
    // Nothing that is sealed is ever opened: 4f each, and a bond is 64f.
    let mut times = [0_u128; 4];
    let mut sealed = array![];
    for view in world.registry.get_tasks(job, 0, 64) {
        let [a, b, c, d] = times;
        times =
            match *view.seats[0] {
                0 => [a + 1, b, c, d],
                1 => [a, b + 1, c, d],
                2 => [a, b, c + 1, d],
                _ => [a, b, c, d + 1],
            };
        sealed
            .append(
                Commitment { task: view.task, attempt: 0, round: 0, seat: 0, commitment: 'never' },
            );
    }
    act_as(verifier(0));
    world.registry.commit(job, sealed.span());
    pass_blocks(30);
    world.mature(job, 0, 'again');
    world.registry.draw(job, tasks);
    let mut lost = 0;
    let mut broke = 0_u32;
    for slot in 0..4_u32 {
        let owed = *times.span()[slot] * 4 * FEE;
        let paid = core::cmp::min(owed, SEAT_BOND);
        assert_eq!(world.seat_bond(slot), SEAT_BOND - paid);
        lost += paid;
        if owed > SEAT_BOND {
            broke += 1;
        }
    }
    assert!(broke > 0);
    assert_eq!(world.forfeited(), lost);
    world.check_money();

    world.mature(later, 0, 'hash');
    world.registry.draw(later, later_tasks);
    for view in world.registry.get_tasks(later, 0, 12) {
        let slot = *view.seats[0];
        assert!(slot == NO_SEAT || world.seat_bond(slot) >= 4 * FEE);
    }
}

/// Claims and submits the first tasks of a job.
fn submitted(world: @World, job: u64, count: u32) -> Span<u32> {
    let mut tasks = array![];
    let mut results = array![];
    for task in 0..count {
        tasks.append(task);
        results.append(TaskResult { task, result: result() });
    }
    act_as(worker());
    (*world.registry).claim(job, tasks.span());
    (*world.registry).submit(job, results.span());
    tasks.span()
}
