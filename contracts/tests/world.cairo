//! A registry with its token, a requester, workers and verifiers, and short words for what they do.

use core::num::traits::Zero;
use starknet::syscalls::deploy_syscall;
use starknet::testing::{
    set_block_hash, set_block_number, set_block_timestamp, set_chain_id, set_contract_address,
};
use starknet::{ContractAddress, get_block_number, get_block_timestamp};
use tileproof::draw::{RoundId, verdict_commitment};
use tileproof::interface::{
    IRegistryDispatcher, IRegistryDispatcherTrait, IRegistrySafeDispatcher,
};
use tileproof::registry::Registry;
use tileproof::round::NO_SEAT;
use tileproof::state::HASH_AGE;
use tileproof::types::{
    Appeal, Bounds, Cid, Commitment, Ground, Outcome, Question, Reveal, TaskResult, TaskState,
    Terms, Verdict,
};
use crate::cases::{START, bounds};
use crate::token::{ITestTokenDispatcher, ITestTokenDispatcherTrait, TestToken};

/// What every account of the cast gets into its wallet.
pub const PURSE: u128 = 100_000;
pub const CHAIN: felt252 = 'TESTCHAIN';
pub const START_BLOCK: u64 = 1000;

pub fn requester() -> ContractAddress {
    'requester'.try_into().unwrap()
}

pub fn worker() -> ContractAddress {
    'worker'.try_into().unwrap()
}

pub fn other_worker() -> ContractAddress {
    'other_worker'.try_into().unwrap()
}

pub fn passer_by() -> ContractAddress {
    'passer_by'.try_into().unwrap()
}

pub fn verifier(i: u32) -> ContractAddress {
    ('verifier' + i.into()).try_into().unwrap()
}

pub fn result() -> Cid {
    Cid { codec: 0x70, digest: 0xfeed_0000000000000000000000000000000000000000000000000000_beef }
}

pub fn evidence() -> Cid {
    Cid { codec: 0x70, digest: 0xe71de7ce }
}

#[derive(Copy, Drop)]
pub struct World {
    pub registry: IRegistryDispatcher,
    /// The same, with refusals as values.
    pub trying: IRegistrySafeDispatcher,
    pub token: ITestTokenDispatcher,
    /// Verifiers there are.
    pub seats: u32,
}

/// Does nothing but say who calls from now on.
pub fn act_as(account: ContractAddress) {
    set_contract_address(account);
}

pub fn pass_blocks(count: u64) {
    set_block_number(get_block_number() + count);
}

pub fn pass_seconds(count: u64) {
    set_block_timestamp(get_block_timestamp() + count);
}

/// A refusal for exactly this reason.
pub fn refused<T, +Drop<T>>(answer: Result<T, Array<felt252>>, reason: felt252) {
    match answer {
        Ok(_) => core::panic_with_felt252('was not refused'),
        Err(data) => assert_eq!(*data[0], reason),
    }
}

#[generate_trait]
pub impl WorldImpl of WorldTrait {
    /// Requester, workers and passer-by with full wallets and half of them deposited; `seats`
    /// verifiers with a seat each, taken before the present block.
    fn with_seats(seats: u32) -> World {
        set_block_number(START_BLOCK);
        set_block_timestamp(START);
        set_chain_id(CHAIN);
        let token = ITestTokenDispatcher { contract_address: deploy_token() };
        let registry = deploy_registry(token.contract_address, bounds()).unwrap();
        let world = World {
            registry: IRegistryDispatcher { contract_address: registry },
            trying: IRegistrySafeDispatcher { contract_address: registry },
            token,
            seats,
        };
        let mut cast = array![requester(), worker(), other_worker(), passer_by()];
        for i in 0..seats {
            cast.append(verifier(i));
        }
        token.endow(cast.span(), PURSE.into(), registry);
        for account in cast {
            act_as(account);
            world.registry.deposit(PURSE / 2);
        }
        for i in 0..seats {
            act_as(verifier(i));
            assert_eq!(world.registry.take_seat(), i);
        }
        pass_blocks(1);
        world
    }

