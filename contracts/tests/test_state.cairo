use tileproof::round::{APPEAL_ROUND, Round, Vote, no_round};
use tileproof::state::{
    AppealRecord, Kind, Progress, Status, TaskRecord, appealed, claimed, drawn, finished,
    next_sweep, reopened, status, submitted, swept,
};
use tileproof::types::{Appeal, Outcome, Question, TaskState};
use crate::cases::{round_of, terms};

const DRAW: u64 = 500;

fn fresh() -> TaskRecord {
    TaskRecord {
        kind: Kind::Open,
        attempt: 0,
        failures: 0,
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

fn in_audit(round: u8) -> TaskRecord {
    drawn(submitted(claimed(fresh(), 400, 9000, 5), 450), round, 451, DRAW, true)
}

fn at(record: TaskRecord, votes: Span<Vote>, block: u64) -> Status {
    status(@record, @None, @round_of(votes), @terms(), block, 0)
}

#[test]
fn test_a_lease_ends_at_its_second() {
    let record = claimed(fresh(), 400, 9000, 5);
    assert_eq!(status(@record, @None, @no_round(), @terms(), 1, 8999).state, TaskState::Claimed);
    assert_eq!(status(@record, @None, @no_round(), @terms(), 1, 9000).state, TaskState::Lapsed);
}

#[test]
fn test_a_submission_is_drawable_once_the_hash_of_the_next_block_can_be_read() {
    let record = submitted(claimed(fresh(), 400, 9000, 5), 450);
    let before = status(@record, @None, @no_round(), @terms(), 460, 0);
    assert_eq!(before.state, TaskState::Submitted);
    assert_eq!(before.seed_block, 451);
    assert_eq!(status(@record, @None, @no_round(), @terms(), 461, 0).state, TaskState::Drawable);
    // However late, and long after the lease.
    let late = status(@record, @None, @no_round(), @terms(), 0x40000000, 0x8000000000);
    assert_eq!(late.state, TaskState::Drawable);
}

#[test]
fn test_not_drawn_waits_out_the_appeal_window() {
    let record = drawn(submitted(claimed(fresh(), 400, 9000, 5), 450), 0, 451, DRAW, false);
    let early = status(@record, @None, @no_round(), @terms(), DRAW + 39, 0);
    assert_eq!(early.state, TaskState::Provisional);
    assert_eq!(early.outcome, Outcome::NotDrawn);
    assert_eq!(early.window_ends_block, DRAW + 40);
    let late = status(@record, @None, @no_round(), @terms(), DRAW + 40, 0);
    assert_eq!(late.state, TaskState::Settleable);
    assert_eq!(late.window_ends_block, 0);
}

#[test]
fn test_committing_waits_for_the_silent_until_its_bound() {
    let votes = array![Vote::Sealed, Vote::Silent, Vote::Sealed].span();
    let status = at(in_audit(0), votes, DRAW + 19);
    assert_eq!(status.state, TaskState::Committing);
    assert_eq!(status.window_ends_block, DRAW + 20);
    let status = at(in_audit(0), votes, DRAW + 20);
    assert_eq!(status.state, TaskState::Revealing);
    assert_eq!(status.window_ends_block, DRAW + 50);
}

#[test]
fn test_revealing_starts_with_the_last_commit() {
    let votes = array![Vote::Sealed, Vote::Empty, Vote::Sealed].span();
    let status = at(in_audit(0), votes, 507);
    assert_eq!(status.state, TaskState::Revealing);
    assert_eq!(status.window_ends_block, 507 + 30);
}

#[test]
fn test_a_round_ends_with_the_last_reveal() {
    let votes = array![Vote::Accept, Vote::Accept, Vote::Reject].span();
    let status = at(in_audit(0), votes, 511);
    assert_eq!(status.state, TaskState::Provisional);
    assert_eq!(status.outcome, Outcome::Accepted);
    assert_eq!(status.window_ends_block, 511 + 40);
}

#[test]
fn test_an_unrevealed_seat_is_awaited_until_the_bound() {
    let votes = array![Vote::Accept, Vote::Accept, Vote::Sealed].span();
    assert_eq!(at(in_audit(0), votes, 536).state, TaskState::Revealing);
    let status = at(in_audit(0), votes, 537);
    assert_eq!(status.state, TaskState::Provisional);
    assert_eq!(status.window_ends_block, 537 + 40);
}

#[test]
fn test_a_round_without_majority_waits_for_a_new_seed() {
    let votes = array![Vote::Accept, Vote::Reject, Vote::Inconclusive].span();
    let waiting = at(in_audit(0), votes, 511);
    assert_eq!(waiting.state, TaskState::Submitted);
    assert_eq!(waiting.round, 1);
    assert_eq!(waiting.seed_block, 512);
    assert_eq!(waiting.outcome, Outcome::Undecided);
    assert_eq!(at(in_audit(0), votes, 521).state, TaskState::Submitted);
    assert_eq!(at(in_audit(0), votes, 522).state, TaskState::Drawable);
    assert_eq!(at(in_audit(1), votes, 522).round, 2);
}

#[test]
fn test_the_third_round_without_majority_is_no_verdict() {
    let votes = array![Vote::Accept, Vote::Reject, Vote::Inconclusive].span();
    let status = at(in_audit(2), votes, 511);
    assert_eq!(status.state, TaskState::Provisional);
    assert_eq!(status.outcome, Outcome::NoVerdict);
    assert_eq!(status.round, 2);
}

#[test]
fn test_reopening_forgets_everything_but_attempts_and_failures() {
    let record = reopened(in_audit(1), 2);
    assert_eq!(record, TaskRecord { attempt: 1, failures: 2, ..fresh() });
}

#[test]
fn test_a_finished_task_keeps_its_outcome_for_ever() {
    let paid = finished(in_audit(0), Kind::Paid, 0, Outcome::Accepted);
    let votes = array![Vote::Accept, Vote::Accept, Vote::Accept].span();
    let status = at(paid, votes, 0x80000000);
    assert_eq!(status.state, TaskState::Paid);
    assert_eq!(status.outcome, Outcome::Accepted);
    let closed = finished(fresh(), Kind::Closed, 0, Outcome::Undecided);
    assert_eq!(at(closed, [].span(), 1).state, TaskState::Closed);
}

// --- appeals ---

/// Raised in block 600 against what `in_audit` came to.
fn raised(against: Outcome) -> (TaskRecord, AppealRecord) {
    let appeal = Appeal { task: 0, question: Question::ListedTile, position: 0, tile: 3 };
    appealed(in_audit(1), against, @appeal, 600)
}

fn appealed_at(draw_block: u64, against: Outcome, votes: Span<Vote>, block: u64) -> Status {
    let (record, appeal) = raised(against);
    let appeal = AppealRecord { draw_block, ..appeal };
    let round = if draw_block == 0 {
        no_round()
    } else {
        Round { sealed_block: 627, opened_block: 631, ..round_of(votes) }
    };
    status(@record, @Some(appeal), @round, @terms(), block, 0)
}

#[test]
fn test_an_appeal_keeps_the_round_it_is_against_and_says_what_it_asks() {
    let (record, appeal) = raised(Outcome::Rejected);
    assert_eq!(record, TaskRecord { appealed: true, ..in_audit(1) });
    assert_eq!(
        appeal,
        AppealRecord {
            against: Outcome::Rejected,
            question: Question::ListedTile,
            position: 0,
            tile: 3,
            raised_block: 600,
            draw_block: 0,
        },
    );
}

#[test]
fn test_an_appeal_waits_for_the_hash_of_the_block_after_it() {
    let early = appealed_at(0, Outcome::Rejected, [].span(), 610);
    assert_eq!(early.state, TaskState::Appealed);
    assert_eq!((early.round, early.seed_block), (APPEAL_ROUND, 601));
    assert_eq!(early.outcome, Outcome::Rejected);
    assert_eq!(early.window_ends_block, 0);
    assert_eq!(appealed_at(0, Outcome::Rejected, [].span(), 611).state, TaskState::Drawable);
    // However late.
    let late = appealed_at(0, Outcome::Rejected, [].span(), 0x40000000);
    assert_eq!((late.state, late.round), (TaskState::Drawable, APPEAL_ROUND));
}

#[test]
fn test_an_appeals_round_has_the_windows_of_any_round_and_no_window_after_it() {
    let votes = [Vote::Sealed, Vote::Silent, Vote::Sealed].span();
    let status = appealed_at(620, Outcome::Rejected, votes, 639);
    assert_eq!((status.state, status.window_ends_block), (TaskState::Committing, 640));
    assert_eq!((status.round, status.outcome), (APPEAL_ROUND, Outcome::Rejected));
    let status = appealed_at(620, Outcome::Rejected, votes, 640);
    assert_eq!((status.state, status.window_ends_block), (TaskState::Revealing, 670));
    let status = appealed_at(620, Outcome::Rejected, votes, 670);
    assert_eq!((status.state, status.window_ends_block), (TaskState::Settleable, 0));
    let opened = [Vote::Accept, Vote::Empty, Vote::Accept].span();
    let status = appealed_at(620, Outcome::Rejected, opened, 631);
    assert_eq!((status.state, status.outcome), (TaskState::Settleable, Outcome::Accepted));
    assert_eq!((status.round, status.seed_block), (APPEAL_ROUND, 601));
}

#[test]
fn test_an_appeal_without_majority_is_not_drawn_again() {
    let nobody = [Vote::Empty, Vote::Empty, Vote::Empty].span();
    let status = appealed_at(620, Outcome::Unavailable, nobody, 620);
    assert_eq!((status.state, status.outcome), (TaskState::Settleable, Outcome::Unavailable));
}

#[test]
fn test_a_settled_task_remembers_its_appeal_and_an_opened_one_forgets_it() {
    let (record, appeal) = raised(Outcome::Rejected);
    let paid = finished(record, Kind::Paid, 0, Outcome::Accepted);
    let status = status(@paid, @Some(appeal), @no_round(), @terms(), 0x80000000, 0);
    assert_eq!((status.state, status.outcome), (TaskState::Paid, Outcome::Accepted));
    assert_eq!((status.round, status.seed_block), (APPEAL_ROUND, 601));
    assert!(!reopened(record, 1).appealed);
}

// --- sweeps ---

fn progress(task_count: u32, swept: u32) -> Progress {
    Progress {
        task_count, created_block: 1, paid: 0, refunded: 0, swept, paused: false, closed: true,
    }
}

#[test]
fn test_a_sweep_of_the_largest_job_does_not_overflow() {
    let most = 0xffffffff;
    assert_eq!(next_sweep(@progress(most, 0), 64), (0, 64));
    assert_eq!(next_sweep(@progress(most, most - 3), 64), (most - 3, most));
    assert_eq!(next_sweep(@progress(most, most - 64), 64), (most - 64, most));
    assert_eq!(next_sweep(@progress(1, 0), 64), (0, 1));
}

#[test]
fn test_sweeps_cover_every_task_once_and_start_anew() {
    let mut progress = progress(130, 0);
    let mut covered = 0_u32;
    for expected in array![(0, 64), (64, 128), (128, 130), (0, 64)] {
        let (from, to) = next_sweep(@progress, 64);
        assert_eq!((from, to), expected);
        covered += to - from;
        progress = swept(progress, to);
    }
    assert_eq!(covered, 130 + 64);
    assert_eq!(swept(progress, 130).swept, 0);
}
