//! Who pays whom after an appeal, on the contract itself: purses, bonds and what is forfeited.

use starknet::testing::pop_log_raw;
use tileproof::interface::IRegistryDispatcherTrait;
use tileproof::settlement::escrow_per_task;
use tileproof::types::{
    Appeal, AppealOutcome, Commitment, Lane, Outcome, Question, TaskResult, TaskState, Terms,
    Verdict,
};
use crate::cases::{BOND, FEE, REWARD, SEAT_BOND, terms};
use crate::world::{
    PURSE, World, WorldTrait, about_tile, act_as, ballot, other_worker, pass_blocks, passer_by,
    requester, result, verifier, votes, worker,
};

const HALF: u128 = PURSE / 2;
const A: u128 = 7 * FEE;

fn whole() -> Appeal {
    Appeal { task: 0, question: Question::Whole, position: 0, tile: 0 }
}

fn named_tile() -> Appeal {
    Appeal { task: 0, question: Question::NamedTile, position: 2, tile: 77 }
}

fn stage() -> (World, u64) {
    let world = WorldTrait::with_seats(12);
    let job = world.drawn(terms());
    (world, job)
}

/// All say `common`, but for the first `others` places.
fn split(common: Verdict, count: u32, other: Verdict, others: u32) -> Span<Option<Verdict>> {
    let mut verdicts = array![];
    for place in 0..count {
        verdicts.append(Some(if place < others {
            other
        } else {
            common
        }));
    }
    verdicts.span()
}

fn said(common: Verdict, others: u32) -> Span<Option<Verdict>> {
    let other = if common == Verdict::Accept {
        Verdict::Reject
    } else {
        Verdict::Accept
    };
    split(common, 7, other, others)
}

/// What became of the seats of the first committee, then of the appeal's: earned, lost.
fn assert_seats(world: @World, job: u64, first: Span<(u128, u128)>, second: Span<(u128, u128)>) {
    let task = (*world.registry).get_task(job, 0);
    assert_slots(world, task.appeal.unwrap().first_seats.span(), first);
    assert_slots(world, task.seats.span(), second);
}

fn assert_slots(world: @World, slots: Span<u32>, expected: Span<(u128, u128)>) {
    assert_eq!(slots.len(), expected.len());
    for place in 0..slots.len() {
        let slot = *slots[place];
        let (earned, lost) = *expected[place];
        assert_eq!(world.purse(verifier(slot)), HALF - SEAT_BOND + earned);
        assert_eq!(world.seat_bond(slot), SEAT_BOND - lost);
    }
}

const AGREES: (u128, u128) = (FEE, 0);
const WRONG: (u128, u128) = (0, 40);
const NOTHING: (u128, u128) = (0, 0);

// --- the worker appeals ---

#[test]
fn test_won_by_the_worker_against_a_reject_the_liars_pay_the_appeal() {
    let (world, job) = stage();
    let first = split(Verdict::Reject, 3, Verdict::Accept, 1);
    world.run_appeal(job, first, worker(), about_tile(), said(Verdict::Accept, 1));
    assert_eq!(world.state(job, 0), TaskState::Paid);
    assert_eq!(world.outcome(job, 0), Outcome::Accepted);
    assert_seats(
        @world, job, [AGREES, WRONG, WRONG].span(),
        [WRONG, AGREES, AGREES, AGREES, AGREES, AGREES, AGREES].span(),
    );
    assert_eq!(world.purse(worker()), HALF + REWARD);
    assert_eq!(world.purse(requester()), HALF + 2 * FEE);
    assert_eq!(world.forfeited(), 12 * FEE - 6 * FEE);
    assert_eq!(world.registry.get_balances(worker()).appeal_bonds, 0);
    assert_eq!(world.registry.get_totals().escrow, 0);
    assert_eq!(world.registry.get_job(job).paid, 1);
}

#[test]
fn test_lost_by_the_worker_against_a_reject_both_bonds_pay() {
    let (world, job) = stage();
    let first = split(Verdict::Reject, 3, Verdict::Accept, 1);
    world.vote(job, 0, first);
    world.appeal(worker(), job, about_tile());
    world.draw(job, 0);
    world.vote(job, 0, said(Verdict::Reject, 2));
    let task = world.registry.get_task(job, 0);
    world.settle(job, 0);
    assert_slots(@world, task.appeal.unwrap().first_seats.span(), [WRONG, AGREES, AGREES].span());
    assert_slots(
        @world, task.seats.span(),
        [WRONG, WRONG, AGREES, AGREES, AGREES, AGREES, AGREES].span(),
    );
    assert_eq!(world.state(job, 0), TaskState::Open);
    assert_eq!(world.registry.get_task(job, 0).failures, 1);
    assert_eq!(world.purse(worker()), HALF - BOND - A);
    assert_eq!(world.purse(requester()), HALF);
    assert_eq!(world.forfeited(), (BOND - 2 * FEE) + (A - 5 * FEE) + 12 * FEE);
    assert_eq!(world.registry.get_totals().escrow, escrow_per_task(@terms()));
}