    fn create(self: @World, terms: Terms, tasks: u32) -> u64 {
        act_as(requester());
        (*self.registry).create_job(0xcafe, tasks, terms)
    }

    fn claim(self: @World, who: ContractAddress, job: u64, task: u32) {
        act_as(who);
        (*self.registry).claim(job, [task].span());
    }

    fn submit(self: @World, who: ContractAddress, job: u64, task: u32) {
        act_as(who);
        (*self.registry).submit(job, [TaskResult { task, result: result() }].span());
    }

    /// Makes the task's next draw possible, with a block hash of the test's choice.
    fn mature(self: @World, job: u64, task: u32, hash: felt252) {
        let seed_block = (*self.registry).get_task(job, task).seed_block;
        set_block_hash(seed_block, hash);
        if get_block_number() < seed_block + HASH_AGE {
            set_block_number(seed_block + HASH_AGE);
        }
    }

    fn draw(self: @World, job: u64, task: u32) {
        self.mature(job, task, 'hash');
        act_as(passer_by());
        (*self.registry).draw(job, [task].span());
    }

    /// A claimed, submitted and drawn task.
    fn drawn(self: @World, terms: Terms) -> u64 {
        let job = self.create(terms, 1);
        self.claim(worker(), job, 0);
        self.submit(worker(), job, 0);
        self.draw(job, 0);
        job
    }

    /// The owner of the i-th place, if anyone sits there.
    fn sitter(self: @World, job: u64, task: u32, place: u32) -> Option<ContractAddress> {
        let slot = *(*self.registry).get_task(job, task).seats[place];
        if slot == NO_SEAT {
            None
        } else {
            Some((*self.registry).get_seat(slot).owner)
        }
    }

    fn round_id(self: @World, job: u64, task: u32) -> RoundId {
        let view = (*self.registry).get_task(job, task);
        RoundId {
            chain_id: CHAIN,
            contract: *self.registry.contract_address,
            job_id: job,
            task,
            attempt: view.attempt,
            round: view.round,
        }
    }

    /// What the seat sends before it reveals.
    fn sealed(self: @World, job: u64, reveal: Reveal) -> Commitment {
        let id = self.round_id(job, reveal.task);
        let commitment = verdict_commitment(@id, @reveal);
        let Reveal { task, seat, .. } = reveal;
        Commitment { task, attempt: id.attempt, round: id.round, seat, commitment }
    }

    fn commit(self: @World, job: u64, reveal: Reveal) {
        act_as(self.sitter(job, reveal.task, reveal.seat.into()).unwrap());
        (*self.registry).commit(job, [self.sealed(job, reveal)].span());
    }

    fn reveal(self: @World, job: u64, reveal: Reveal) {
        act_as(self.sitter(job, reveal.task, reveal.seat.into()).unwrap());
        (*self.registry).reveal(job, [reveal].span());
    }

    /// One vote per place of the drawn committee; None stays silent. All seats that vote commit and
    /// reveal; when somebody is silent the commit window is waited out.
    fn vote(self: @World, job: u64, task: u32, verdicts: Span<Option<Verdict>>) {
        for i in 0..verdicts.len() {
            if let Some(verdict) = *verdicts[i] {
                self.commit(job, ballot(task, i, verdict));
            }
        }
        let view = (*self.registry).get_task(job, task);
        if view.state == TaskState::Committing {
            set_block_number(view.window_ends_block);
        }
        for i in 0..verdicts.len() {
            if let Some(verdict) = *verdicts[i] {
                self.reveal(job, ballot(task, i, verdict));
            }
        }
    }

    fn appeal(self: @World, who: ContractAddress, job: u64, appeal: Appeal) {
        act_as(who);
        (*self.registry).appeal(job, [appeal].span());
    }

    /// From a drawn task through an appeal to its settlement: what the first committee says, what
    /// is appealed by whom, what the appeal's committee says.
    fn run_appeal(
        self: @World,
        job: u64,
        first: Span<Option<Verdict>>,
        who: ContractAddress,
        appeal: Appeal,
        second: Span<Option<Verdict>>,
    ) {
        self.vote(job, 0, first);
        self.appeal(who, job, appeal);
        self.draw(job, 0);
        self.vote(job, 0, second);
        self.settle(job, 0);
    }

