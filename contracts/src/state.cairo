//! What state a task is in, computed from stored blocks, times and votes, and what each step does to
//! the stored record. Pure: the present is an argument, and nothing here reads or writes storage.

use super::decision::final_outcome;
use super::round::{APPEAL_ROUND, LAST_ROUND, Phase, Round, majority, phase};
use super::types::{Appeal, Outcome, Question, TaskState, Terms};

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
    /// The latest of the first rounds drawn, its seed's block and the block of the draw (0: none drawn yet).
    pub round: u8,
    pub seed_block: u64,
    pub draw_block: u64,
    pub audited: bool,
    /// There is an appeal; it has a cell of its own.
    pub appealed: bool,
}

/// One packed cell, written when an appeal is raised and again when its round is drawn. The task's own
/// record keeps the round that was appealed against.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct AppealRecord {
    pub against: Outcome,
    pub question: Question,
    pub position: u32,
    pub tile: u32,
    pub raised_block: u64,
    /// 0: not drawn yet.
    pub draw_block: u64,
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

#[derive(Copy, Drop, PartialEq, Debug)]
pub struct Status {
    pub state: TaskState,
    pub outcome: Outcome,
    /// As in TaskView: the round that runs or decided, or the one to be drawn next.
    pub round: u8,
    pub seed_block: u64,
    pub window_ends_block: u64,
}

/// Where a task stands at block `block` and Unix second `now`. `round` is the round that runs or has
/// run last, the appeal's once that is drawn; it is not looked at while there is none. `appeal` is
/// the stored one where the record says that there is one.
pub fn status(
    record: @TaskRecord,
    appeal: @Option<AppealRecord>,
    round: @Round,
    terms: @Terms,
    block: u64,
    now: u64,
) -> Status {
    let record = *record;
    let (current_round, seed_block) = match appeal {
        Some(appeal) => (APPEAL_ROUND, appeal_seed_block(appeal)),
        None => (record.round, record.seed_block),
    };
    let plain = Status {
        state: TaskState::Open,
        outcome: record.outcome,
        round: current_round,
        seed_block,
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
        Kind::Submitted => match appeal {
            Some(appeal) => appealed_status(plain, appeal, round, terms, block),
            None => submitted_status(plain, @record, round, terms, block),
        },
        Kind::Paid => Status { state: TaskState::Paid, ..plain },
        Kind::Closed => Status { state: TaskState::Closed, ..plain },
    }
}

fn submitted_status(
    plain: Status, record: @TaskRecord, round: @Round, terms: @Terms, block: u64,
) -> Status {
    let draw_block = *record.draw_block;
    if draw_block == 0 {
        return awaiting_draw(plain, TaskState::Submitted, block);
    }
    if !*record.audited {
        return decided(plain, Outcome::NotDrawn, draw_block, terms, block);
    }
    let (phase, ends_block) = phase(draw_block, round, terms, block);
    if phase != Phase::Over {
        return voting(plain, phase, ends_block);
    }
    let outcome = majority(round);
    if outcome == Outcome::NoVerdict && *record.round < LAST_ROUND {
        // The block after the failed round's end: nobody could foresee its hash while the round
        // could still be swayed.
        let next = Status { round: *record.round + 1, seed_block: ends_block + 1, ..plain };
        awaiting_draw(next, TaskState::Submitted, block)
    } else {
        decided(plain, outcome, ends_block, terms, block)
    }
}

fn appealed_status(
    plain: Status, appeal: @AppealRecord, round: @Round, terms: @Terms, block: u64,
) -> Status {
    let against = *appeal.against;
    let plain = Status { outcome: against, ..plain };
    if *appeal.draw_block == 0 {
        return awaiting_draw(plain, TaskState::Appealed, block);
    }
    let (phase, ends_block) = phase(*appeal.draw_block, round, terms, block);
    if phase == Phase::Over {
        let outcome = final_outcome(against, majority(round));
        Status { state: TaskState::Settleable, outcome, ..plain }
    } else {
        voting(plain, phase, ends_block)
    }
}

/// Drawable as soon as the seed can be read, `waiting` before.
fn awaiting_draw(plain: Status, waiting: TaskState, block: u64) -> Status {
    let state = if block >= plain.seed_block + HASH_AGE {
        TaskState::Drawable
    } else {
        waiting
    };
    Status { state, ..plain }
}

fn voting(plain: Status, phase: Phase, ends_block: u64) -> Status {
    let state = if phase == Phase::Committing {
        TaskState::Committing
    } else {
        TaskState::Revealing
    };
    Status { state, window_ends_block: ends_block, ..plain }
}

/// The provisional verdict stands until its window has passed.
fn decided(plain: Status, outcome: Outcome, since_block: u64, terms: @Terms, block: u64) -> Status {
    let ends_block = since_block + (*terms.appeal_blocks).into();
    if block < ends_block {
        Status { state: TaskState::Provisional, outcome, window_ends_block: ends_block, ..plain }
    } else {
        Status { state: TaskState::Settleable, outcome, ..plain }
    }
}

/// The block after the appeal's.
pub fn appeal_seed_block(appeal: @AppealRecord) -> u64 {
    *appeal.raised_block + 1
}

/// The tasks that a call of `close_job` sweeps: `from` and the end, exclusive.
pub fn next_sweep(progress: @Progress, at_most: u32) -> (u32, u32) {
    let from = *progress.swept;
    (from, from + core::cmp::min(at_most, *progress.task_count - from))
}

// --- moves along the graph ---

/// The next sweep starts at `to`, or anew once all tasks have been looked at.
pub fn swept(progress: Progress, to: u32) -> Progress {
    Progress { swept: if to == progress.task_count {
        0
    } else {
        to
    }, ..progress }
}

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

/// An appeal as it is raised, and the task's record with it.
pub fn appealed(
    record: TaskRecord, against: Outcome, appeal: @Appeal, block: u64,
) -> (TaskRecord, AppealRecord) {
    let Appeal { question, position, tile, .. } = *appeal;
    (
        TaskRecord { appealed: true, ..record },
        AppealRecord { against, question, position, tile, raised_block: block, draw_block: 0 },
    )
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
        appealed: false,
    }
}

/// Paid or Closed for good.
pub fn finished(record: TaskRecord, kind: Kind, failures: u8, outcome: Outcome) -> TaskRecord {
    TaskRecord { kind, failures, outcome, ..record }
}
