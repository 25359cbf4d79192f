use tileproof::state::{
    Kind, NO_SEAT, Phase, Round, Status, TaskRecord, Vote, claimed, drawn, finished, majority,
    no_round, phase, reopened, status, submitted,
};
use tileproof::types::{Outcome, TaskState};
use crate::world::terms;

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
    }
}

fn in_audit(round: u8) -> TaskRecord {
    drawn(submitted(claimed(fresh(), 400, 9000, 5), 450), round, 451, DRAW, true)
}

fn round(votes: Span<Vote>) -> Round {
    let mut seats = array![];
    for i in 0..votes.len() {
        seats.append(if *votes[i] == Vote::Empty {
            NO_SEAT
        } else {
            i
        });
    }
    Round { seats: seats.span(), votes, sealed_block: 507, opened_block: 511 }
}

fn at(record: TaskRecord, votes: Span<Vote>, block: u64) -> Status {
    status(@record, @round(votes), @terms(), block, 0)
}

#[test]
fn test_a_lease_ends_at_its_second() {
    let record = claimed(fresh(), 400, 9000, 5);
    assert_eq!(status(@record, @no_round(), @terms(), 1, 8999).state, TaskState::Claimed);
    assert_eq!(status(@record, @no_round(), @terms(), 1, 9000).state, TaskState::Lapsed);
}

#[test]
fn test_a_submission_is_drawable_once_the_hash_of_the_next_block_can_be_read() {
    let record = submitted(claimed(fresh(), 400, 9000, 5), 450);
    let before = status(@record, @no_round(), @terms(), 460, 0);
    assert_eq!(before.state, TaskState::Submitted);
    assert_eq!(before.seed_block, 451);
    assert_eq!(status(@record, @no_round(), @terms(), 461, 0).state, TaskState::Drawable);
    // However late, and long after the lease.
    assert_eq!(status(@record, @no_round(), @terms(), 0x40000000, 0x8000000000).state, TaskState::Drawable);
}

#[test]
fn test_not_drawn_waits_out_the_appeal_window() {
    let record = drawn(submitted(claimed(fresh(), 400, 9000, 5), 450), 0, 451, DRAW, false);
    let early = status(@record, @no_round(), @terms(), DRAW + 39, 0);
    assert_eq!(early.state, TaskState::Provisional);
    assert_eq!(early.outcome, Outcome::NotDrawn);
    assert_eq!(early.window_ends_block, DRAW + 40);
    let late = status(@record, @no_round(), @terms(), DRAW + 40, 0);
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
fn test_a_round_without_any_commit_ends_with_the_commit_window() {
    let silent = array![Vote::Silent, Vote::Silent, Vote::Empty].span();
    let (now, ends) = phase(DRAW, @round(silent), @terms(), DRAW + 20);
    assert_eq!(now, Phase::Over);
    assert_eq!(ends, DRAW + 20);
    let nobody = array![Vote::Empty, Vote::Empty, Vote::Empty].span();
    let (now, ends) = phase(DRAW, @round(nobody), @terms(), DRAW);
    assert_eq!(now, Phase::Over);
    assert_eq!(ends, DRAW);
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
fn test_a_majority_is_of_all_places_not_of_those_who_spoke() {
    assert_eq!(
        majority([Vote::Accept, Vote::Silent, Vote::Sealed].span()), Outcome::NoVerdict,
    );
    assert_eq!(majority([Vote::Accept, Vote::Empty, Vote::Empty].span()), Outcome::NoVerdict);
    assert_eq!(majority([Vote::Accept, Vote::Accept, Vote::Empty].span()), Outcome::Accepted);
    assert_eq!(majority([Vote::Reject, Vote::Accept, Vote::Reject].span()), Outcome::Rejected);
    assert_eq!(majority([Vote::Unavailable].span()), Outcome::Unavailable);
    assert_eq!(
        majority([Vote::Inconclusive, Vote::Inconclusive, Vote::Inconclusive].span()),
        Outcome::NoVerdict,
    );
    assert_eq!(
        majority([Vote::Accept, Vote::Accept, Vote::Reject, Vote::Reject, Vote::Silent].span()),
        Outcome::NoVerdict,
    );
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
