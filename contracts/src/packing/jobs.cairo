//! Jobs: what is agreed, and what changes.

use starknet::storage_access::StorePacking;
use crate::state::Progress;
use crate::types::{Lane, Terms};
use super::cells::{BIT, DIGIT, MOMENT, WORD, flag, halves, join, put, take};

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
        put(ref rest, lane_digit(value.lane), BIT);
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
            lane: lane_of(take(ref rest, BIT)),
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

fn lane_digit(lane: Lane) -> u8 {
    match lane {
        Lane::Exact => 0,
        Lane::Hash => 1,
    }
}

fn lane_of(digit: u8) -> Lane {
    match digit {
        0 => Lane::Exact,
        _ => Lane::Hash,
    }
}
