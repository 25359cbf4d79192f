use starknet::get_block_number;
use tileproof::interface::{IRegistryDispatcherTrait, IRegistrySafeDispatcherTrait};
use tileproof::types::{TaskState, Terms, Verdict};
use crate::cases::{FEE, SEAT_BOND, terms};
use crate::world::{
    PURSE, WorldTrait, act_as, pass_blocks, passer_by, refused, verifier, votes, worker,
};

#[test]
fn test_a_seat_locks_its_bond_and_has_a_slot() {
    let world = WorldTrait::with_seats(2);
    act_as(verifier(0));
    assert_eq!(world.registry.take_seat(), 2);
    assert_eq!(world.registry.get_seats_of(verifier(0)), array![0, 2]);
    assert_eq!(world.registry.get_seats_of(passer_by()), array![]);
    let balances = world.registry.get_balances(verifier(0));
    assert_eq!(balances.seat_bonds, 2 * SEAT_BOND);
    assert_eq!(balances.withdrawable, PURSE / 2 - 2 * SEAT_BOND);
    let seat = world.registry.get_seat(2);
    assert_eq!(seat.owner, verifier(0));
    assert_eq!(seat.bond, SEAT_BOND);
    assert_eq!(seat.since_block, get_block_number());
    assert_eq!(seat.leaving_block, 0);
    assert_eq!(world.registry.get_seat_count(), 3);
    assert_eq!(world.registry.get_active_seat_count(), 3);
    world.check_money();
}

#[test]
#[feature("safe_dispatcher")]
fn test_balance_too_low_for_a_seat() {
    let world = WorldTrait::with_seats(0);
    act_as('pauper'.try_into().unwrap());
    refused(world.trying.take_seat(), 'BALANCE_TOO_LOW');
}

#[test]
#[feature("safe_dispatcher")]
fn test_an_exit_takes_its_time_and_returns_the_bond_once() {
    let world = WorldTrait::with_seats(2);
    act_as(verifier(1));
    refused(world.trying.collect_seat(1), 'SEAT_NOT_LEAVING');
    world.registry.leave_seat(1);
    assert_eq!(world.registry.get_active_seat_count(), 1);
    assert_eq!(world.registry.get_seat(1).leaving_block, get_block_number());
    refused(world.trying.leave_seat(1), 'SEAT_LEAVING');
    pass_blocks(999);
    refused(world.trying.collect_seat(1), 'SEAT_EXIT_RUNNING');
    pass_blocks(1);
    world.registry.collect_seat(1);
    assert_eq!(world.purse(verifier(1)), PURSE / 2);
    let seat = world.registry.get_seat(1);
    assert!(seat.collected);
    assert_eq!(seat.bond, 0);
    refused(world.trying.collect_seat(1), 'SEAT_COLLECTED');
    refused(world.trying.leave_seat(1), 'SEAT_LEAVING');
    world.check_money();
}

#[test]
#[feature("safe_dispatcher")]
fn test_seat_unknown_is_a_slot_that_was_never_taken() {
    let world = WorldTrait::with_seats(1);
    act_as(verifier(0));
    refused(world.trying.leave_seat(1), 'SEAT_UNKNOWN');
    refused(world.trying.collect_seat(1), 'SEAT_UNKNOWN');
    refused(world.trying.get_seat(1), 'SEAT_UNKNOWN');
}

#[test]
#[feature("safe_dispatcher")]
fn test_seat_leaving_leaves_once() {
    let world = WorldTrait::with_seats(1);
    act_as(verifier(0));
    world.registry.leave_seat(0);
    let left = get_block_number();
    pass_blocks(5);
    refused(world.trying.leave_seat(0), 'SEAT_LEAVING');
    assert_eq!(world.registry.get_seat(0).leaving_block, left);
}

#[test]
#[feature("safe_dispatcher")]
fn test_seat_not_leaving_is_not_collected() {
    let world = WorldTrait::with_seats(1);
    pass_blocks(5000);
    act_as(verifier(0));
    refused(world.trying.collect_seat(0), 'SEAT_NOT_LEAVING');
}

#[test]
#[feature("safe_dispatcher")]
fn test_seat_exit_running_is_not_collected_until_it_has_run() {
    let world = WorldTrait::with_seats(1);
    act_as(verifier(0));
    world.registry.leave_seat(0);
    pass_blocks(999);
    refused(world.trying.collect_seat(0), 'SEAT_EXIT_RUNNING');
    pass_blocks(1);
    world.registry.collect_seat(0);
}

#[test]
#[feature("safe_dispatcher")]
fn test_seat_collected_is_not_collected_again() {
    let world = WorldTrait::with_seats(1);
    act_as(verifier(0));
    world.registry.leave_seat(0);
    pass_blocks(1000);
    world.registry.collect_seat(0);
    let purse = world.purse(verifier(0));
    refused(world.trying.collect_seat(0), 'SEAT_COLLECTED');
    assert_eq!(world.purse(verifier(0)), purse);
}

