//! What state a task is in, computed from stored blocks, times and votes. Pure: the present is an
//! argument, and nothing here reads or writes storage.

use super::types::{Outcome, TaskState, Terms, Verdict};

/// Slot of a place in a committee for which nobody was found.
pub const NO_SEAT: u32 = 0xFFFFFFFF;
pub const MAX_COMMITTEE: u32 = 7;
/// Rounds are 0, 1 and 2: after two redraws without majority there is no verdict.
pub const LAST_ROUND: u8 = 2;
/// The third reject or unavailable closes the task.
pub const MAX_FAILURES: u8 = 3;
/// A contract can read the hash of a block that is at least this old (Starknet's rule).
pub const HASH_AGE: u64 = 10;

/// What is stored about where a task stands; the rest follows from time and votes.
#[derive(Copy, Drop, PartialEq, Debug)]
pub enum Kind {
    Open,
    Claimed,
    Submitted,
    Paid,
    Closed,
}

/// One packed cell. Fields of an earlier attempt are zeroed when the task opens again.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct TaskRecord {
    pub kind: Kind,
    pub attempt: u32,
    pub failures: u8,
    /// Set when Paid or Closed, Undecided before.
    pub outcome: Outcome,
    pub claim_block: u64,
    pub lease_until: u64,
    /// Slots there were at the claim. The draw picks among these: a seat taken after the seed
    /// could be foreseen must not move the draw.
    pub seat_count: u32,
    pub submit_block: u64,
    /// The latest round drawn, its seed's block and the block of the draw (0: none drawn yet).
    pub round: u8,
    pub seed_block: u64,
    pub draw_block: u64,
    pub audited: bool,
}

/// What one place of a committee has done.
#[derive(Copy, Drop, PartialEq, Debug)]
pub enum Vote {
    /// No seat sits here.
    Empty,
    Silent,
    /// Committed, not revealed.
    Sealed,
    Accept,
    Reject,
    Inconclusive,
    Unavailable,
}

/// One packed cell: the votes of MAX_COMMITTEE places, and the blocks of the latest commit and the
/// latest reveal, which date a phase that ended early.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct Votes {
    pub sealed_block: u64,
    pub opened_block: u64,
    pub votes: Span<Vote>,
}

/// A drawn round. `votes` has one entry per seat of the committee.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct Round {
    pub seats: Span<u32>,
    pub votes: Span<Vote>,
    pub sealed_block: u64,
    pub opened_block: u64,
}

#[derive(Copy, Drop, PartialEq, Debug)]
pub enum Phase {
    Committing,
    Revealing,
    Over,
}

#[derive(Copy, Drop, PartialEq, Debug)]
pub struct Status {
    pub state: TaskState,
    pub outcome: Outcome,
    /// As in TaskView: the round that runs or decided, or the one to be drawn next.
    pub round: u8,
    pub seed_block: u64,
    pub window_ends_block: u64,
}

/// A round that was never drawn, for tasks before their audit.
pub fn no_round() -> Round {
    Round { seats: [].span(), votes: [].span(), sealed_block: 0, opened_block: 0 }
}

/// Where a task stands at block `block` and Unix second `now`. `round` is the stored round when
/// the task is drawn and audited, and is not looked at otherwise.
pub fn status(record: @TaskRecord, round: @Round, terms: @Terms, block: u64, now: u64) -> Status {
    let record = *record;
    let plain = Status {
        state: TaskState::Open,
        outcome: record.outcome,
        round: record.round,
        seed_block: record.seed_block,
        window_ends_block: 0,
    };
    match record.kind {
        Kind::Open => plain,
        Kind::Claimed => Status {
            state: if now < record.lease_until {
                TaskState::Claimed
            } else {
                TaskState::Lapsed
            },
            ..plain,
        },
        Kind::Submitted => submitted_status(plain, @record, round, terms, block),
        Kind::Paid => Status { state: TaskState::Paid, ..plain },
        Kind::Closed => Status { state: TaskState::Closed, ..plain },
    }
}

fn submitted_status(
    plain: Status, record: @TaskRecord, round: @Round, terms: @Terms, block: u64,
) -> Status {
    let draw_block = *record.draw_block;
    if draw_block == 0 {
        return awaiting_draw(plain, *record.round, *record.seed_block, block);
    }
    if !*record.audited {
        return decided(plain, Outcome::NotDrawn, draw_block, terms, block);
    }
    let (phase, ends_block) = phase(draw_block, round, terms, block);
    match phase {
        Phase::Committing => Status {
            state: TaskState::Committing, window_ends_block: ends_block, ..plain,
        },
        Phase::Revealing => Status {
            state: TaskState::Revealing, window_ends_block: ends_block, ..plain,
        },
        Phase::Over => {
            let outcome = majority(*round.votes);
            if outcome == Outcome::NoVerdict && *record.round < LAST_ROUND {
                // The block after the failed round's end: nobody could foresee its hash while
                // the round could still be swayed.
                awaiting_draw(plain, *record.round + 1, ends_block + 1, block)
            } else {
                decided(plain, outcome, ends_block, terms, block)
            }
        },
    }
}

