//! How records share storage cells: a new cell costs 462k L2 gas, rewriting one 60k.
//!
//! A cell holds a `low` half of 128 bits and a `high` half of at most 122. Fields are pushed onto a
//! half like digits of a number, so they come off in the reverse order.

use core::num::traits::DivRem;
use starknet::storage_access::StorePacking;
use super::state::{Kind, MAX_COMMITTEE, TaskRecord, Vote, Votes};
use super::types::{Cid, Outcome, Terms, Totals};

const TWO_128: felt252 = 0x100000000000000000000000000000000;
/// No amount and no half reaches this; `Escrow` refuses to hold as much.
pub const HIGH_LIMIT: u128 = 0x4000000000000000000000000000000;
const BIT: u128 = 0x2;
const DIGIT: u128 = 0x8;
const WORD: u128 = 0x100000000;
const MOMENT: u128 = 0x10000000000;

#[inline(never)]
pub fn join(low: u128, high: u128) -> felt252 {
    assert(high < HIGH_LIMIT, 'CELL_OVERFLOW');
    low.into() + high.into() * TWO_128
}

#[inline(never)]
pub fn halves(cell: felt252) -> (u128, u128) {
    let value: u256 = cell.into();
    (value.low, value.high)
}

/// Pushes a field of `size` possible values onto a half.
fn put<T, +Into<T, u128>, +Drop<T>>(ref half: u128, value: T, size: u128) {
    push(ref half, value.into(), size)
}

#[inline(never)]
fn push(ref half: u128, value: u128, size: u128) {
    assert(value < size, 'FIELD_OVERFLOW');
    half = half * size + value;
}

/// Takes the field off that was pushed last.
#[inline(never)]
fn take<T, +TryInto<u128, T>>(ref half: u128, size: u128) -> T {
    pop(ref half, size).try_into().unwrap()
}

#[inline(never)]
fn pop(ref half: u128, size: u128) -> u128 {
    let (rest, field) = DivRem::div_rem(half, size.try_into().unwrap());
    half = rest;
    field
}

/// One task, one cell. Blocks are stored as u32: enough for 270 years of 2-second blocks.
pub impl TaskPacking of StorePacking<TaskRecord, felt252> {
    #[inline(never)]
    fn pack(value: TaskRecord) -> felt252 {
        let mut low = 0;
        put(ref low, value.claim_block, WORD);
        put(ref low, value.submit_block, WORD);
        put(ref low, value.seed_block, WORD);
        put(ref low, value.draw_block, WORD);
        let mut high = 0;
        put(ref high, value.lease_until, MOMENT);
        put(ref high, value.attempt, WORD);
        put(ref high, value.seat_count, WORD);
        put(ref high, kind_digit(value.kind), DIGIT);
        put(ref high, outcome_digit(value.outcome), DIGIT);
        put(ref high, value.failures, DIGIT);
        put(ref high, value.round, 4);
        put(ref high, flag(value.audited), BIT);
        join(low, high)
    }

    #[inline(never)]
    fn unpack(value: felt252) -> TaskRecord {
        let (mut low, mut high) = halves(value);
        TaskRecord {
            audited: take::<u8>(ref high, BIT) == 1,
            round: take(ref high, 4),
            failures: take(ref high, DIGIT),
            outcome: outcome_of(take(ref high, DIGIT)),
            kind: kind_of(take(ref high, DIGIT)),
            seat_count: take(ref high, WORD),
            attempt: take(ref high, WORD),
            lease_until: take(ref high, MOMENT),
            draw_block: take(ref low, WORD),
            seed_block: take(ref low, WORD),
            submit_block: take(ref low, WORD),
            claim_block: take(ref low, WORD),
        }
    }
}

/// A result's CID takes two cells: its 256-bit digest does not fit in one felt. The ledger keeps
/// it whole, not only its hash, so that what was submitted can be read without an event index.
pub impl CidPacking of StorePacking<Cid, (felt252, felt252)> {
    #[inline(never)]
    fn pack(value: Cid) -> (felt252, felt252) {
        (value.digest.low.into(), join(value.digest.high, value.codec.into()))
    }

    #[inline(never)]
    fn unpack(value: (felt252, felt252)) -> Cid {
        let (first, second) = value;
        let (low, _) = halves(first);
        let (high, codec) = halves(second);
        Cid { codec: codec.try_into().unwrap(), digest: u256 { low, high } }
    }
}

