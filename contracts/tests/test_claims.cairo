use core::num::traits::Zero;
use starknet::get_block_number;
use tileproof::interface::{IRegistryDispatcherTrait, IRegistrySafeDispatcherTrait};
use tileproof::settlement::lapse_forfeit;
use tileproof::types::{Cid, TaskResult, TaskState, Terms};
use crate::cases::{BOND, START, bounds, terms};
use crate::world::{
    PURSE, WorldTrait, act_as, other_worker, pass_blocks, pass_seconds, passer_by, refused,
    requester, result, verifier, worker,
};

fn single() -> Terms {
    Terms { committee_size: 1, ..terms() }
}

fn share() -> u128 {
    lapse_forfeit(BOND, bounds().lapse_share_bps)
}

#[test]
fn test_a_claim_locks_a_bond_and_starts_a_lease() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 3);
    act_as(worker());
    world.registry.claim(job, [0, 2].span());
    let balances = world.registry.get_balances(worker());
    assert_eq!(balances.withdrawable, PURSE / 2 - 2 * BOND);
    assert_eq!(balances.worker_bonds, 2 * BOND);
    let task = world.registry.get_task(job, 2);
    assert_eq!(task.state, TaskState::Claimed);
    assert_eq!(task.worker, worker());
    assert_eq!(task.lease_until, START + 600);
    assert_eq!(task.claim_block, get_block_number());
    assert_eq!(world.state(job, 1), TaskState::Open);
    world.check_money();
}

#[test]
#[feature("safe_dispatcher")]
fn test_task_not_open_while_a_claim_lives() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    world.claim(worker(), job, 0);
    act_as(other_worker());
    refused(world.trying.claim(job, [0].span()), 'TASK_NOT_OPEN');
    act_as(worker());
    refused(world.trying.claim(job, [0].span()), 'TASK_NOT_OPEN');
}

#[test]
#[feature("safe_dispatcher")]
fn test_a_task_named_twice_is_not_claimed_twice() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    act_as(worker());
    refused(world.trying.claim(job, [0, 0].span()), 'TASK_NOT_OPEN');
}

#[test]
#[feature("safe_dispatcher")]
fn test_balance_too_low_for_the_bond_of_a_claim() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    act_as('pauper'.try_into().unwrap());
    refused(world.trying.claim(job, [0].span()), 'BALANCE_TOO_LOW');
}

#[test]
#[feature("safe_dispatcher")]
fn test_deadline_too_near_for_another_lease() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 2);
    pass_seconds(50_000 - 600);
    world.claim(worker(), job, 0);
    pass_seconds(1);
    act_as(worker());
    refused(world.trying.claim(job, [1].span()), 'DEADLINE_TOO_NEAR');
}

#[test]
#[feature("safe_dispatcher")]
fn test_too_few_seats_are_fewer_than_a_committee_and_an_appeals_need() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 2);
    world.claim(worker(), job, 0);
    act_as(verifier(1));
    world.registry.leave_seat(1);
    act_as(worker());
    refused(world.trying.claim(job, [1].span()), 'TOO_FEW_SEATS');
}

#[test]
#[feature("safe_dispatcher")]
fn test_the_requesters_and_the_claimants_own_seats_do_not_count() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 2);
    act_as(verifier(0));
    refused(world.trying.claim(job, [0].span()), 'TOO_FEW_SEATS');
    act_as(requester());
    world.registry.take_seat();
    pass_blocks(1);
    act_as(verifier(0));
    refused(world.trying.claim(job, [0].span()), 'TOO_FEW_SEATS');
    act_as(passer_by());
    world.registry.take_seat();
    pass_blocks(1);
    world.claim(verifier(0), job, 0);
    // A requester may work on its own job; its seats are left out once.
    world.claim(requester(), job, 1);
}

#[test]
#[feature("safe_dispatcher")]
fn test_seats_brought_along_in_the_block_of_the_claim_count_for_nothing() {
    let world = WorldTrait::with_seats(3);
    let job = world.create(single(), 1);
    act_as(passer_by());
    world.registry.take_seat();
    act_as(worker());
    refused(world.trying.claim(job, [0].span()), 'TOO_FEW_SEATS');
    // Nor when a seat of the same block leaves again, or one that was there does.
    act_as(passer_by());
    world.registry.leave_seat(3);
    let own = world.registry.take_seat();
    act_as(verifier(0));
    world.registry.leave_seat(0);
    pass_blocks(1);
    act_as(worker());
    refused(world.trying.claim(job, [0].span()), 'TOO_FEW_SEATS');
    act_as(passer_by());
    world.registry.take_seat();
    act_as(worker());
    refused(world.trying.claim(job, [0].span()), 'TOO_FEW_SEATS');
    pass_blocks(1);
    world.claim(worker(), job, 0);
    assert_eq!(world.registry.get_seat(own).owner, passer_by());
}

#[test]
#[feature("safe_dispatcher")]
fn test_own_seats_of_the_block_of_the_claim_are_not_left_out_twice() {
    let world = WorldTrait::with_seats(4);
    let job = world.create(single(), 1);
    act_as(worker());
    world.registry.take_seat();
    world.claim(worker(), job, 0);
    assert_eq!(world.state(job, 0), TaskState::Claimed);
}

#[test]
fn test_giving_back_costs_the_lapse_share() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    world.claim(worker(), job, 0);
    world.registry.give_back(job, [0].span());
    assert_eq!(world.purse(worker()), PURSE / 2 - share());
    assert_eq!(world.forfeited(), share());
    let task = world.registry.get_task(job, 0);
    assert_eq!(task.state, TaskState::Open);
    assert_eq!(task.attempt, 1);
    assert_eq!(task.failures, 0);
    assert_eq!(task.worker, Zero::zero());
    assert_eq!(task.claim_block, 0);
    world.check_money();
}