fn awaiting_draw(plain: Status, round: u8, seed_block: u64, block: u64) -> Status {
    let state = if block >= seed_block + HASH_AGE {
        TaskState::Drawable
    } else {
        TaskState::Submitted
    };
    Status { state, round, seed_block, ..plain }
}

/// The provisional verdict stands until its window has passed. An appeal will be raised here.
fn decided(plain: Status, outcome: Outcome, since_block: u64, terms: @Terms, block: u64) -> Status {
    let ends_block = since_block + (*terms.appeal_blocks).into();
    if block < ends_block {
        Status { state: TaskState::Provisional, outcome, window_ends_block: ends_block, ..plain }
    } else {
        Status { state: TaskState::Settleable, outcome, ..plain }
    }
}

/// The phase of a round at `block`, and the block in which it ends or, when over, has ended.
///
/// Windows are upper bounds: committing ends when every seat has committed, revealing when every
/// commitment has been opened. A place without seat is never waited for, and a round to which
/// nobody committed has nothing to reveal.
pub fn phase(draw_block: u64, round: @Round, terms: @Terms, block: u64) -> (Phase, u64) {
    let mut missing = 0_u32;
    let mut sealed = 0_u32;
    let mut opened = 0_u32;
    for vote in *round.votes {
        match vote {
            Vote::Empty => {},
            Vote::Silent => missing += 1,
            Vote::Sealed => sealed += 1,
            _ => opened += 1,
        }
    }
    let commit_ends = if missing != 0 {
        draw_block + (*terms.commit_blocks).into()
    } else if sealed + opened == 0 {
        draw_block
    } else {
        *round.sealed_block
    };
    if block < commit_ends {
        return (Phase::Committing, commit_ends);
    }
    if sealed + opened == 0 {
        return (Phase::Over, commit_ends);
    }
    let reveal_ends = if sealed != 0 {
        commit_ends + (*terms.reveal_blocks).into()
    } else {
        *round.opened_block
    };
    if block < reveal_ends {
        (Phase::Revealing, reveal_ends)
    } else {
        (Phase::Over, reveal_ends)
    }
}

/// The verdict of (n + 1) / 2 of the n places; NoVerdict where there is none, and where the
/// majority could not judge. Empty, silent and unrevealed places count towards n.
pub fn majority(votes: Span<Vote>) -> Outcome {
    let mut accepts = 0_u32;
    let mut rejects = 0_u32;
    let mut unavailables = 0_u32;
    for vote in votes {
        match vote {
            Vote::Accept => accepts += 1,
            Vote::Reject => rejects += 1,
            Vote::Unavailable => unavailables += 1,
            _ => {},
        }
    }
    let needed = (votes.len() + 1) / 2;
    if accepts >= needed {
        Outcome::Accepted
    } else if rejects >= needed {
        Outcome::Rejected
    } else if unavailables >= needed {
        Outcome::Unavailable
    } else {
        Outcome::NoVerdict
    }
}

pub fn vote_of(verdict: Verdict) -> Vote {
    match verdict {
        Verdict::Accept => Vote::Accept,
        Verdict::Reject => Vote::Reject,
        Verdict::Inconclusive => Vote::Inconclusive,
        Verdict::Unavailable => Vote::Unavailable,
    }
}

pub fn is_committed(vote: Vote) -> bool {
    vote != Vote::Empty && vote != Vote::Silent
}

pub fn verdict_of(vote: Vote) -> Option<Verdict> {
    match vote {
        Vote::Accept => Some(Verdict::Accept),
        Vote::Reject => Some(Verdict::Reject),
        Vote::Inconclusive => Some(Verdict::Inconclusive),
        Vote::Unavailable => Some(Verdict::Unavailable),
        _ => None,
    }
}

// --- moves along the graph ---

pub fn claimed(record: TaskRecord, block: u64, lease_until: u64, seat_count: u32) -> TaskRecord {
    TaskRecord { kind: Kind::Claimed, claim_block: block, lease_until, seat_count, ..record }
}

pub fn submitted(record: TaskRecord, block: u64) -> TaskRecord {
    TaskRecord { kind: Kind::Submitted, submit_block: block, seed_block: block + 1, ..record }
}

pub fn drawn(
    record: TaskRecord, round: u8, seed_block: u64, block: u64, audited: bool,
) -> TaskRecord {
    TaskRecord { round, seed_block, draw_block: block, audited, ..record }
}

/// Back to Open for the next attempt.
pub fn reopened(record: TaskRecord, failures: u8) -> TaskRecord {
    TaskRecord {
        kind: Kind::Open,
        attempt: record.attempt + 1,
        failures,
        outcome: Outcome::Undecided,
        claim_block: 0,
        lease_until: 0,
        seat_count: 0,
        submit_block: 0,
        round: 0,
        seed_block: 0,
        draw_block: 0,
        audited: false,
    }
}

/// Paid or Closed for good.
pub fn finished(record: TaskRecord, kind: Kind, failures: u8, outcome: Outcome) -> TaskRecord {
    TaskRecord { kind, failures, outcome, ..record }
}