pub impl TermsPacking of StorePacking<Terms, (felt252, felt252, felt252)> {
    #[inline(never)]
    fn pack(value: Terms) -> (felt252, felt252, felt252) {
        let mut windows = 0;
        put(ref windows, value.commit_blocks, WORD);
        put(ref windows, value.reveal_blocks, WORD);
        put(ref windows, value.appeal_blocks, WORD);
        let mut rest = 0;
        put(ref rest, value.deadline, MOMENT);
        put(ref rest, value.lease_seconds, WORD);
        put(ref rest, value.audit_rate_bps, 0x10000);
        put(ref rest, value.committee_size, DIGIT);
        (join(value.reward, windows), join(value.audit_fee, rest), value.worker_bond.into())
    }

    #[inline(never)]
    fn unpack(value: (felt252, felt252, felt252)) -> Terms {
        let (first, second, third) = value;
        let (reward, mut windows) = halves(first);
        let (audit_fee, mut rest) = halves(second);
        let (worker_bond, _) = halves(third);
        Terms {
            reward,
            audit_fee,
            worker_bond,
            committee_size: take(ref rest, DIGIT),
            audit_rate_bps: take(ref rest, 0x10000),
            lease_seconds: take(ref rest, WORD),
            deadline: take(ref rest, MOMENT),
            appeal_blocks: take(ref windows, WORD),
            reveal_blocks: take(ref windows, WORD),
            commit_blocks: take(ref windows, WORD),
        }
    }
}

/// What changes about a job while it lives.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct Progress {
    pub task_count: u32,
    pub created_block: u64,
    pub paid: u32,
    pub refunded: u32,
    /// Where the next sweep of `close_job` starts.
    pub swept: u32,
    pub paused: bool,
    pub closed: bool,
}

pub impl ProgressPacking of StorePacking<Progress, felt252> {
    #[inline(never)]
    fn pack(value: Progress) -> felt252 {
        let mut low = 0;
        put(ref low, value.task_count, WORD);
        put(ref low, value.paid, WORD);
        put(ref low, value.refunded, WORD);
        let mut high = 0;
        put(ref high, value.created_block, WORD);
        put(ref high, value.swept, WORD);
        put(ref high, flag(value.paused), BIT);
        put(ref high, flag(value.closed), BIT);
        join(low, high)
    }

    #[inline(never)]
    fn unpack(value: felt252) -> Progress {
        let (mut low, mut high) = halves(value);
        Progress {
            closed: take::<u8>(ref high, BIT) == 1,
            paused: take::<u8>(ref high, BIT) == 1,
            swept: take(ref high, WORD),
            created_block: take(ref high, WORD),
            refunded: take(ref low, WORD),
            paid: take(ref low, WORD),
            task_count: take(ref low, WORD),
        }
    }
}

/// Seven votes and two blocks in one cell.
pub impl VotesPacking of StorePacking<Votes, felt252> {
    #[inline(never)]
    fn pack(value: Votes) -> felt252 {
        let mut low = 0;
        put(ref low, value.sealed_block, WORD);
        put(ref low, value.opened_block, WORD);
        // The first vote comes off first.
        for i in 0..MAX_COMMITTEE {
            put(ref low, vote_digit(*value.votes[MAX_COMMITTEE - 1 - i]), DIGIT);
        }
        join(low, 0)
    }

    #[inline(never)]
    fn unpack(value: felt252) -> Votes {
        let (mut low, _) = halves(value);
        let mut votes = array![];
        for _ in 0..MAX_COMMITTEE {
            votes.append(vote_of(take(ref low, DIGIT)));
        }
        let opened_block = take(ref low, WORD);
        let sealed_block = take(ref low, WORD);
        Votes { sealed_block, opened_block, votes: votes.span() }
    }
}

/// Up to seven slots in one cell: three in each half, the seventh split over both.
#[inline(never)]
pub fn pack_slots(slots: Span<u32>) -> felt252 {
    let mut low = 0;
    let mut high = 0;
    let last: u32 = if slots.len() == MAX_COMMITTEE {
        *slots[6]
    } else {
        0
    };
    let (upper, lower) = DivRem::div_rem(last, 0x10000);
    put(ref low, lower, 0x10000);
    put(ref high, upper, 0x10000);
    // The first slot comes off first.
    for i in 0..6_u32 {
        let place = 5 - i;
        let slot = if place < slots.len() {
            *slots[place]
        } else {
            0
        };
        if place < 3 {
            put(ref low, slot, WORD);
        } else {
            put(ref high, slot, WORD);
        }
    }
    join(low, high)
}

#[inline(never)]
pub fn unpack_slots(cell: felt252, count: u32) -> Span<u32> {
    let (mut low, mut high) = halves(cell);
    let mut slots = array![];
    for place in 0..count {
        if place < 3 {
            slots.append(take(ref low, WORD));
        } else if place < 6 {
            slots.append(take(ref high, WORD));
        } else {
            let upper: u32 = take(ref high, 0x10000);
            slots.append(upper * 0x10000 + take(ref low, 0x10000));
        }
    }
    slots.span()
}