#[test]
fn test_withheld_from_an_appeal_the_bytes_do_not_clear_a_rejected_worker() {
    let (world, job) = stage();
    world
        .run_appeal(
            job, votes(Verdict::Reject, 3), worker(), about_tile(), said(Verdict::Unavailable, 1),
        );
    assert_eq!(world.state(job, 0), TaskState::Open);
    assert_eq!(world.purse(worker()), HALF - BOND - A);
    // The one that accepted loses nothing: unavailable proves nobody wrong.
    assert_eq!(world.forfeited(), (BOND - 3 * FEE) + (A - 6 * FEE));
}

#[test]
fn test_undecided_appeals_return_their_bond_and_silence_costs_what_it_always_costs() {
    let (world, job) = stage();
    world.vote(job, 0, votes(Verdict::Reject, 3));
    world.appeal(worker(), job, about_tile());
    world.draw(job, 0);
    // Two silent, one sealed and not opened, one inconclusive, the others three to none.
    for place in 2..7_u32 {
        world.commit(job, ballot(0, place, Verdict::Accept));
    }
    pass_blocks(20);
    for place in 3..6_u32 {
        world.reveal(job, ballot(0, place, Verdict::Accept));
    }
    pass_blocks(30);
    assert_eq!(world.outcome(job, 0), Outcome::Rejected);
    world.settle(job, 0);
    assert_eq!(world.state(job, 0), TaskState::Open);
    assert_eq!(world.purse(worker()), HALF - BOND);
    assert_eq!(world.forfeited(), (BOND - 3 * FEE) + 2 * FEE + 2 * 4 * FEE);
}

#[test]
fn test_won_by_the_worker_against_an_unavailable_it_pays_what_the_fees_do_not() {
    let (world, job) = stage();
    world
        .run_appeal(
            job, split(Verdict::Unavailable, 3, Verdict::Inconclusive, 1), worker(), whole(),
            said(Verdict::Accept, 0),
        );
    assert_eq!(world.outcome(job, 0), Outcome::Accepted);
    assert_seats(@world, job, [NOTHING; 3].span(), [AGREES; 7].span());
    // Three of seven fees are the requester's, four the appellant's.
    assert_eq!(world.purse(worker()), HALF + REWARD - 4 * FEE);
    assert_eq!(world.purse(requester()), HALF);
    assert_eq!(world.forfeited(), 0);
}

#[test]
fn test_lost_by_the_worker_against_an_unavailable_that_is_bad_as_well() {
    let (world, job) = stage();
    world
        .run_appeal(
            job, split(Verdict::Unavailable, 3, Verdict::Accept, 1), worker(), whole(),
            said(Verdict::Reject, 1),
        );
    assert_eq!(world.state(job, 0), TaskState::Open);
    assert_eq!(world.purse(worker()), HALF - BOND - A);
    // Nobody of the first round is wrong, and nobody agrees; who accepted the whole list of the
    // appeal is wrong.
    assert_eq!(world.forfeited(), BOND + (A - 6 * FEE) + 4 * FEE);
}

#[test]
fn test_lost_by_the_worker_against_an_unavailable_that_still_is() {
    let (world, job) = stage();
    world
        .run_appeal(
            job, votes(Verdict::Unavailable, 3), worker(), whole(), said(Verdict::Unavailable, 1),
        );
    assert_eq!(world.purse(worker()), HALF - BOND - A);
    assert_eq!(world.forfeited(), (BOND - 3 * FEE) + (A - 6 * FEE));
}

