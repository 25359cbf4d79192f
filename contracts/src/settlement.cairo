//! Who pays whom, in fri. Pure.
//!
//! The one division rounds in favour of what is forfeited; all else is exact. Every payout
//! satisfies: from_escrow + from_bond + from_appeal + from_slashes = worker + requester + appellant
//! + seats + forfeited. Slashes come out of the seats' own bonds; what a payout does not use of them
//! is forfeited on top.

use super::decision::Decision;
use super::round::{Round, Vote};
use super::types::{AppealOutcome, Lane, Outcome, Question, Terms};

const BPS: u128 = 10_000;
/// What a seat loses, in audit fees.
const SILENT: u128 = 1;
const UNREVEALED: u128 = 4;
pub const WRONG: u128 = 4;

/// What one place of a committee gets, and what its bond loses at most.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct SeatShare {
    pub paid: u128,
    pub slashed: u128,
}

#[derive(Copy, Drop, PartialEq, Debug)]
pub struct Payout {
    pub from_escrow: u128,
    /// The worker bond B: it always ends with the attempt.
    pub from_bond: u128,
    /// The appeal bond, (2n + 1) x f, when there was an appeal.
    pub from_appeal: u128,
    /// What the slashed seats pay of the appeal's committee.
    pub from_slashes: u128,
    /// What the worker is credited: reward and returned bond.
    pub worker: u128,
    pub requester: u128,
    /// What returns of the appeal bond.
    pub appellant: u128,
    /// The fees of the agreeing seats of both rounds.
    pub seats: u128,
    pub forfeited: u128,
}

/// R + n x f: what is escrowed per task.
pub fn escrow_per_task(terms: @Terms) -> u128 {
    *terms.reward + audit_fees(terms)
}

/// n x f.
pub fn audit_fees(terms: @Terms) -> u128 {
    (*terms.committee_size).into() * *terms.audit_fee
}

/// (2n + 1) x f: what an appeal locks.
pub fn appeal_bond(terms: @Terms) -> u128 {
    2 * audit_fees(terms) + *terms.audit_fee
}

/// The least bond with which a seat is drawn: what a wrong verdict costs it.
pub fn least_seat_bond(terms: @Terms) -> u128 {
    WRONG * *terms.audit_fee
}

/// What a final outcome pays. `first` are the shares of the deciding round's places, none when not
/// drawn, `appeal` those of the appeal's, none without one; `slashed` is what both really lost;
/// `closes` says whether a reject or unavailable is the task's last.
///
/// | outcome | worker | requester | seats | forfeited |
/// | Accepted, NotDrawn | R + B | what is left of n x f | + f from n x f | |
/// | Rejected, Unavailable | | R + n x f when it closes | + f, from B | rest of B |
/// | Rejected in the hash lane | rest of B | as above | as above | |
/// | NoVerdict | B | R | | n x f |
///
/// | appeal | its seats are paid from | what returns of its bond | forfeited |
/// | lost | the appeal bond | | rest of it |
/// | undecided | nobody agrees | all | |
/// | won by the requester | B | all | |
/// | won by the worker | slashes, then n x f, then the appeal bond | rest of it | |
///
/// Bounds: what the first round gets is at most n x f, what the appeal's gets at most its bond, and
/// B covers both.
pub fn payout(
    terms: @Terms,
    decision: @Decision,
    first: Span<SeatShare>,
    appeal: Span<SeatShare>,
    slashed: u128,
    closes: bool,
) -> Payout {
    let fees = audit_fees(terms);
    let bond = *terms.worker_bond;
    let (first_paid, appeal_paid) = (total_paid(first), total_paid(appeal));
    let bill = appeal_bill(decision, appeal_paid, slashed, fees - first_paid);
    let from_appeal = if *decision.appeal == AppealOutcome::None {
        0
    } else {
        appeal_bond(terms)
    };
    let appeal_rest = from_appeal - bill.appeal_bond;
    let (appellant, appeal_lost) = if *decision.appeal == AppealOutcome::Lost {
        (0, appeal_rest)
    } else {
        (appeal_rest, 0)
    };
    let nothing = Payout {
        from_escrow: 0,
        from_bond: bond,
        from_appeal,
        from_slashes: bill.slashes,
        worker: 0,
        requester: 0,
        appellant,
        seats: first_paid + appeal_paid,
        forfeited: appeal_lost,
    };
    match *decision.outcome {
        Outcome::Accepted |
        Outcome::NotDrawn => Payout {
            from_escrow: *terms.reward + fees,
            worker: *terms.reward + bond,
            requester: fees - first_paid - bill.fees,
            ..nothing,
        },
        Outcome::Rejected |
        Outcome::Unavailable => {
            let refund = if closes {
                *terms.reward + fees
            } else {
                0
            };
            let rest = bond - first_paid - bill.worker_bond;
            let judged_by_likeness = *terms.lane == Lane::Hash
                && *decision.outcome == Outcome::Rejected;
            let (worker, bond_lost) = if judged_by_likeness {
                (rest, 0)
            } else {
                (0, rest)
            };
            Payout {
                from_escrow: refund,
                worker,
                requester: refund,
                forfeited: appeal_lost + bond_lost,
                ..nothing,
            }
        },
        Outcome::NoVerdict => Payout {
            from_escrow: *terms.reward + fees,
            worker: bond,
            requester: *terms.reward,
            forfeited: fees,
            ..nothing,
        },
        Outcome::Undecided => core::panic_with_felt252('UNDECIDED'),
    }
}