/// A seat but for its owner, who has a cell of his own.
pub impl SeatPacking of StorePacking<SeatCell, felt252> {
    #[inline(never)]
    fn pack(value: SeatCell) -> felt252 {
        let mut high = 0;
        put(ref high, value.since_block, WORD);
        put(ref high, value.leaving_block, WORD);
        put(ref high, flag(value.collected), BIT);
        join(value.bond, high)
    }

    #[inline(never)]
    fn unpack(value: felt252) -> SeatCell {
        let (bond, mut high) = halves(value);
        SeatCell {
            bond,
            collected: take::<u8>(ref high, BIT) == 1,
            leaving_block: take(ref high, WORD),
            since_block: take(ref high, WORD),
        }
    }
}

#[derive(Copy, Drop, PartialEq, Debug)]
pub struct SeatCell {
    pub bond: u128,
    pub since_block: u64,
    pub leaving_block: u64,
    pub collected: bool,
}

/// How many there are, and how many of them are active: of all seats, or of one owner's.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct SeatTally {
    pub taken: u32,
    pub active: u32,
}

pub impl TallyPacking of StorePacking<SeatTally, felt252> {
    #[inline(never)]
    fn pack(value: SeatTally) -> felt252 {
        join(value.taken.into(), value.active.into())
    }

    #[inline(never)]
    fn unpack(value: felt252) -> SeatTally {
        let (taken, active) = halves(value);
        SeatTally { taken: taken.try_into().unwrap(), active: active.try_into().unwrap() }
    }
}

#[derive(Copy, Drop, PartialEq, Debug)]
pub struct Account {
    pub withdrawable: u128,
    pub worker_bonds: u128,
}

pub impl AccountPacking of StorePacking<Account, felt252> {
    #[inline(never)]
    fn pack(value: Account) -> felt252 {
        join(value.withdrawable, value.worker_bonds)
    }

    #[inline(never)]
    fn unpack(value: felt252) -> Account {
        let (withdrawable, worker_bonds) = halves(value);
        Account { withdrawable, worker_bonds }
    }
}

pub impl TotalsPacking of StorePacking<Totals, (felt252, felt252)> {
    #[inline(never)]
    fn pack(value: Totals) -> (felt252, felt252) {
        (join(value.escrow, value.bonds), join(value.withdrawable, value.forfeited))
    }

    #[inline(never)]
    fn unpack(value: (felt252, felt252)) -> Totals {
        let (first, second) = value;
        let (escrow, bonds) = halves(first);
        let (withdrawable, forfeited) = halves(second);
        Totals { escrow, bonds, withdrawable, forfeited }
    }
}

fn flag(value: bool) -> u8 {
    if value {
        1
    } else {
        0
    }
}

fn kind_digit(kind: Kind) -> u8 {
    match kind {
        Kind::Open => 0,
        Kind::Claimed => 1,
        Kind::Submitted => 2,
        Kind::Paid => 3,
        Kind::Closed => 4,
    }
}

fn kind_of(digit: u8) -> Kind {
    match digit {
        0 => Kind::Open,
        1 => Kind::Claimed,
        2 => Kind::Submitted,
        3 => Kind::Paid,
        _ => Kind::Closed,
    }
}

fn outcome_digit(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Undecided => 0,
        Outcome::NotDrawn => 1,
        Outcome::Accepted => 2,
        Outcome::Rejected => 3,
        Outcome::Unavailable => 4,
        Outcome::NoVerdict => 5,
    }
}

fn outcome_of(digit: u8) -> Outcome {
    match digit {
        0 => Outcome::Undecided,
        1 => Outcome::NotDrawn,
        2 => Outcome::Accepted,
        3 => Outcome::Rejected,
        4 => Outcome::Unavailable,
        _ => Outcome::NoVerdict,
    }
}

fn vote_digit(vote: Vote) -> u8 {
    match vote {
        // An empty place is known by its slot.
        Vote::Silent | Vote::Empty => 0,
        Vote::Sealed => 1,
        Vote::Accept => 2,
        Vote::Reject => 3,
        Vote::Inconclusive => 4,
        Vote::Unavailable => 5,
    }
}

fn vote_of(digit: u8) -> Vote {
    match digit {
        0 => Vote::Silent,
        1 => Vote::Sealed,
        2 => Vote::Accept,
        3 => Vote::Reject,
        4 => Vote::Inconclusive,
        _ => Vote::Unavailable,
    }
}
