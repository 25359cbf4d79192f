//! Rounds: slots, votes and what a reject names. The size of a round's committee is known from its
//! job's terms, so nothing is stored for places that it does not have.

use core::num::traits::DivRem;
use crate::round::{Charge, Vote, Votes};
use crate::types::Ground;
use super::cells::{DIGIT, WORD, halves, join, put, take};

pub const SLOTS_PER_CELL: u32 = 7;

/// The votes of up to fifteen places, and two blocks, in one cell.
#[inline(never)]
pub fn pack_votes(value: Votes) -> felt252 {
    let mut low = 0;
    put(ref low, value.sealed_block, WORD);
    put(ref low, value.opened_block, WORD);
    // The first vote comes off first.
    let count = value.votes.len();
    for i in 0..count {
        put(ref low, vote_digit(*value.votes[count - 1 - i]), DIGIT);
    }
    join(low, 0)
}

#[inline(never)]
pub fn unpack_votes(cell: felt252, count: u32) -> Votes {
    let (mut low, _) = halves(cell);
    let mut votes = array![];
    for _ in 0..count {
        votes.append(vote_of(take(ref low, DIGIT)));
    }
    let opened_block = take(ref low, WORD);
    let sealed_block = take(ref low, WORD);
    Votes { sealed_block, opened_block, votes: votes.span() }
}

/// Up to seven slots in one cell: three in each half, the seventh split over both.
#[inline(never)]
pub fn pack_slots(slots: Span<u32>) -> felt252 {
    let mut low = 0;
    let mut high = 0;
    let last: u32 = if slots.len() == SLOTS_PER_CELL {
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

/// What a reject names, in the cell in which its verdict lay sealed.
pub fn pack_charge(value: Charge) -> felt252 {
    let mut low = 0;
    put(ref low, value.index, WORD);
    put(ref low, ground_digit(value.ground), DIGIT);
    join(low, 0)
}

pub fn unpack_charge(cell: felt252) -> Charge {
    let (mut low, _) = halves(cell);
    Charge { ground: ground_of(take(ref low, DIGIT)), index: take(ref low, WORD) }
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

fn ground_digit(ground: Ground) -> u8 {
    match ground {
        Ground::None => 0,
        Ground::Tile => 1,
        Ground::Missing => 2,
        Ground::Undecodable => 3,
        Ground::WrongFormat => 4,
    }
}

fn ground_of(digit: u8) -> Ground {
    match digit {
        0 => Ground::None,
        1 => Ground::Tile,
        2 => Ground::Missing,
        3 => Ground::Undecodable,
        _ => Ground::WrongFormat,
    }
}
