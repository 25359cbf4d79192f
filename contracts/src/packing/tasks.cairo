//! Tasks, their results and their appeals.

use starknet::storage_access::StorePacking;
use crate::state::{AppealRecord, Kind, TaskRecord};
use crate::types::{Cid, Outcome, Question};
use super::cells::{BIT, DIGIT, MOMENT, WORD, flag, halves, join, put, take};

/// One task, one cell.
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
        put(ref high, flag(value.appealed), BIT);
        join(low, high)
    }

    #[inline(never)]
    fn unpack(value: felt252) -> TaskRecord {
        let (mut low, mut high) = halves(value);
        TaskRecord {
            appealed: take::<u8>(ref high, BIT) == 1,
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

pub impl AppealPacking of StorePacking<AppealRecord, felt252> {
    #[inline(never)]
    fn pack(value: AppealRecord) -> felt252 {
        let mut low = 0;
        put(ref low, value.raised_block, WORD);
        put(ref low, value.draw_block, WORD);
        put(ref low, value.position, WORD);
        put(ref low, value.tile, WORD);
        let mut high = 0;
        put(ref high, question_digit(value.question), DIGIT);
        put(ref high, outcome_digit(value.against), DIGIT);
        join(low, high)
    }

    #[inline(never)]
    fn unpack(value: felt252) -> AppealRecord {
        let (mut low, mut high) = halves(value);
        AppealRecord {
            against: outcome_of(take(ref high, DIGIT)),
            question: question_of(take(ref high, DIGIT)),
            tile: take(ref low, WORD),
            position: take(ref low, WORD),
            draw_block: take(ref low, WORD),
            raised_block: take(ref low, WORD),
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

fn question_digit(question: Question) -> u8 {
    match question {
        Question::ListedTile => 0,
        Question::NamedTile => 1,
        Question::Picture => 2,
        Question::Whole => 3,
    }
}

fn question_of(digit: u8) -> Question {
    match digit {
        0 => Question::ListedTile,
        1 => Question::NamedTile,
        2 => Question::Picture,
        _ => Question::Whole,
    }
}
