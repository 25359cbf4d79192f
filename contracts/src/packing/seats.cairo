//! Seats, and how many there are.

use starknet::storage_access::StorePacking;
use crate::seats::{SeatCell, SeatTally};
use super::cells::{BIT, WORD, flag, halves, join, put, take};

pub impl SeatPacking of StorePacking<SeatCell, felt252> {
    #[inline(never)]
    fn pack(value: SeatCell) -> felt252 {
        let mut high = 0;
        put(ref high, value.since_block, WORD);
        put(ref high, value.leaving_block, WORD);
        put(ref high, value.link, WORD);
        put(ref high, flag(value.collected), BIT);
        join(value.bond, high)
    }

    #[inline(never)]
    fn unpack(value: felt252) -> SeatCell {
        let (bond, mut high) = halves(value);
        SeatCell {
            bond,
            collected: take::<u8>(ref high, BIT) == 1,
            link: take(ref high, WORD),
            leaving_block: take(ref high, WORD),
            since_block: take(ref high, WORD),
        }
    }
}

pub impl TallyPacking of StorePacking<SeatTally, felt252> {
    #[inline(never)]
    fn pack(value: SeatTally) -> felt252 {
        let mut low = 0;
        put(ref low, value.slots, WORD);
        put(ref low, value.active, WORD);
        put(ref low, value.newest_block, WORD);
        put(ref low, value.taken_in_newest, WORD);
        join(low, value.free.into())
    }

    #[inline(never)]
    fn unpack(value: felt252) -> SeatTally {
        let (mut low, free) = halves(value);
        SeatTally {
            free: free.try_into().unwrap(),
            taken_in_newest: take(ref low, WORD),
            newest_block: take(ref low, WORD),
            active: take(ref low, WORD),
            slots: take(ref low, WORD),
        }
    }
}
