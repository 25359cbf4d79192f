//! Who pays whom, in fri. Pure.
//!
//! The one division rounds in favour of what is forfeited; all else is exact. Every payout
//! satisfies: from_escrow + from_bond = worker + requester + paid to seats + forfeited. Slashes come
//! out of the seats' own bonds, on top.

use super::state::Vote;
use super::types::{Outcome, Terms};

const BPS: u128 = 10_000;
/// What a seat loses, in audit fees.
const SILENT: u128 = 1;
const UNREVEALED: u128 = 4;
const WRONG: u128 = 4;

/// What one place of a committee gets, and what its bond loses at most.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct SeatShare {
    pub paid: u128,
    pub slashed: u128,
}

#[derive(Drop, PartialEq, Debug)]
pub struct Payout {
    pub from_escrow: u128,
    /// The worker bond B: it always ends with the attempt.
    pub from_bond: u128,
    /// What the worker is credited: reward and returned bond.
    pub worker: u128,
    pub requester: u128,
    pub forfeited: u128,
    /// One per place of the committee, in its order.
    pub seats: Array<SeatShare>,
}

/// R + n x f: what is escrowed per task.
pub fn escrow_per_task(terms: @Terms) -> u128 {
    *terms.reward + audit_fees(terms)
}

/// n x f.
pub fn audit_fees(terms: @Terms) -> u128 {
    (*terms.committee_size).into() * *terms.audit_fee
}

/// What a final outcome pays. `votes` are the deciding round's, none when not drawn; `closes` says
/// whether a reject or unavailable is the task's last.
///
/// | outcome | worker | requester | seats | forfeited |
/// | Accepted | R + B | n x f less the fees paid | agreeing + f | |
/// | NotDrawn | R + B | n x f | | |
/// | Rejected, Unavailable | | R + n x f when it closes | agreeing + f, from B | rest of B |
/// | NoVerdict | B | R | | n x f |
///
/// A silent seat loses f and an unrevealed one 4f in each; who accepted what was rejected loses
/// 4f. Dissent from an accept or from an unavailable costs nothing.
pub fn payout(terms: @Terms, outcome: Outcome, votes: Span<Vote>, closes: bool) -> Payout {
    let fees = audit_fees(terms);
    let bond = *terms.worker_bond;
    let seats = shares(terms, outcome, votes);
    let paid = total_paid(seats.span());
    match outcome {
        Outcome::Accepted |
        Outcome::NotDrawn => Payout {
            from_escrow: *terms.reward + fees,
            from_bond: bond,
            worker: *terms.reward + bond,
            requester: fees - paid,
            forfeited: 0,
            seats,
        },
        Outcome::Rejected |
        Outcome::Unavailable => {
            let refund = if closes {
                *terms.reward + fees
            } else {
                0
            };
            Payout {
                from_escrow: refund,
                from_bond: bond,
                worker: 0,
                requester: refund,
                forfeited: bond - paid,
                seats,
            }
        },
        Outcome::NoVerdict => Payout {
            from_escrow: *terms.reward + fees,
            from_bond: bond,
            worker: bond,
            requester: *terms.reward,
            forfeited: fees,
            seats,
        },
        Outcome::Undecided => core::panic_with_felt252('UNDECIDED'),
    }
}

/// What each place gets and loses by an outcome; with NoVerdict, what a round without majority
/// costs its silent and unrevealed seats.
pub fn shares(terms: @Terms, outcome: Outcome, votes: Span<Vote>) -> Array<SeatShare> {
    let fee = *terms.audit_fee;
    let mut seats = array![];
    for vote in votes {
        let vote = *vote;
        let paid = if agrees(vote, outcome) {
            fee
        } else {
            0
        };
        let fees_lost = match vote {
            Vote::Silent => SILENT,
            Vote::Sealed => UNREVEALED,
            Vote::Accept => if outcome == Outcome::Rejected {
                WRONG
            } else {
                0
            },
            _ => 0,
        };
        seats.append(SeatShare { paid, slashed: fees_lost * fee });
    }
    seats
}

pub fn total_paid(seats: Span<SeatShare>) -> u128 {
    let mut paid = 0;
    for share in seats {
        paid += *share.paid;
    }
    paid
}

fn agrees(vote: Vote, outcome: Outcome) -> bool {
    match outcome {
        Outcome::Accepted => vote == Vote::Accept,
        Outcome::Rejected => vote == Vote::Reject,
        Outcome::Unavailable => vote == Vote::Unavailable,
        _ => false,
    }
}

/// What a lapse or give-back forfeits of the bond: its share, rounded up.
pub fn lapse_forfeit(bond: u128, lapse_share_bps: u16) -> u128 {
    let product: u256 = bond.into() * lapse_share_bps.into();
    // At most the bond, since the share is at most 10,000.
    ((product + (BPS - 1).into()) / BPS.into()).try_into().unwrap()
}

/// The least worker bond: max(R x (1/q - 1) rounded up, (3n + 1) x f). At audit rate q a cheat that
/// is always found when audited then loses on average at least what it can gain.
pub fn least_worker_bond(terms: @Terms) -> u256 {
    let rate: u256 = (*terms.audit_rate_bps).into();
    let gain: u256 = (*terms.reward).into() * (BPS.into() - rate);
    let deterring = (gain + rate - 1) / rate;
    let n: u256 = (*terms.committee_size).into();
    let covering = (3 * n + 1) * (*terms.audit_fee).into();
    core::cmp::max(deterring, covering)
}
