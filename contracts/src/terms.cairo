//! What a deployment and a job may agree on. Pure.

use super::errors;
use super::round::{APPEAL_ROUND, MAX_COMMITTEE};
use super::settlement::least_worker_bond;
use super::state::HASH_AGE;
use super::types::{Bounds, Terms};

/// Rewards, fees and bonds stay below this, so that no sum over a job overflows.
const AMOUNT_LIMIT: u128 = 0x1000000000000000000000000;
/// Seconds and blocks into the future stay below this, so that moments fit their stored fields.
const SPAN_LIMIT: u64 = 0x100000000;
/// f <= seat bond / 64, so that a seat's bond covers many slashes.
const FEES_PER_SEAT_BOND: u128 = 64;
/// f >= seat bond / 65,536, rounded up. Where an audit pays nothing and silence costs nothing, nobody
/// judges; the task ends without verdict, and its requester has the frames and the reward.
const MOST_FEES_PER_SEAT_BOND: u128 = 65_536;

/// Refuses bounds that no job could keep, and an exit that a seat could use to escape an audit.
///
/// Errors: BAD_BOUNDS, AMOUNT_TOO_LARGE, EXIT_TOO_SHORT.
pub fn check_bounds(bounds: @Bounds) {
    let bounds = *bounds;
    assert(bounds.max_tasks > 0, errors::BAD_BOUNDS);
    assert(
        bounds.max_committee_size > 0 && bounds.max_committee_size.into() <= MAX_COMMITTEE,
        errors::BAD_BOUNDS,
    );
    assert(
        bounds.min_audit_rate_bps > 0 && bounds.min_audit_rate_bps <= 10_000, errors::BAD_BOUNDS,
    );
    assert(
        bounds.min_lease_seconds > 0 && bounds.min_lease_seconds <= bounds.max_lease_seconds,
        errors::BAD_BOUNDS,
    );
    assert(
        bounds.min_window_blocks > 0 && bounds.min_window_blocks <= bounds.max_window_blocks,
        errors::BAD_BOUNDS,
    );
    assert(
        bounds.max_deadline_seconds >= bounds.min_lease_seconds.into()
            && bounds.max_deadline_seconds < SPAN_LIMIT,
        errors::BAD_BOUNDS,
    );
    assert(bounds.seat_bond >= FEES_PER_SEAT_BOND, errors::BAD_BOUNDS);
    assert(bounds.seat_bond < AMOUNT_LIMIT, errors::AMOUNT_TOO_LARGE);
    assert(bounds.lapse_share_bps <= 10_000, errors::BAD_BOUNDS);
    assert(bounds.seat_exit_blocks < SPAN_LIMIT, errors::BAD_BOUNDS);
    assert(
        bounds.seat_exit_blocks > longest_audit_blocks(bounds.max_window_blocks),
        errors::EXIT_TOO_SHORT,
    );
}

/// From a submission to its settlement, with every window used up: three rounds, the appeal window,
/// and one round of appeal; before each round the seed block and the blocks until its hash can be
/// read.
pub fn longest_audit_blocks(max_window_blocks: u32) -> u64 {
    let window: u64 = max_window_blocks.into();
    let round = 1 + HASH_AGE + 2 * window;
    4 * round + window
}

/// From the draw of a round on, for how long a seat of it must not be able to collect its bond: until
/// what it says can have been proved wrong. For the first rounds that is the end of an appeal, with
/// every window used up; for an appeal's round its own end.
pub fn answerable_blocks(terms: @Terms, round: u8) -> u64 {
    let voting: u64 = (*terms.commit_blocks).into() + (*terms.reveal_blocks).into();
    if round == APPEAL_ROUND {
        voting
    } else {
        voting + (*terms.appeal_blocks).into() + 1 + HASH_AGE + voting
    }
}

/// Active seats that a claim needs: a committee, and one of an appeal that shares nobody with it.
pub fn least_seats(terms: @Terms) -> u32 {
    3 * (*terms.committee_size).into() + 1
}

/// Refuses terms outside the deployment's bounds at Unix second `now`.
///
/// Errors: TASK_COUNT, REWARD_ZERO, AMOUNT_TOO_LARGE, COMMITTEE_SIZE, AUDIT_RATE,
/// AUDIT_FEE_TOO_LOW, AUDIT_FEE_TOO_HIGH, WORKER_BOND_TOO_LOW, LEASE, WINDOW, DEADLINE.
pub fn check_terms(terms: @Terms, task_count: u32, bounds: @Bounds, now: u64) {
    let terms = *terms;
    let bounds = *bounds;
    assert(task_count > 0 && task_count <= bounds.max_tasks, errors::TASK_COUNT);
    assert(terms.reward > 0, errors::REWARD_ZERO);
    assert(
        terms.reward < AMOUNT_LIMIT
            && terms.audit_fee < AMOUNT_LIMIT
            && terms.worker_bond < AMOUNT_LIMIT,
        errors::AMOUNT_TOO_LARGE,
    );
    let n = terms.committee_size;
    assert(n % 2 == 1 && n <= bounds.max_committee_size, errors::COMMITTEE_SIZE);
    assert(
        terms.audit_rate_bps >= bounds.min_audit_rate_bps && terms.audit_rate_bps <= 10_000,
        errors::AUDIT_RATE,
    );
    assert(
        terms.audit_fee * MOST_FEES_PER_SEAT_BOND >= bounds.seat_bond, errors::AUDIT_FEE_TOO_LOW,
    );
    assert(
        terms.audit_fee <= bounds.seat_bond / FEES_PER_SEAT_BOND, errors::AUDIT_FEE_TOO_HIGH,
    );
    assert(terms.worker_bond.into() >= least_worker_bond(@terms), errors::WORKER_BOND_TOO_LOW);
    assert(
        terms.lease_seconds >= bounds.min_lease_seconds
            && terms.lease_seconds <= bounds.max_lease_seconds,
        errors::LEASE,
    );
    assert(
        within(terms.commit_blocks, @bounds)
            && within(terms.reveal_blocks, @bounds)
            && within(terms.appeal_blocks, @bounds),
        errors::WINDOW,
    );
    assert(
        terms.deadline >= now + terms.lease_seconds.into()
            && terms.deadline <= now + bounds.max_deadline_seconds,
        errors::DEADLINE,
    );
}

fn within(window: u32, bounds: @Bounds) -> bool {
    window >= *bounds.min_window_blocks && window <= *bounds.max_window_blocks
}
