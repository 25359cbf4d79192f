//! What the audit seed decides: audited or not, and who sits on the committee. Pure, and equal to
//! its namesakes in `src/domain/sampling.py`, so that anyone can draw again what was drawn here.
//!
//! H is Poseidon over a span of felts (`poseidon_hash_span`), words are short strings, and hashes
//! are reduced as the integers they are. The modulo favours no result by more than 1 part in
//! 2^219.

use core::poseidon::poseidon_hash_span;
use starknet::ContractAddress;
use super::round::NO_SEAT;
use super::types::{Cid, Ground, Reveal, Verdict};

/// Tries per place before it stays empty.
pub const TRIES: u32 = 32;
const BPS: u256 = 10_000;

/// One round of one attempt at one task, on one contract of one chain.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct RoundId {
    pub chain_id: felt252,
    pub contract: ContractAddress,
    pub job_id: u64,
    pub task: u32,
    pub attempt: u32,
    pub round: u8,
}

/// Who may sit on a committee.
pub trait SeatBook<T> {
    fn may_sit(self: @T, slot: u32) -> bool;
}

/// H(codec, digest low, digest high).
pub fn result_commitment(result: @Cid) -> felt252 {
    poseidon_hash_span(
        array![(*result.codec).into(), (*result.digest.low).into(), (*result.digest.high).into()]
            .span(),
    )
}

/// H('TILEPROOF_AUDIT', chain, contract, job, task, attempt, round, result commitment, block hash).
pub fn audit_seed(id: @RoundId, result: @Cid, block_hash: felt252) -> felt252 {
    let mut felts = tagged('TILEPROOF_AUDIT', id);
    felts.append(result_commitment(result));
    felts.append(block_hash);
    poseidon_hash_span(felts.span())
}

/// H(seed, 'audit') mod 10,000 < rate.
pub fn is_audited(seed: felt252, audit_rate_bps: u16) -> bool {
    let hash: u256 = poseidon_hash_span(array![seed, 'audit'].span()).into();
    hash % BPS < audit_rate_bps.into()
}

/// The slots of a committee. For place i, tries t = 0..31 fall on slot
/// H(seed, 'seat', i, t) mod seat_count; the first that does not sit yet and may sit is taken, and
/// NO_SEAT when none of them is. The book leaves out the requester, the claimant, and the owners of the
/// committee that a redraw follows, or that an appeal's committee judges.
pub fn committee<T, +SeatBook<T>>(
    seed: felt252, committee_size: u8, seat_count: u32, book: @T,
) -> Span<u32> {
    let mut seats: Array<u32> = array![];
    for place in 0..committee_size {
        let seat = draw_seat(seed, place, seat_count, seats.span(), book);
        seats.append(seat);
    }
    seats.span()
}

fn draw_seat<T, +SeatBook<T>>(
    seed: felt252, place: u8, seat_count: u32, taken: Span<u32>, book: @T,
) -> u32 {
    if seat_count == 0 {
        return NO_SEAT;
    }
    let mut seat = NO_SEAT;
    for try in 0..TRIES {
        let hash: u256 = poseidon_hash_span(
            array![seed, 'seat', place.into(), try.into()].span(),
        )
            .into();
        let slot: u32 = (hash % seat_count.into()).try_into().unwrap();
        if !contains(taken, slot) && book.may_sit(slot) {
            seat = slot;
            break;
        }
    }
    seat
}

fn contains(slots: Span<u32>, slot: u32) -> bool {
    let mut found = false;
    for other in slots {
        if *other == slot {
            found = true;
            break;
        }
    }
    found
}

/// H('TILEPROOF_VERDICT', chain, contract, job, task, attempt, round, seat, verdict, ground, index,
/// evidence codec, evidence digest low, evidence digest high, salt); `seat` is the index in the
/// committee, verdict and ground are their variants' indices.
pub fn verdict_commitment(id: @RoundId, reveal: @Reveal) -> felt252 {
    let mut felts = tagged('TILEPROOF_VERDICT', id);
    felts.append((*reveal.seat).into());
    felts.append(verdict_index(*reveal.verdict));
    felts.append(ground_index(*reveal.ground));
    felts.append((*reveal.index).into());
    felts.append((*reveal.evidence.codec).into());
    felts.append((*reveal.evidence.digest.low).into());
    felts.append((*reveal.evidence.digest.high).into());
    felts.append(*reveal.salt);
    poseidon_hash_span(felts.span())
}

fn tagged(tag: felt252, id: @RoundId) -> Array<felt252> {
    array![
        tag, *id.chain_id, (*id.contract).into(), (*id.job_id).into(), (*id.task).into(),
        (*id.attempt).into(), (*id.round).into(),
    ]
}

fn verdict_index(verdict: Verdict) -> felt252 {
    match verdict {
        Verdict::Accept => 0,
        Verdict::Reject => 1,
        Verdict::Inconclusive => 2,
        Verdict::Unavailable => 3,
    }
}

fn ground_index(ground: Ground) -> felt252 {
    match ground {
        Ground::None => 0,
        Ground::Tile => 1,
        Ground::Missing => 2,
        Ground::Undecodable => 3,
        Ground::WrongFormat => 4,
    }
}
