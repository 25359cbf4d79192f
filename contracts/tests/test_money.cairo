use tileproof::interface::{IRegistryDispatcherTrait, IRegistrySafeDispatcherTrait};
use tileproof::packing::cells::HIGH_LIMIT;
use tileproof::types::{Terms, Verdict};
use crate::token::{ITestTokenDispatcherTrait, Manner, REENTRIES};
use crate::cases::{START, bounds, terms};
use crate::world::{
    PURSE, WorldTrait, act_as, other_worker, pass_blocks, passer_by, refused, requester, verifier,
    votes, worker,
};

#[test]
fn test_what_is_deposited_can_be_withdrawn() {
    let world = WorldTrait::with_seats(0);
    act_as(worker());
    world.registry.deposit(500);
    assert_eq!(world.purse(worker()), PURSE / 2 + 500);
    world.registry.withdraw(PURSE / 2 + 500);
    assert_eq!(world.purse(worker()), 0);
    assert_eq!(world.token.balance_of(worker()), PURSE.into());
    world.check_money();
}

#[test]
#[feature("safe_dispatcher")]
fn test_amount_zero_is_neither_deposited_nor_withdrawn() {
    let world = WorldTrait::with_seats(0);
    act_as(worker());
    refused(world.trying.withdraw(0), 'AMOUNT_ZERO');
    refused(world.trying.deposit(0), 'AMOUNT_ZERO');
}

#[test]
#[feature("safe_dispatcher")]
fn test_balance_too_low_for_a_withdrawal() {
    let world = WorldTrait::with_seats(0);
    act_as(worker());
    refused(world.trying.withdraw(PURSE / 2 + 1), 'BALANCE_TOO_LOW');
    act_as('pauper'.try_into().unwrap());
    refused(world.trying.withdraw(1), 'BALANCE_TOO_LOW');
}

#[test]
#[feature("safe_dispatcher")]
fn test_a_locked_bond_cannot_be_withdrawn() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    world.claim(worker(), job, 0);
    refused(world.trying.withdraw(PURSE / 2), 'BALANCE_TOO_LOW');
}

#[test]
#[feature("safe_dispatcher")]
fn test_token_refused_is_believed() {
    let world = WorldTrait::with_seats(0);
    world.token.behave(Manner::Refuses);
    act_as(worker());
    refused(world.trying.deposit(10), 'TOKEN_REFUSED');
    refused(world.trying.withdraw(10), 'TOKEN_REFUSED');
    act_as(requester());
    refused(world.trying.create_job(1, 1, terms()), 'TOKEN_REFUSED');
}

#[test]
#[feature("safe_dispatcher")]
fn test_token_miscounted_is_not_believed() {
    let world = WorldTrait::with_seats(0);
    world.token.behave(Manner::Miscounts);
    act_as(worker());
    refused(world.trying.deposit(10), 'TOKEN_MISCOUNTED');
    refused(world.trying.withdraw(10), 'TOKEN_MISCOUNTED');
    act_as(requester());
    refused(world.trying.create_job(1, 1, terms()), 'TOKEN_MISCOUNTED');
}

#[test]
#[feature("safe_dispatcher")]
fn test_reentered_through_no_door_while_the_token_is_called() {
    let world = WorldTrait::with_seats(1);
    world.create(terms(), 1);
    for call in 0..REENTRIES {
        world.token.behave(Manner::Reenters(call));
        act_as(worker());
        refused(world.trying.deposit(10), 'REENTERED');
        refused(world.trying.withdraw(10), 'REENTERED');
        act_as(requester());
        refused(world.trying.create_job(1, 1, terms()), 'REENTERED');
    }
}

#[test]
#[feature("safe_dispatcher")]
fn test_holds_too_much_is_more_than_its_cells_can_count() {
    let world = WorldTrait::with_seats(0);
    act_as(worker());
    world.token.approve(world.registry.contract_address, HIGH_LIMIT.into());
    world.token.mint(worker(), HIGH_LIMIT.into());
    refused(world.trying.deposit(HIGH_LIMIT), 'HOLDS_TOO_MUCH');
    let held = 4 * (PURSE / 2);
    refused(world.trying.deposit(HIGH_LIMIT - held), 'HOLDS_TOO_MUCH');
    world.registry.deposit(HIGH_LIMIT - held - 1);
    refused(world.trying.deposit(1), 'HOLDS_TOO_MUCH');
    act_as(requester());
    let dear = Terms { reward: 0xffffffffffffffffffffffff, ..terms() };
    refused(world.trying.create_job(1, 200, dear), 'HOLDS_TOO_MUCH');
    world.check_money();
}

#[test]
fn test_tokens_sent_without_a_call_belong_to_nobody_and_disturb_nothing() {
    let world = WorldTrait::with_seats(10);
    world.token.mint(world.registry.contract_address, 77);
    let job = world.create(terms(), 1);
    act_as(passer_by());
    world.registry.withdraw(5);
    let totals = world.registry.get_totals();
    let held = totals.escrow + totals.bonds + totals.withdrawable + totals.forfeited;
    assert_eq!(world.token.balance_of(world.registry.contract_address), (held + 77).into());
    world.claim(worker(), job, 0);
}

#[test]
fn test_everybody_can_empty_the_contract_but_for_what_is_forfeited() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 2);
    world.run(job, 0, votes(Verdict::Accept, 3));
    world.run(job, 1, votes(Verdict::Reject, 3));
    act_as(requester());
    world.registry.close_job(job);
    let mut accounts = array![requester(), worker(), other_worker(), passer_by()];
    for i in 0..10_u32 {
        act_as(verifier(i));
        world.registry.leave_seat(i);
        accounts.append(verifier(i));
    }
    pass_blocks(1000);
    for i in 0..10_u32 {
        act_as(verifier(i));
        world.registry.collect_seat(i);
    }
    for account in accounts {
        act_as(account);
        world.registry.withdraw(world.purse(account));
    }
    let totals = world.registry.get_totals();
    assert_eq!((totals.escrow, totals.bonds, totals.withdrawable), (0, 0, 0));
    assert_eq!(
        world.token.balance_of(world.registry.contract_address), totals.forfeited.into(),
    );
}

#[test]
fn test_the_deployments_facts_can_be_read() {
    let world = WorldTrait::with_seats(0);
    assert_eq!(world.registry.get_bounds(), bounds());
    assert_eq!(world.registry.get_token(), world.token.contract_address);
    assert!(world.registry.get_job_count() == 0 && START > 0);
}