    /// Lets the appeal window pass, unless an appeal has ended it, and settles.
    fn settle(self: @World, job: u64, task: u32) {
        let view = (*self.registry).get_task(job, task);
        if view.state != TaskState::Settleable {
            assert_eq!(view.state, TaskState::Provisional);
            set_block_number(view.window_ends_block);
        }
        act_as(passer_by());
        (*self.registry).settle(job, [task].span());
        self.check_money();
    }

    /// From an open task to its settlement.
    fn run(self: @World, job: u64, task: u32, verdicts: Span<Option<Verdict>>) {
        self.claim(worker(), job, task);
        pass_blocks(1);
        self.submit(worker(), job, task);
        self.draw(job, task);
        self.vote(job, task, verdicts);
        self.settle(job, task);
    }

    fn state(self: @World, job: u64, task: u32) -> TaskState {
        (*self.registry).get_task(job, task).state
    }

    fn outcome(self: @World, job: u64, task: u32) -> Outcome {
        (*self.registry).get_task(job, task).outcome
    }

    fn purse(self: @World, account: ContractAddress) -> u128 {
        (*self.registry).get_balances(account).withdrawable
    }

    fn forfeited(self: @World) -> u128 {
        (*self.registry).get_totals().forfeited
    }

    fn seat_bond(self: @World, slot: u32) -> u128 {
        (*self.registry).get_seat(slot).bond
    }

    /// escrow + bonds + withdrawable + forfeited = the token balance, and the totals are the sums
    /// of what the accounts have.
    fn check_money(self: @World) {
        let totals = (*self.registry).get_totals();
        let held = totals.escrow + totals.bonds + totals.withdrawable + totals.forfeited;
        let balance = (*self.token).balance_of(*self.registry.contract_address);
        assert_eq!(balance, held.into());
        let mut withdrawable = 0;
        let mut bonds = 0;
        let mut cast = array![requester(), worker(), other_worker(), passer_by()];
        for i in 0..*self.seats {
            cast.append(verifier(i));
        }
        for account in cast {
            let balances = (*self.registry).get_balances(account);
            withdrawable += balances.withdrawable;
            bonds += balances.worker_bonds + balances.appeal_bonds + balances.seat_bonds;
        }
        assert_eq!(totals.withdrawable, withdrawable);
        assert_eq!(totals.bonds, bonds);
    }
}

/// What a seat of the cast says: rejects name tile 3.
pub fn ballot(task: u32, place: u32, verdict: Verdict) -> Reveal {
    let (ground, index) = if verdict == Verdict::Reject {
        (Ground::Tile, 3)
    } else {
        (Ground::None, 0)
    };
    Reveal {
        task,
        seat: place.try_into().unwrap(),
        verdict,
        ground,
        index,
        evidence: evidence(),
        salt: 'salt' + place.into(),
    }
}

/// What the cast asks about a reject of its own: tile 3 of the list.
pub fn about_tile() -> Appeal {
    Appeal { task: 0, question: Question::ListedTile, position: 0, tile: 3 }
}

pub fn votes(verdict: Verdict, count: u32) -> Span<Option<Verdict>> {
    let mut all = array![];
    for _ in 0..count {
        all.append(Some(verdict));
    }
    all.span()
}

pub fn deploy_token() -> ContractAddress {
    let (address, _) = deploy_syscall(
        TestToken::TEST_CLASS_HASH.try_into().unwrap(), 0, [].span(), false,
    )
        .unwrap();
    address
}

pub fn deploy_registry(
    token: ContractAddress, bounds: Bounds,
) -> Result<ContractAddress, Array<felt252>> {
    let mut calldata = array![token.into()];
    bounds.serialize(ref calldata);
    match deploy_syscall(
        Registry::TEST_CLASS_HASH.try_into().unwrap(), 0, calldata.span(), false,
    ) {
        Ok((address, _)) => {
            assert(address.is_non_zero(), 'no address');
            Ok(address)
        },
        Err(data) => Err(data),
    }
}