#[test]
#[feature("safe_dispatcher")]
fn test_task_not_claimed_is_neither_given_back_nor_submitted() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    let mine = [TaskResult { task: 0, result: result() }].span();
    act_as(worker());
    refused(world.trying.give_back(job, [0].span()), 'TASK_NOT_CLAIMED');
    refused(world.trying.submit(job, mine), 'TASK_NOT_CLAIMED');
    world.claim(worker(), job, 0);
    pass_seconds(600);
    // A lapsed claim is released instead.
    refused(world.trying.give_back(job, [0].span()), 'TASK_NOT_CLAIMED');
    world.registry.release(job, [0].span());
    world.claim(worker(), job, 0);
    world.registry.submit(job, mine);
    refused(world.trying.give_back(job, [0].span()), 'TASK_NOT_CLAIMED');
    refused(world.trying.submit(job, mine), 'TASK_NOT_CLAIMED');
}

#[test]
#[feature("safe_dispatcher")]
fn test_task_not_lapsed_is_not_released_and_a_lapsed_one_once() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    act_as(passer_by());
    refused(world.trying.release(job, [0].span()), 'TASK_NOT_LAPSED');
    world.claim(worker(), job, 0);
    pass_seconds(599);
    act_as(passer_by());
    refused(world.trying.release(job, [0].span()), 'TASK_NOT_LAPSED');
    pass_seconds(1);
    assert_eq!(world.state(job, 0), TaskState::Lapsed);
    world.registry.release(job, [0].span());
    assert_eq!(world.purse(worker()), PURSE / 2 - share());
    assert_eq!(world.forfeited(), share());
    refused(world.trying.release(job, [0].span()), 'TASK_NOT_LAPSED');
    world.check_money();
}

#[test]
fn test_claiming_over_a_lapsed_claim_settles_the_old_one() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    world.claim(worker(), job, 0);
    pass_seconds(600);
    pass_blocks(5);
    world.claim(other_worker(), job, 0);
    assert_eq!(world.purse(worker()), PURSE / 2 - share());
    assert_eq!(world.registry.get_balances(worker()).worker_bonds, 0);
    assert_eq!(world.registry.get_balances(other_worker()).worker_bonds, BOND);
    let task = world.registry.get_task(job, 0);
    assert_eq!(task.worker, other_worker());
    assert_eq!(task.attempt, 1);
    assert_eq!(task.lease_until, START + 1200);
    assert_eq!(task.failures, 0);
    world.check_money();
}

#[test]
fn test_a_worker_that_lapsed_may_claim_again() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    world.claim(worker(), job, 0);
    pass_seconds(600);
    world.claim(worker(), job, 0);
    assert_eq!(world.registry.get_balances(worker()).worker_bonds, BOND);
    assert_eq!(world.purse(worker()), PURSE / 2 - BOND - share());
    world.check_money();
}

#[test]
fn test_a_submission_fixes_its_result_and_its_seed_block() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    world.claim(worker(), job, 0);
    pass_blocks(7);
    world.submit(worker(), job, 0);
    let task = world.registry.get_task(job, 0);
    assert_eq!(task.state, TaskState::Submitted);
    assert_eq!(task.result, result());
    assert_eq!(task.submit_block, get_block_number());
    assert_eq!(task.seed_block, get_block_number() + 1);
    assert_eq!(task.round, 0);
    assert_eq!(task.audit_seed, 0);
    // The lease does not matter any more.
    pass_seconds(10_000);
    assert_eq!(world.state(job, 0), TaskState::Submitted);
}

#[test]
#[feature("safe_dispatcher")]
fn test_not_claimant_neither_submits_nor_gives_back() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    world.claim(worker(), job, 0);
    for account in [other_worker(), requester(), passer_by()].span() {
        act_as(*account);
        refused(world.trying.give_back(job, [0].span()), 'NOT_CLAIMANT');
        let theirs = [TaskResult { task: 0, result: result() }].span();
        refused(world.trying.submit(job, theirs), 'NOT_CLAIMANT');
    }
}

#[test]
#[feature("safe_dispatcher")]
fn test_lease_over_is_too_late_to_submit() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 2);
    world.claim(worker(), job, 0);
    world.claim(worker(), job, 1);
    pass_seconds(599);
    world.submit(worker(), job, 0);
    pass_seconds(1);
    let late = [TaskResult { task: 1, result: result() }].span();
    refused(world.trying.submit(job, late), 'LEASE_OVER');
}

#[test]
#[feature("safe_dispatcher")]
fn test_invalid_cid_is_what_is_neither_raw_nor_dag_pb() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    world.claim(worker(), job, 0);
    let odd = Cid { codec: 0x71, digest: 1 };
    refused(
        world.trying.submit(job, [TaskResult { task: 0, result: odd }].span()), 'INVALID_CID',
    );
    let raw = Cid { codec: 0x55, digest: 1 };
    world.registry.submit(job, [TaskResult { task: 0, result: raw }].span());
    assert_eq!(world.registry.get_task(job, 0).result, raw);
}

#[test]
fn test_several_results_go_into_one_call() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 3);
    act_as(worker());
    world.registry.claim(job, [0, 1, 2].span());
    let other = Cid { codec: 0x70, digest: 5 };
    world
        .registry
        .submit(
            job,
            [TaskResult { task: 2, result: other }, TaskResult { task: 0, result: result() }]
                .span(),
        );
    assert_eq!(world.state(job, 1), TaskState::Claimed);
    assert_eq!(world.registry.get_task(job, 2).result, other);
    assert_eq!(world.registry.get_task(job, 0).result, result());
}