#[test]
#[feature("safe_dispatcher")]
fn test_not_seat_owner_neither_leaves_nor_collects() {
    let world = WorldTrait::with_seats(2);
    act_as(verifier(0));
    refused(world.trying.leave_seat(1), 'NOT_SEAT_OWNER');
    refused(world.trying.collect_seat(1), 'NOT_SEAT_OWNER');
}

#[test]
fn test_a_slashed_seat_starts_its_exit_and_is_not_drawn_for_later_claims() {
    let world = WorldTrait::with_seats(5);
    let single = Terms { committee_size: 1, ..terms() };
    let job = world.drawn(single);
    let silent = *world.registry.get_task(job, 0).seats[0];
    pass_blocks(20);
    world.draw(job, 0);
    assert_eq!(world.seat_bond(silent), SEAT_BOND - FEE);
    assert_eq!(world.registry.get_seat(silent).leaving_block, get_block_number());
    assert_eq!(world.registry.get_active_seat_count(), 4);

    pass_blocks(1);
    let later = world.create(single, 5);
    for task in 0..5_u32 {
        world.claim(worker(), later, task);
        world.submit(worker(), later, task);
        world.draw(later, task);
        assert!(*world.registry.get_task(later, task).seats[0] != silent);
    }
    pass_blocks(1000);
    act_as(verifier(silent));
    world.registry.collect_seat(silent);
    assert_eq!(world.purse(verifier(silent)), PURSE / 2 - FEE);
    world.check_money();
}

#[test]
fn test_a_freed_slot_is_used_again_the_last_one_first() {
    let world = WorldTrait::with_seats(3);
    for slot in 0..2_u32 {
        act_as(verifier(slot));
        world.registry.leave_seat(slot);
    }
    pass_blocks(1000);
    // Freed, not handed on: everybody can see whose it was.
    for slot in 0..2_u32 {
        act_as(verifier(slot));
        world.registry.collect_seat(slot);
        let seat = world.registry.get_seat(slot);
        assert!(seat.collected && seat.owner == verifier(slot));
        assert_eq!(world.registry.get_seats_of(verifier(slot)), array![]);
    }
    act_as(passer_by());
    assert_eq!(world.registry.take_seat(), 1);
    assert_eq!(world.registry.take_seat(), 0);
    assert_eq!(world.registry.take_seat(), 3);
    assert_eq!(world.registry.get_seats_of(passer_by()), array![1, 0, 3]);
    assert_eq!(world.registry.get_seat_count(), 4);
    assert_eq!(world.registry.get_active_seat_count(), 4);
    let seat = world.registry.get_seat(1);
    assert_eq!((seat.owner, seat.bond, seat.collected), (passer_by(), SEAT_BOND, false));
    assert_eq!((seat.since_block, seat.leaving_block), (get_block_number(), 0));
    world.check_money();
}

#[test]
#[feature("safe_dispatcher")]
fn test_who_had_a_slot_before_has_no_say_over_its_new_seat() {
    let world = WorldTrait::with_seats(1);
    act_as(verifier(0));
    world.registry.leave_seat(0);
    pass_blocks(1000);
    world.registry.collect_seat(0);
    refused(world.trying.collect_seat(0), 'SEAT_COLLECTED');
    act_as(passer_by());
    world.registry.take_seat();
    act_as(verifier(0));
    refused(world.trying.leave_seat(0), 'NOT_SEAT_OWNER');
    refused(world.trying.collect_seat(0), 'NOT_SEAT_OWNER');
    world.check_money();
}

#[test]
fn test_a_list_of_seats_closes_its_gaps() {
    let world = WorldTrait::with_seats(0);
    act_as(passer_by());
    for _ in 0..4_u32 {
        world.registry.take_seat();
    }
    for slot in 0..3_u32 {
        world.registry.leave_seat(slot);
    }
    pass_blocks(1000);
    world.registry.collect_seat(1);
    assert_eq!(world.registry.get_seats_of(passer_by()), array![0, 3, 2]);
    world.registry.collect_seat(2);
    assert_eq!(world.registry.get_seats_of(passer_by()), array![0, 3]);
    world.registry.collect_seat(0);
    assert_eq!(world.registry.get_seats_of(passer_by()), array![3]);
    assert_eq!(world.registry.get_balances(passer_by()).seat_bonds, SEAT_BOND);
    world.registry.take_seat();
    assert_eq!(world.registry.get_seats_of(passer_by()), array![3, 0]);
    world.registry.leave_seat(3);
    pass_blocks(1000);
    world.registry.collect_seat(3);
    assert_eq!(world.registry.get_seats_of(passer_by()), array![0]);
    world.check_money();
}

#[test]
fn test_one_verifier_may_hold_several_places_with_several_seats() {
    let world = WorldTrait::with_seats(1);
    act_as(verifier(0));
    for _ in 0..9_u32 {
        world.registry.take_seat();
    }
    pass_blocks(1);
    let job = world.drawn(terms());
    world.vote(job, 0, votes(Verdict::Accept, 3));
    world.settle(job, 0);
    assert_eq!(world.state(job, 0), TaskState::Paid);
    assert_eq!(world.purse(verifier(0)), PURSE / 2 - 10 * SEAT_BOND + 3 * FEE);
}
