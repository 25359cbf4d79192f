use tileproof::terms::{check_bounds, check_terms, longest_audit_blocks};
use tileproof::types::{Bounds, Terms};
use crate::cases::{FEE, SEAT_BOND, START, bounds, terms};
use crate::world::{deploy_registry, deploy_token, refused};

fn check(terms: Terms) {
    check_terms(@terms, 1, @bounds(), START);
}

#[test]
fn test_terms_at_their_limits_are_accepted() {
    check(terms());
    check(Terms { audit_fee: SEAT_BOND / 64, worker_bond: 10 * FEE, ..terms() });
    check(Terms { audit_fee: 1, worker_bond: 10, ..terms() });
    check(Terms { deadline: START + 600, ..terms() });
    check(Terms { deadline: START + 100_000, ..terms() });
    check(Terms { committee_size: 7, worker_bond: 22 * FEE, ..terms() });
    check(Terms { commit_blocks: 2, reveal_blocks: 100, ..terms() });
    check_terms(@terms(), 200, @bounds(), START);
}

#[test]
#[should_panic(expected: 'TASK_COUNT')]
fn test_task_count_is_not_zero() {
    check_terms(@terms(), 0, @bounds(), START);
}

#[test]
#[should_panic(expected: 'TASK_COUNT')]
fn test_task_count_keeps_the_deployments_maximum() {
    check_terms(@terms(), 201, @bounds(), START);
}

#[test]
#[should_panic(expected: 'REWARD_ZERO')]
fn test_reward_zero_is_no_offer() {
    check(Terms { reward: 0, ..terms() });
}

#[test]
#[should_panic(expected: 'AMOUNT_TOO_LARGE')]
fn test_amount_too_large_for_a_reward() {
    check(Terms { reward: 0x1000000000000000000000000, ..terms() });
}

#[test]
#[should_panic(expected: 'COMMITTEE_SIZE')]
fn test_committee_size_is_odd() {
    check(Terms { committee_size: 4, ..terms() });
}

#[test]
#[should_panic(expected: 'COMMITTEE_SIZE')]
fn test_committee_size_is_not_zero() {
    check(Terms { committee_size: 0, ..terms() });
}

#[test]
#[should_panic(expected: 'COMMITTEE_SIZE')]
fn test_committee_size_keeps_the_deployments_maximum() {
    check(Terms { committee_size: 9, worker_bond: 1000, ..terms() });
}

#[test]
#[should_panic(expected: 'AUDIT_RATE')]
fn test_audit_rate_has_a_floor() {
    check(Terms { audit_rate_bps: 999, worker_bond: 100_000, ..terms() });
}

#[test]
#[should_panic(expected: 'AUDIT_RATE')]
fn test_audit_rate_is_at_most_everything() {
    check(Terms { audit_rate_bps: 10_001, ..terms() });
}

#[test]
#[should_panic(expected: 'AUDIT_FEE_TOO_LOW')]
fn test_audit_fee_too_low_would_be_frames_for_nothing_that_nobody_judges() {
    check(Terms { audit_fee: 0, ..terms() });
}

#[test]
fn test_the_least_fee_is_a_65536th_of_the_seat_bond_rounded_up() {
    let rich = Bounds { seat_bond: 2 * 65_536 + 1, ..bounds() };
    check_terms(@Terms { audit_fee: 3, ..terms() }, 1, @rich, START);
}

#[test]
#[should_panic(expected: 'AUDIT_FEE_TOO_LOW')]
fn test_audit_fee_too_low_is_below_a_65536th_of_the_seat_bond() {
    let rich = Bounds { seat_bond: 2 * 65_536 + 1, ..bounds() };
    check_terms(@Terms { audit_fee: 2, ..terms() }, 1, @rich, START);
}