/// Out of what an appeal's committee is paid; together as much as it gets.
#[derive(Copy, Drop)]
struct Bill {
    slashes: u128,
    /// Of the audit fees that the first round left.
    fees: u128,
    worker_bond: u128,
    appeal_bond: u128,
}

fn appeal_bill(decision: @Decision, appeal_paid: u128, slashed: u128, fees_left: u128) -> Bill {
    let nobody = Bill { slashes: 0, fees: 0, worker_bond: 0, appeal_bond: 0 };
    match *decision.appeal {
        // Without a majority nobody agrees with it.
        AppealOutcome::None | AppealOutcome::Undecided => nobody,
        AppealOutcome::Lost => Bill { appeal_bond: appeal_paid, ..nobody },
        AppealOutcome::Won => if pays_worker(*decision.outcome) {
            let slashes = core::cmp::min(slashed, appeal_paid);
            let fees = core::cmp::min(appeal_paid - slashes, fees_left);
            Bill { slashes, fees, appeal_bond: appeal_paid - slashes - fees, ..nobody }
        } else {
            Bill { worker_bond: appeal_paid, ..nobody }
        },
    }
}

/// Whether an outcome pays the reward.
pub fn pays_worker(outcome: Outcome) -> bool {
    outcome == Outcome::Accepted || outcome == Outcome::NotDrawn
}

/// Whether an outcome counts as a failure of the task, of which the third closes it.
pub fn fails(outcome: Outcome) -> bool {
    outcome == Outcome::Rejected || outcome == Outcome::Unavailable
}

/// What each place of the deciding round gets and loses; with NoVerdict, what a round without
/// majority costs its silent and unrevealed seats.
///
/// A place that says what is final gets f; where its own round rejected, only if it named the same as
/// the majority. A silent seat loses f, an unrevealed one 4f. In the exact lane 4f are lost, too, by
/// who accepted the list that is finally rejected, and by who named what an appeal has found fine.
/// Nothing is lost for another list than one's own, nor for an inconclusive or unavailable.
pub fn first_shares(terms: @Terms, decision: @Decision, round: @Round) -> Array<SeatShare> {
    let decision = *decision;
    let exact = *terms.lane == Lane::Exact;
    let other_list = (decision.appeal == AppealOutcome::Won
        && decision.question == Question::NamedTile)
        || (decision.appeal != AppealOutcome::None && decision.question == Question::Whole);
    let false_accept = exact && decision.outcome == Outcome::Rejected && !other_list;
    let rejected = decision.provisional == Outcome::Rejected;
    let false_reject = exact && rejected && decision.appeal == AppealOutcome::Won;
    let mut shares = array![];
    for place in 0..(*round.votes).len() {
        let vote = *(*round.votes)[place];
        let rejects = vote == Vote::Reject;
        let as_majority = !rejects || *(*round.charges)[place] == decision.charge;
        let agrees = says(vote, decision.outcome) && (as_majority || !rejected);
        let wrong = (vote == Vote::Accept && false_accept)
            || (rejects && as_majority && false_reject);
        shares.append(share(terms, vote, agrees, wrong));
    }
    shares
}

/// What each place of an appeal's round gets and loses. Who says what its majority says gets f; in the
/// exact lane who says the opposite of its accept or reject loses 4f, since all judged the same.
/// Silent and unrevealed seats lose as in any round.
pub fn appeal_shares(terms: @Terms, decision: @Decision, round: @Round) -> Array<SeatShare> {
    let majority = *decision.majority;
    let exact = *terms.lane == Lane::Exact;
    let mut shares = array![];
    for vote in *round.votes {
        let vote = *vote;
        let wrong = exact
            && ((vote == Vote::Accept && majority == Outcome::Rejected)
                || (vote == Vote::Reject && majority == Outcome::Accepted));
        shares.append(share(terms, vote, says(vote, majority), wrong));
    }
    shares
}

fn share(terms: @Terms, vote: Vote, agrees: bool, wrong: bool) -> SeatShare {
    let fee = *terms.audit_fee;
    let paid = if agrees {
        fee
    } else {
        0
    };
    let fees_lost = match vote {
        Vote::Silent => SILENT,
        Vote::Sealed => UNREVEALED,
        _ => if wrong {
            WRONG
        } else {
            0
        },
    };
    SeatShare { paid, slashed: fees_lost * fee }
}

fn says(vote: Vote, outcome: Outcome) -> bool {
    match outcome {
        Outcome::Accepted => vote == Vote::Accept,
        Outcome::Rejected => vote == Vote::Reject,
        Outcome::Unavailable => vote == Vote::Unavailable,
        _ => false,
    }
}

pub fn total_paid(seats: Span<SeatShare>) -> u128 {
    let mut paid = 0;
    for share in seats {
        paid += *share.paid;
    }
    paid
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
