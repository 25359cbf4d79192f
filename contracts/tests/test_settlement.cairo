use tileproof::settlement::{
    Payout, SeatShare, audit_fees, escrow_per_task, lapse_forfeit, least_worker_bond, payout, shares,
    total_paid,
};
use tileproof::state::{Vote, majority};
use tileproof::types::{Outcome, Terms};
use crate::world::{BOND, FEE, REWARD, terms};

/// from_escrow + from_bond = worker + requester + seats + forfeited.
fn assert_conserved(payout: @Payout) {
    assert_eq!(
        *payout.from_escrow + *payout.from_bond,
        *payout.worker
            + *payout.requester
            + total_paid(payout.seats.span())
            + *payout.forfeited,
    );
}

fn vote_number(number: u32) -> Vote {
    match number {
        0 => Vote::Empty,
        1 => Vote::Silent,
        2 => Vote::Sealed,
        3 => Vote::Accept,
        4 => Vote::Reject,
        5 => Vote::Inconclusive,
        _ => Vote::Unavailable,
    }
}

#[test]
fn test_every_committee_of_three_conserves_every_unit() {
    for a in 0..7_u32 {
        for b in 0..7_u32 {
            for c in 0..7_u32 {
                let votes = array![vote_number(a), vote_number(b), vote_number(c)];
                let outcome = majority(votes.span());
                for closes in [false, true].span() {
                    let payout = payout(@terms(), outcome, votes.span(), *closes);
                    assert_conserved(@payout);
                    assert_eq!(payout.from_bond, BOND);
                    assert_eq!(payout.seats.len(), 3);
                }
            }
        }
    }
}

#[test]
fn test_an_empty_place_neither_earns_nor_loses() {
    for outcome in [
        Outcome::Accepted, Outcome::Rejected, Outcome::Unavailable, Outcome::NoVerdict,
    ]
        .span() {
        assert_eq!(
            *shares(@terms(), *outcome, [Vote::Empty].span())[0], SeatShare { paid: 0, slashed: 0 },
        );
    }
}

#[test]
fn test_an_accept_pays_agreeing_seats_and_returns_the_other_fees() {
    let votes = array![Vote::Accept, Vote::Reject, Vote::Accept];
    let payout = payout(@terms(), Outcome::Accepted, votes.span(), false);
    assert_eq!(payout.worker, REWARD + BOND);
    assert_eq!(payout.requester, FEE);
    assert_eq!(payout.forfeited, 0);
    assert_eq!(
        payout.seats,
        array![
            SeatShare { paid: FEE, slashed: 0 }, SeatShare { paid: 0, slashed: 0 },
            SeatShare { paid: FEE, slashed: 0 },
        ],
    );
}

#[test]
fn test_a_reject_is_paid_from_the_bond_and_slashes_who_accepted() {
    let votes = array![Vote::Reject, Vote::Accept, Vote::Reject];
    let payout = payout(@terms(), Outcome::Rejected, votes.span(), false);
    assert_eq!(payout.worker, 0);
    assert_eq!(payout.requester, 0);
    assert_eq!(payout.from_escrow, 0);
    assert_eq!(payout.forfeited, BOND - 2 * FEE);
    assert_eq!(*payout.seats[1], SeatShare { paid: 0, slashed: 4 * FEE });
}

#[test]
fn test_an_unavailable_slashes_nobody_for_accepting() {
    let votes = array![Vote::Unavailable, Vote::Accept, Vote::Unavailable];
    let payout = payout(@terms(), Outcome::Unavailable, votes.span(), false);
    assert_eq!(payout.forfeited, BOND - 2 * FEE);
    assert_eq!(*payout.seats[1], SeatShare { paid: 0, slashed: 0 });
}

#[test]
fn test_the_last_failure_refunds_the_whole_escrow() {
    let votes = array![Vote::Reject, Vote::Reject, Vote::Reject];
    let payout = payout(@terms(), Outcome::Rejected, votes.span(), true);
    assert_eq!(payout.requester, escrow_per_task(@terms()));
    assert_eq!(payout.from_escrow, REWARD + 3 * FEE);
    assert_eq!(payout.forfeited, BOND - 3 * FEE);
}

#[test]
fn test_no_verdict_returns_bond_and_reward_and_forfeits_the_fees() {
    let votes = array![Vote::Inconclusive, Vote::Sealed, Vote::Silent];
    let payout = payout(@terms(), Outcome::NoVerdict, votes.span(), true);
    assert_eq!(payout.worker, BOND);
    assert_eq!(payout.requester, REWARD);
    assert_eq!(payout.forfeited, audit_fees(@terms()));
    assert_eq!(
        payout.seats,
        array![
            SeatShare { paid: 0, slashed: 0 }, SeatShare { paid: 0, slashed: 4 * FEE },
            SeatShare { paid: 0, slashed: FEE },
        ],
    );
}

#[test]
fn test_not_drawn_pays_the_worker_and_returns_all_fees() {
    let payout = payout(@terms(), Outcome::NotDrawn, [].span(), false);
    assert_eq!(payout.worker, REWARD + BOND);
    assert_eq!(payout.requester, 3 * FEE);
    assert_conserved(@payout);
}

#[test]
#[should_panic(expected: 'UNDECIDED')]
fn test_nothing_is_paid_without_an_outcome() {
    payout(@terms(), Outcome::Undecided, [].span(), false);
}

#[test]
fn test_a_lapse_share_is_rounded_up_and_never_exceeds_the_bond() {
    assert_eq!(lapse_forfeit(100, 500), 5);
    assert_eq!(lapse_forfeit(101, 500), 6);
    assert_eq!(lapse_forfeit(1, 1), 1);
    assert_eq!(lapse_forfeit(0, 500), 0);
    assert_eq!(lapse_forfeit(101, 0), 0);
    let most = 0xffffffffffffffffffffffffffffffff;
    assert_eq!(lapse_forfeit(most, 10_000), most);
}

#[test]
fn test_the_least_bond_outweighs_what_cheating_gains() {
    // q = 1/2: R x (2 - 1); q = 3/10 of 1000: 2333.33 rounded up; q = 1: the audit's own cost.
    let half = Terms { audit_rate_bps: 5000, ..terms() };
    assert_eq!(least_worker_bond(@half), REWARD.into());
    let third = Terms { audit_rate_bps: 3000, ..terms() };
    assert_eq!(least_worker_bond(@third), 2334);
    assert_eq!(least_worker_bond(@terms()), 10 * FEE.into());
}