#[test]
fn test_lost_for_the_third_time_the_task_closes_and_is_refunded() {
    let world = WorldTrait::with_seats(12);
    let job = world.create(terms(), 1);
    for _ in 0..2_u32 {
        world.run(job, 0, votes(Verdict::Reject, 3));
    }
    world.claim(worker(), job, 0);
    world.submit(worker(), job, 0);
    world.draw(job, 0);
    world
        .run_appeal(
            job, votes(Verdict::Reject, 3), worker(), about_tile(), said(Verdict::Reject, 0),
        );
    let task = world.registry.get_task(job, 0);
    assert_eq!((task.state, task.outcome), (TaskState::Closed, Outcome::Rejected));
    assert_eq!(task.appeal.unwrap().against, Outcome::Rejected);
    assert_eq!(world.purse(requester()), HALF + escrow_per_task(@terms()));
    assert_eq!(world.purse(worker()), HALF - 3 * BOND - A);
    assert_eq!(world.registry.get_totals().escrow, 0);
}

// --- the requester appeals ---

#[test]
fn test_won_by_the_requester_on_a_listed_tile_the_bond_pays_and_the_first_accepts_are_slashed() {
    let (world, job) = stage();
    world.vote(job, 0, split(Verdict::Accept, 3, Verdict::Reject, 1));
    world.appeal(requester(), job, about_tile());
    world.draw(job, 0);
    world.vote(job, 0, said(Verdict::Reject, 1));
    let task = world.registry.get_task(job, 0);
    world.settle(job, 0);
    assert_slots(@world, task.appeal.unwrap().first_seats.span(), [AGREES, WRONG, WRONG].span());
    assert_slots(
        @world, task.seats.span(),
        [WRONG, AGREES, AGREES, AGREES, AGREES, AGREES, AGREES].span(),
    );
    assert_eq!(world.state(job, 0), TaskState::Open);
    assert_eq!(world.registry.get_task(job, 0).failures, 1);
    assert_eq!(world.purse(requester()), HALF);
    assert_eq!(world.purse(worker()), HALF - BOND);
    assert_eq!(world.forfeited(), (BOND - 7 * FEE) + 12 * FEE);
    assert_eq!(world.registry.get_totals().escrow, escrow_per_task(@terms()));
}

#[test]
fn test_won_by_the_requester_on_a_named_tile_nobody_is_slashed_for_another_list() {
    let (world, job) = stage();
    world.vote(job, 0, votes(Verdict::Accept, 3));
    world.appeal(requester(), job, named_tile());
    world.draw(job, 0);
    world.vote(job, 0, said(Verdict::Reject, 0));
    let task = world.registry.get_task(job, 0);
    world.settle(job, 0);
    assert_slots(@world, task.appeal.unwrap().first_seats.span(), [NOTHING; 3].span());
    assert_slots(@world, task.seats.span(), [AGREES; 7].span());
    assert_eq!(world.purse(requester()), HALF);
    assert_eq!(world.purse(worker()), HALF - BOND);
    assert_eq!(world.forfeited(), BOND - 7 * FEE);
}

#[test]
fn test_won_by_the_requester_because_the_bytes_are_gone() {
    let (world, job) = stage();
    world
        .run_appeal(
            job, votes(Verdict::Accept, 3), requester(), named_tile(),
            said(Verdict::Unavailable, 3),
        );
    assert_eq!(world.state(job, 0), TaskState::Open);
    assert_eq!(world.purse(requester()), HALF);
    assert_eq!(world.purse(worker()), HALF - BOND);
    assert_eq!(world.forfeited(), BOND - 4 * FEE);
}

#[test]
fn test_lost_by_the_requester_its_bond_pays_the_appeal_and_the_worker_is_paid() {
    let (world, job) = stage();
    world
        .run_appeal(
            job, votes(Verdict::Accept, 3), requester(), about_tile(), said(Verdict::Accept, 2),
        );
    assert_eq!(world.state(job, 0), TaskState::Paid);
    assert_seats(
        @world, job, [AGREES; 3].span(),
        [WRONG, WRONG, AGREES, AGREES, AGREES, AGREES, AGREES].span(),
    );
    assert_eq!(world.purse(worker()), HALF + REWARD);
    assert_eq!(world.purse(requester()), HALF - A);
    assert_eq!(world.forfeited(), (A - 5 * FEE) + 8 * FEE);
}

#[test]
fn test_undecided_for_the_requester_the_accept_stands_and_the_bond_returns() {
    let (world, job) = stage();
    world
        .run_appeal(
            job, votes(Verdict::Accept, 3), requester(), about_tile(),
            said(Verdict::Inconclusive, 3),
        );
    assert_eq!(world.state(job, 0), TaskState::Paid);
    assert_eq!(world.purse(worker()), HALF + REWARD);
    assert_eq!(world.purse(requester()), HALF);
    assert_eq!(world.forfeited(), 0);
}