#[test]
#[should_panic(expected: 'AUDIT_FEE_TOO_HIGH')]
fn test_audit_fee_too_high_is_above_a_64th_of_the_seat_bond() {
    check(Terms { audit_fee: SEAT_BOND / 64 + 1, worker_bond: 1000, ..terms() });
}

#[test]
#[should_panic(expected: 'WORKER_BOND_TOO_LOW')]
fn test_worker_bond_too_low_for_the_audits_it_may_have_to_pay() {
    check(Terms { worker_bond: 10 * FEE - 1, ..terms() });
}

#[test]
#[should_panic(expected: 'WORKER_BOND_TOO_LOW')]
fn test_worker_bond_too_low_to_deter_at_the_audit_rate() {
    check(Terms { audit_rate_bps: 3000, worker_bond: 2333, ..terms() });
}

#[test]
#[should_panic(expected: 'LEASE')]
fn test_lease_is_not_too_short() {
    check(Terms { lease_seconds: 9, ..terms() });
}

#[test]
#[should_panic(expected: 'LEASE')]
fn test_lease_is_not_too_long() {
    check(Terms { lease_seconds: 10_001, ..terms() });
}

#[test]
#[should_panic(expected: 'WINDOW')]
fn test_window_for_commits_is_not_too_short() {
    check(Terms { commit_blocks: 1, ..terms() });
}

#[test]
#[should_panic(expected: 'WINDOW')]
fn test_window_for_reveals_is_not_too_long() {
    check(Terms { reveal_blocks: 101, ..terms() });
}

#[test]
#[should_panic(expected: 'WINDOW')]
fn test_window_for_appeals_is_not_too_short() {
    check(Terms { appeal_blocks: 1, ..terms() });
}

#[test]
#[should_panic(expected: 'DEADLINE')]
fn test_deadline_leaves_room_for_a_lease() {
    check(Terms { deadline: START + 599, ..terms() });
}

#[test]
#[should_panic(expected: 'DEADLINE')]
fn test_deadline_is_not_too_far() {
    check(Terms { deadline: START + 100_001, ..terms() });
}

#[test]
fn test_exit_too_short_for_the_longest_audit_is_not_deployed() {
    let shortest = longest_audit_blocks(bounds().max_window_blocks) + 1;
    check_bounds(@Bounds { seat_exit_blocks: shortest, ..bounds() });
    let too_short = Bounds { seat_exit_blocks: shortest - 1, ..bounds() };
    refused(deploy_registry(deploy_token(), too_short), 'EXIT_TOO_SHORT');
}

#[test]
fn test_bad_bounds_that_no_job_could_keep_are_not_deployed() {
    let good = bounds();
    let token = deploy_token();
    for bad in array![
        Bounds { max_tasks: 0, ..good }, Bounds { max_committee_size: 0, ..good },
        Bounds { max_committee_size: 8, ..good }, Bounds { min_audit_rate_bps: 0, ..good },
        Bounds { min_audit_rate_bps: 10_001, ..good }, Bounds { min_lease_seconds: 0, ..good },
        Bounds { max_lease_seconds: 9, ..good }, Bounds { min_window_blocks: 0, ..good },
        Bounds { min_window_blocks: 101, ..good }, Bounds { max_deadline_seconds: 9, ..good },
        Bounds { max_deadline_seconds: 0x100000000, ..good }, Bounds { seat_bond: 0, ..good },
        Bounds { seat_bond: 63, ..good }, Bounds { lapse_share_bps: 10_001, ..good },
        Bounds { seat_exit_blocks: 0x100000000, ..good },
    ] {
        refused(deploy_registry(token, bad), 'BAD_BOUNDS');
    }
    let rich = Bounds { seat_bond: 0x1000000000000000000000000, ..good };
    refused(deploy_registry(token, rich), 'AMOUNT_TOO_LARGE');
}

#[test]
fn test_token_zero_is_no_token() {
    refused(deploy_registry(0.try_into().unwrap(), bounds()), 'TOKEN_ZERO');
}
