//! The figures that all tests share: terms and bounds that are in order, and rounds as they come
//! out.

use tileproof::round::{Charge, NO_SEAT, Round, Vote, no_charge};
use tileproof::types::{Bounds, Ground, Lane, Terms};

pub const REWARD: u128 = 1000;
pub const FEE: u128 = 10;
pub const BOND: u128 = 101;
pub const SEAT_BOND: u128 = 640;
pub const START: u64 = 1_800_000_000;

pub fn bounds() -> Bounds {
    Bounds {
        max_tasks: 200,
        max_committee_size: 7,
        min_audit_rate_bps: 1000,
        min_lease_seconds: 10,
        max_lease_seconds: 10_000,
        min_window_blocks: 2,
        max_window_blocks: 100,
        max_deadline_seconds: 100_000,
        seat_bond: SEAT_BOND,
        seat_exit_blocks: 1000,
        lapse_share_bps: 500,
    }
}

/// Every task audited by three seats.
pub fn terms() -> Terms {
    Terms {
        reward: REWARD,
        audit_fee: FEE,
        worker_bond: BOND,
        committee_size: 3,
        audit_rate_bps: 10_000,
        lease_seconds: 600,
        commit_blocks: 20,
        reveal_blocks: 30,
        appeal_blocks: 40,
        deadline: START + 50_000,
        lane: Lane::Exact,
    }
}

/// A round of these votes, in which every reject names tile 3.
pub fn round_of(votes: Span<Vote>) -> Round {
    let mut seats = array![];
    let mut charges = array![];
    for i in 0..votes.len() {
        seats.append(if *votes[i] == Vote::Empty {
            NO_SEAT
        } else {
            i
        });
        charges
            .append(
                if *votes[i] == Vote::Reject {
                    Charge { ground: Ground::Tile, index: 3 }
                } else {
                    no_charge()
                },
            );
    }
    Round {
        seats: seats.span(), votes, charges: charges.span(), sealed_block: 507, opened_block: 511,
    }
}