#[test]
fn test_a_task_that_was_not_drawn_is_appealed_by_naming_a_tile() {
    let world = WorldTrait::with_seats(12);
    let low = Terms { audit_rate_bps: 1000, worker_bond: 9000, ..terms() };
    let job = world.create(low, 10);
    let mut found = array![];
    let mut task = 0;
    while found.len() < 2 {
        world.claim(worker(), job, task);
        world.submit(worker(), job, task);
        world.draw(job, task);
        if world.outcome(job, task) == Outcome::NotDrawn {
            found.append(task);
        }
        task += 1;
    }
    let (bad, good) = (*found[0], *found[1]);
    pass_blocks(1);
    let before = (world.purse(worker()), world.purse(requester()), world.forfeited());
    for task in [bad, good].span() {
        world.appeal(requester(), job, Appeal { task: *task, ..named_tile() });
        let appeal = world.registry.get_task(job, *task).appeal.unwrap();
        assert_eq!((appeal.against, appeal.first_seed), (Outcome::NotDrawn, 0));
        assert!(appeal.first_seats.is_empty() && appeal.first_verdicts.is_empty());
        world.draw(job, *task);
    }
    world.vote(job, bad, said(Verdict::Reject, 0));
    world.vote(job, good, said(Verdict::Accept, 0));
    world.settle(job, bad);
    world.settle(job, good);
    let (purse, escrowed, lost) = before;
    assert_eq!(world.state(job, bad), TaskState::Open);
    assert_eq!(world.state(job, good), TaskState::Paid);
    assert_eq!(world.outcome(job, good), Outcome::NotDrawn);
    assert_eq!(world.purse(worker()), purse + REWARD + 9000);
    assert_eq!(world.purse(requester()), escrowed - A + 3 * FEE);
    assert_eq!(world.forfeited(), lost + 9000 - 7 * FEE);
}

// --- the hash lane ---

#[test]
fn test_the_hash_lane_slashes_nobody_on_appeal_either() {
    let world = WorldTrait::with_seats(12);
    let job = world.drawn(Terms { lane: Lane::Hash, ..terms() });
    world.vote(job, 0, votes(Verdict::Accept, 3));
    world.appeal(requester(), job, about_tile());
    world.draw(job, 0);
    world.vote(job, 0, said(Verdict::Reject, 2));
    let task = world.registry.get_task(job, 0);
    world.settle(job, 0);
    assert_slots(@world, task.appeal.unwrap().first_seats.span(), [NOTHING; 3].span());
    assert_slots(
        @world, task.seats.span(),
        [NOTHING, NOTHING, AGREES, AGREES, AGREES, AGREES, AGREES].span(),
    );
    // The worker pays the audit and not one unit more.
    assert_eq!(world.purse(worker()), HALF - 5 * FEE);
    assert_eq!(world.purse(requester()), HALF);
    assert_eq!(world.forfeited(), 0);
}

#[test]
fn test_a_false_reject_in_the_hash_lane_costs_who_appeals_what_the_fees_do_not_cover() {
    let world = WorldTrait::with_seats(12);
    let job = world.drawn(Terms { lane: Lane::Hash, ..terms() });
    world
        .run_appeal(
            job, votes(Verdict::Reject, 3), worker(), about_tile(), said(Verdict::Accept, 0),
        );
    assert_eq!(world.state(job, 0), TaskState::Paid);
    assert_eq!(world.purse(worker()), HALF + REWARD - 4 * FEE);
    assert_eq!(world.purse(requester()), HALF);
    assert_eq!(world.forfeited(), 0);
}

// --- bonds that do not hold what they should ---

#[test]
fn test_where_the_liars_bonds_are_empty_the_fees_and_then_the_appeal_bond_pay() {
    let world = WorldTrait::with_seats(4);
    let job = world.drawn(Terms { committee_size: 1, reward: 100, ..terms() });
    world.vote(job, 0, votes(Verdict::Reject, 1));
    let liar = *world.registry.get_task(job, 0).seats[0];
    world.appeal(worker(), job, about_tile());
    world.draw(job, 0);
    world.vote(job, 0, votes(Verdict::Accept, 3));
    drain(@world, liar);
    assert_eq!(world.seat_bond(liar), 0);
    let (purse, escrowed) = (world.purse(worker()), world.purse(requester()));
    let lost = world.forfeited();
    world.settle(job, 0);
    // Nothing is left to slash: the one fee of the task pays one seat, the appeal bond two.
    assert_eq!(world.purse(worker()), purse + 100 + BOND + FEE);
    assert_eq!(world.purse(requester()), escrowed);
    assert_eq!(world.forfeited(), lost);
}

/// Other audits take a seat's whole bond: it seals verdicts and never opens them, at 4f each.
fn drain(world: @World, slot: u32) {
    let registry = *world.registry;
    let job = world.create(Terms { committee_size: 1, reward: 10, ..terms() }, 100);
    for half in 0..2_u32 {
        let mut tasks = array![];
        let mut results = array![];
        for task in 50 * half..50 * half + 50 {
            tasks.append(task);
            results.append(TaskResult { task, result: result() });
        }
        act_as(other_worker());
        registry.claim(job, tasks.span());
        registry.submit(job, results.span());
    }
    world.mature(job, 0, 'drain');
    for half in 0..2_u32 {
        let mut tasks = array![];
        for task in 50 * half..50 * half + 50 {
            tasks.append(task);
        }
        act_as(passer_by());
        registry.draw(job, tasks.span());
    }
    let mut sealed = array![];
    let mut owing = array![];
    for half in 0..2_u32 {
        for view in registry.get_tasks(job, 50 * half, 50) {
            if *view.seats[0] == slot {
                let task = view.task;
                owing.append(task);
                sealed
                    .append(
                        Commitment { task, attempt: 0, round: 0, seat: 0, commitment: 'never' },
                    );
            }
        }
    }
    assert!(owing.len() >= 16);
    act_as(verifier(slot));
    registry.commit(job, sealed.span());
    pass_blocks(30);
    world.mature(job, *owing[0], 'again');
    act_as(passer_by());
    registry.draw(job, owing.span());
}

// --- what an indexer is told ---

#[test]
fn test_an_appeal_and_its_settlement_say_all_an_indexer_needs() {
    let (world, job) = stage();
    world.vote(job, 0, votes(Verdict::Reject, 3));
    let registry = world.registry.contract_address;
    while pop_log_raw(registry).is_some() {}
    world.appeal(worker(), job, about_tile());
    let (keys, mut data) = pop_log_raw(registry).unwrap();
    assert_eq!(keys, [selector!("AppealRaised"), job.into(), worker().into()].span());
    let task: u32 = Serde::deserialize(ref data).unwrap();
    let attempt: u32 = Serde::deserialize(ref data).unwrap();
    assert_eq!((task, attempt), (0, 0));
    let against: Outcome = Serde::deserialize(ref data).unwrap();
    let question: Question = Serde::deserialize(ref data).unwrap();
    assert_eq!((against, question), (Outcome::Rejected, Question::ListedTile));
    let position: u32 = Serde::deserialize(ref data).unwrap();
    let tile: u32 = Serde::deserialize(ref data).unwrap();
    let bond: u128 = Serde::deserialize(ref data).unwrap();
    let seed_block: u64 = Serde::deserialize(ref data).unwrap();
    assert_eq!((position, tile, bond), (0, 3, A));
    assert_eq!(seed_block, world.registry.get_task(job, 0).seed_block);
    assert!(data.is_empty());

    world.draw(job, 0);
    world.vote(job, 0, said(Verdict::Accept, 1));
    while pop_log_raw(registry).is_some() {}
    world.settle(job, 0);
    // Four seats were wrong: each is slashed and leaves.
    for _ in 0..8_u32 {
        pop_log_raw(registry).unwrap();
    }
    let (keys, mut data) = pop_log_raw(registry).unwrap();
    assert_eq!(keys, [selector!("TaskSettled"), job.into(), worker().into()].span());
    let task: u32 = Serde::deserialize(ref data).unwrap();
    let attempt: u32 = Serde::deserialize(ref data).unwrap();
    let outcome: Outcome = Serde::deserialize(ref data).unwrap();
    assert_eq!((task, attempt, outcome), (0, 0, Outcome::Accepted));
    let sums: (u128, u128, u128, u128) = Serde::deserialize(ref data).unwrap();
    assert_eq!(sums, (REWARD, 6 * FEE, 3 * FEE, 0));
    let appeal: AppealOutcome = Serde::deserialize(ref data).unwrap();
    let returned: u128 = Serde::deserialize(ref data).unwrap();
    assert_eq!((appeal, returned), (AppealOutcome::Won, A));
    assert!(data.is_empty());
}
