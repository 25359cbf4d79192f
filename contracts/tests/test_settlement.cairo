use tileproof::decision::{Decision, appealed, unappealed};
use tileproof::round::{Charge, Round, Vote, majority, no_charge, no_round};
use tileproof::settlement::{
    Payout, SeatShare, appeal_bond, appeal_shares, audit_fees, escrow_per_task, first_shares,
    lapse_forfeit, least_seat_bond, least_worker_bond, payout, total_paid,
};
use tileproof::types::{AppealOutcome, Ground, Lane, Outcome, Question, Terms};
use crate::cases::{BOND, FEE, REWARD, round_of, terms};

/// One of the eight things that a place can have come to; number 7 rejects something else than 4.
fn vote_number(number: u32) -> (Vote, Charge) {
    let tile = |index| Charge { ground: Ground::Tile, index };
    match number {
        0 => (Vote::Empty, no_charge()),
        1 => (Vote::Silent, no_charge()),
        2 => (Vote::Sealed, no_charge()),
        3 => (Vote::Accept, no_charge()),
        4 => (Vote::Reject, tile(3)),
        5 => (Vote::Inconclusive, no_charge()),
        6 => (Vote::Unavailable, no_charge()),
        _ => (Vote::Reject, tile(4)),
    }
}

fn round_numbered(numbers: Span<u32>) -> Round {
    let mut votes = array![];
    let mut charges = array![];
    for number in numbers {
        let (vote, charge) = vote_number(*number);
        votes.append(vote);
        charges.append(charge);
    }
    Round { charges: charges.span(), ..round_of(votes.span()) }
}

/// A round of an appeal: what its rejects name does not matter.
fn appeal_round_of(votes: Span<Vote>) -> Round {
    let mut charges = array![];
    for _ in votes {
        charges.append(no_charge());
    }
    Round { charges: charges.span(), ..round_of(votes) }
}

fn single() -> Terms {
    Terms { committee_size: 1, worker_bond: 4 * FEE + 1, ..terms() }
}

fn hash_lane(terms: Terms) -> Terms {
    Terms { lane: Lane::Hash, ..terms }
}

fn total_slashed(shares: Span<SeatShare>) -> u128 {
    let mut slashed = 0;
    for share in shares {
        slashed += *share.slashed;
    }
    slashed
}

/// The payout of two rounds whose slashed bonds held `slashed`, with everything that holds of all.
fn settled(
    terms: @Terms, decision: @Decision, first: @Round, appeal: @Round, slashed: u128, closes: bool,
) -> Payout {
    let first_due = first_shares(terms, decision, first).span();
    let appeal_due = appeal_shares(terms, decision, appeal).span();
    assert_fair(terms, first, first_due);
    assert_fair(terms, appeal, appeal_due);
    let paid = payout(terms, decision, first_due, appeal_due, slashed, closes);
    // What went in comes out, to the last unit.
    assert_eq!(
        paid.from_escrow + paid.from_bond + paid.from_appeal + paid.from_slashes,
        paid.worker + paid.requester + paid.appellant + paid.seats + paid.forfeited,
    );
    assert_eq!(paid.seats, total_paid(first_due) + total_paid(appeal_due));
    // And nothing comes from where there is nothing.
    assert!(paid.from_slashes <= slashed);
    assert!(paid.from_escrow == 0 || paid.from_escrow == escrow_per_task(terms));
    assert_eq!(paid.from_bond, *terms.worker_bond);
    assert!(total_paid(first_due) <= audit_fees(terms));
    assert!(total_paid(appeal_due) <= appeal_bond(terms));
    assert!(paid.appellant <= paid.from_appeal);
    assert_eq!(paid.from_appeal == 0, *decision.appeal == AppealOutcome::None);
    paid
}

/// Nobody is paid and slashed at once; whoever could not judge loses nothing; silence costs f and a
/// verdict withheld 4f in every case.
fn assert_fair(terms: @Terms, round: @Round, shares: Span<SeatShare>) {
    let votes = *round.votes;
    assert_eq!(shares.len(), votes.len());
    for place in 0..votes.len() {
        let SeatShare { paid, slashed } = *shares[place];
        assert!(paid == 0 || paid == FEE);
        assert!(paid == 0 || slashed == 0);
        assert!(slashed <= least_seat_bond(terms));
        match votes[place] {
            Vote::Empty | Vote::Inconclusive => assert_eq!((paid, slashed), (0, 0)),
            Vote::Silent => assert_eq!((paid, slashed), (0, FEE)),
            Vote::Sealed => assert_eq!((paid, slashed), (0, 4 * FEE)),
            Vote::Unavailable => assert_eq!(slashed, 0),
            _ => assert!(slashed == 0 || (slashed == 4 * FEE && *terms.lane == Lane::Exact)),
        }
    }
}

/// What is paid when nobody appeals.
fn plain(terms: @Terms, outcome: Outcome, votes: Span<Vote>, closes: bool) -> Payout {
    let round = round_of(votes);
    settled(terms, @unappealed(outcome, @round), @round, @no_round(), 0, closes)
}

fn plain_shares(terms: @Terms, outcome: Outcome, votes: Span<Vote>) -> Array<SeatShare> {
    let round = round_of(votes);
    first_shares(terms, @unappealed(outcome, @round), @round)
}

const AGREES: SeatShare = SeatShare { paid: FEE, slashed: 0 };
const NOTHING: SeatShare = SeatShare { paid: 0, slashed: 0 };
const WRONG: SeatShare = SeatShare { paid: 0, slashed: 4 * FEE };
const SILENT: SeatShare = SeatShare { paid: 0, slashed: FEE };

#[test]
fn test_every_committee_of_three_conserves_every_unit() {
    for a in 0..8_u32 {
        for b in 0..8_u32 {
            for c in 0..8_u32 {
                let round = round_numbered([a, b, c].span());
                let terms = if (a + b + c) % 2 == 0 {
                    terms()
                } else {
                    hash_lane(terms())
                };
                let decision = unappealed(majority(@round), @round);
                settled(@terms, @decision, @round, @no_round(), 0, a == b);
            }
        }
    }
}

/// What can be appealed after one seat has judged, and what may be asked about it.
fn appealable(case: u32) -> (Outcome, Round, Question) {
    match case {
        0 => (Outcome::Accepted, round_of([Vote::Accept].span()), Question::ListedTile),
        1 => (Outcome::Accepted, round_of([Vote::Accept].span()), Question::NamedTile),
        2 => (Outcome::Rejected, round_of([Vote::Reject].span()), Question::ListedTile),
        3 => (Outcome::Unavailable, round_of([Vote::Unavailable].span()), Question::Whole),
        _ => (Outcome::NotDrawn, no_round(), Question::NamedTile),
    }
}

fn assert_every_appeal_conserves(terms: Terms) {
    for case in 0..5_u32 {
        let (against, first, question) = appealable(case);
        for votes in 0..343_u32 {
            let mut said = array![];
            let mut rest = votes;
            for _ in 0..3_u32 {
                let (vote, _) = vote_number(rest % 7);
                said.append(vote);
                rest = rest / 7;
            }
            let second = appeal_round_of(said.span());
            let decision = appealed(against, @first, question, @second);
            let at_most = total_slashed(first_shares(@terms, @decision, @first).span())
                + total_slashed(appeal_shares(@terms, @decision, @second).span());
            for slashed in [0, at_most / 2, at_most].span() {
                settled(@terms, @decision, @first, @second, *slashed, votes % 2 == 0);
            }
        }
    }
}

#[test]
fn test_every_appeal_against_a_committee_of_one_conserves_every_unit() {
    assert_every_appeal_conserves(single());
}

#[test]
fn test_every_appeal_in_the_hash_lane_conserves_every_unit() {
    assert_every_appeal_conserves(hash_lane(single()));
}

#[test]
fn test_a_dearer_slash_never_costs_the_appellant_or_the_requester() {
    let first = round_of([Vote::Reject, Vote::Reject, Vote::Accept].span());
    let second = appeal_round_of([Vote::Accept; 7].span());
    let decision = appealed(Outcome::Rejected, @first, Question::ListedTile, @second);
    let mut before = (0, 0);
    for slashed in 0..100_u128 {
        let paid = settled(@terms(), @decision, @first, @second, slashed, false);
        let (appellant, requester) = before;
        assert!(paid.appellant >= appellant && paid.requester >= requester);
        before = (paid.appellant, paid.requester);
        // Slashes come first, then what is left of the fees, then the appeal bond.
        assert!(paid.requester == 0 || paid.appellant == 7 * FEE);
        assert!(slashed < 7 * FEE || paid.from_slashes == 7 * FEE);
    }
    assert_eq!(before, (7 * FEE, 2 * FEE));
}

#[test]
fn test_one_more_agreeing_seat_costs_who_pays_it_exactly_one_fee() {
    let some = plain(
        @terms(), Outcome::Accepted, [Vote::Accept, Vote::Accept, Vote::Silent].span(), false,
    );
    let all = plain(
        @terms(), Outcome::Accepted, [Vote::Accept, Vote::Accept, Vote::Accept].span(), false,
    );
    assert_eq!((all.seats - some.seats, some.requester - all.requester), (FEE, FEE));
    let some = plain(
        @terms(), Outcome::Rejected, [Vote::Reject, Vote::Reject, Vote::Silent].span(), false,
    );
    let all = plain(
        @terms(), Outcome::Rejected, [Vote::Reject, Vote::Reject, Vote::Reject].span(), false,
    );
    assert_eq!((all.seats - some.seats, some.forfeited - all.forfeited), (FEE, FEE));
}

// --- without an appeal ---

#[test]
fn test_an_empty_place_neither_earns_nor_loses() {
    for outcome in [
        Outcome::Accepted, Outcome::Rejected, Outcome::Unavailable, Outcome::NoVerdict,
    ]
        .span() {
        assert_eq!(plain_shares(@terms(), *outcome, [Vote::Empty].span()), array![NOTHING]);
    }
}

#[test]
fn test_an_accept_pays_agreeing_seats_and_returns_the_other_fees() {
    let votes = [Vote::Accept, Vote::Reject, Vote::Accept].span();
    let paid = plain(@terms(), Outcome::Accepted, votes, false);
    assert_eq!(paid.worker, REWARD + BOND);
    assert_eq!((paid.requester, paid.seats, paid.forfeited), (FEE, 2 * FEE, 0));
    assert_eq!(
        plain_shares(@terms(), Outcome::Accepted, votes), array![AGREES, NOTHING, AGREES],
    );
}

#[test]
fn test_a_reject_is_paid_from_the_bond_and_slashes_who_accepted() {
    let votes = [Vote::Reject, Vote::Accept, Vote::Reject].span();
    let paid = plain(@terms(), Outcome::Rejected, votes, false);
    assert_eq!((paid.worker, paid.requester, paid.from_escrow), (0, 0, 0));
    assert_eq!(paid.forfeited, BOND - 2 * FEE);
    assert_eq!(plain_shares(@terms(), Outcome::Rejected, votes), array![AGREES, WRONG, AGREES]);
}

#[test]
fn test_a_reject_that_names_something_else_is_neither_paid_nor_slashed() {
    let round = round_numbered([4, 7, 4].span());
    let decision = unappealed(Outcome::Rejected, @round);
    assert_eq!(first_shares(@terms(), @decision, @round), array![AGREES, NOTHING, AGREES]);
}

#[test]
fn test_a_reject_in_the_hash_lane_takes_the_fees_of_the_bond_and_slashes_nobody() {
    let terms = hash_lane(terms());
    let votes = [Vote::Reject, Vote::Accept, Vote::Reject].span();
    let paid = plain(@terms, Outcome::Rejected, votes, false);
    assert_eq!((paid.worker, paid.seats), (BOND - 2 * FEE, 2 * FEE));
    assert_eq!((paid.requester, paid.forfeited), (0, 0));
    assert_eq!(plain_shares(@terms, Outcome::Rejected, votes), array![AGREES, NOTHING, AGREES]);
    // Silence, and a verdict that is not opened, cost the same in both lanes.
    let votes = [Vote::Reject, Vote::Silent, Vote::Sealed].span();
    assert_eq!(plain_shares(@terms, Outcome::NoVerdict, votes), array![NOTHING, SILENT, WRONG]);
}

#[test]
fn test_withheld_bytes_cost_the_bond_in_the_hash_lane_too() {
    let votes = [Vote::Unavailable, Vote::Unavailable, Vote::Accept].span();
    let paid = plain(@hash_lane(terms()), Outcome::Unavailable, votes, false);
    assert_eq!((paid.worker, paid.forfeited), (0, BOND - 2 * FEE));
}

#[test]
fn test_an_unavailable_slashes_nobody_for_accepting() {
    let votes = [Vote::Unavailable, Vote::Accept, Vote::Unavailable].span();
    let paid = plain(@terms(), Outcome::Unavailable, votes, false);
    assert_eq!(paid.forfeited, BOND - 2 * FEE);
    assert_eq!(
        plain_shares(@terms(), Outcome::Unavailable, votes), array![AGREES, NOTHING, AGREES],
    );
}

#[test]
fn test_the_last_failure_refunds_the_whole_escrow() {
    let votes = [Vote::Reject, Vote::Reject, Vote::Reject].span();
    let paid = plain(@terms(), Outcome::Rejected, votes, true);
    assert_eq!(paid.requester, escrow_per_task(@terms()));
    assert_eq!(paid.from_escrow, REWARD + 3 * FEE);
    assert_eq!(paid.forfeited, BOND - 3 * FEE);
}

#[test]
fn test_no_verdict_returns_bond_and_reward_and_forfeits_the_fees() {
    let votes = [Vote::Inconclusive, Vote::Sealed, Vote::Silent].span();
    let paid = plain(@terms(), Outcome::NoVerdict, votes, true);
    assert_eq!((paid.worker, paid.requester), (BOND, REWARD));
    assert_eq!(paid.forfeited, audit_fees(@terms()));
    assert_eq!(plain_shares(@terms(), Outcome::NoVerdict, votes), array![NOTHING, WRONG, SILENT]);
}

#[test]
fn test_not_drawn_pays_the_worker_and_returns_all_fees() {
    let paid = plain(@terms(), Outcome::NotDrawn, [].span(), false);
    assert_eq!((paid.worker, paid.requester), (REWARD + BOND, 3 * FEE));
}

#[test]
#[should_panic(expected: 'UNDECIDED')]
fn test_nothing_is_paid_without_an_outcome() {
    plain(@terms(), Outcome::Undecided, [].span(), false);
}

// --- after an appeal: who pays the seven seats ---

/// An appeal against what `first` came to, whose seats have all that they lose.
fn appeal_payout(
    terms: Terms, against: Outcome, first: @Round, question: Question, second: Span<Vote>,
) -> (Payout, Array<SeatShare>, Array<SeatShare>) {
    let second = appeal_round_of(second);
    let decision = appealed(against, first, question, @second);
    let first_due = first_shares(@terms, @decision, first);
    let second_due = appeal_shares(@terms, @decision, @second);
    let slashed = total_slashed(first_due.span()) + total_slashed(second_due.span());
    (settled(@terms, @decision, first, @second, slashed, false), first_due, second_due)
}

fn seven(common: Vote, other: Vote, others: u32) -> Span<Vote> {
    let mut votes = array![];
    for place in 0..7_u32 {
        votes.append(if place < others {
            other
        } else {
            common
        });
    }
    votes.span()
}

#[test]
fn test_a_reject_proved_wrong_pays_for_its_appeal() {
    let first = round_numbered([4, 4, 3].span());
    let (paid, first_due, second_due) = appeal_payout(
        terms(), Outcome::Rejected, @first, Question::ListedTile,
        seven(Vote::Accept, Vote::Reject, 1),
    );
    assert_eq!(first_due, array![WRONG, WRONG, AGREES]);
    assert_eq!((*second_due[0], *second_due[6]), (WRONG, AGREES));
    // 12 fees are slashed, 6 of them pay the appeal's seats.
    assert_eq!((paid.from_slashes, paid.seats), (6 * FEE, 7 * FEE));
    assert_eq!((paid.worker, paid.appellant), (REWARD + BOND, 7 * FEE));
    assert_eq!((paid.requester, paid.forfeited), (2 * FEE, 0));
}

#[test]
fn test_a_reject_that_named_something_else_is_not_proved_wrong() {
    let first = round_numbered([4, 7, 4].span());
    let (_, first_due, _) = appeal_payout(
        terms(), Outcome::Rejected, @first, Question::ListedTile,
        seven(Vote::Accept, Vote::Accept, 0),
    );
    assert_eq!(first_due, array![WRONG, NOTHING, WRONG]);
}

#[test]
fn test_bonds_too_small_for_the_slash_leave_the_fees_and_then_the_appeal_bond_to_pay() {
    let first = round_numbered([4, 4, 3].span());
    let second = appeal_round_of(seven(Vote::Accept, Vote::Accept, 0));
    let decision = appealed(Outcome::Rejected, @first, Question::ListedTile, @second);
    let paid = |slashed| settled(@terms(), @decision, @first, @second, slashed, false);
    // The accept of the first round is paid first; two fees are left.
    let all = paid(70);
    assert_eq!((all.from_slashes, all.requester, all.appellant), (70, 20, 70));
    let short = paid(55);
    assert_eq!((short.from_slashes, short.requester, short.appellant), (55, 5, 70));
    let shorter = paid(45);
    assert_eq!((shorter.from_slashes, shorter.requester, shorter.appellant), (45, 0, 65));
    let none = paid(0);
    assert_eq!((none.from_slashes, none.requester, none.appellant), (0, 0, 20));
    assert_eq!(none.worker, REWARD + BOND);
}

#[test]
fn test_an_overturned_unavailable_costs_the_appellant_at_most_n_plus_1_fees() {
    let first = round_of([Vote::Unavailable, Vote::Unavailable, Vote::Inconclusive].span());
    let (paid, first_due, second_due) = appeal_payout(
        terms(), Outcome::Unavailable, @first, Question::Whole,
        seven(Vote::Accept, Vote::Unavailable, 0),
    );
    assert_eq!(first_due, array![NOTHING, NOTHING, NOTHING]);
    assert_eq!((*second_due[0], *second_due[6]), (AGREES, AGREES));
    assert_eq!((paid.from_slashes, paid.requester), (0, 0));
    assert_eq!((paid.worker, paid.appellant), (REWARD + BOND, 3 * FEE));
    assert_eq!(7 * FEE - paid.appellant, 4 * FEE);
}

#[test]
fn test_who_rejects_in_an_appeal_that_finds_the_bytes_there_and_fine_is_slashed() {
    let first = round_of([Vote::Unavailable, Vote::Unavailable, Vote::Accept].span());
    let (paid, first_due, second_due) = appeal_payout(
        terms(), Outcome::Unavailable, @first, Question::Whole,
        seven(Vote::Accept, Vote::Reject, 2),
    );
    assert_eq!(first_due, array![NOTHING, NOTHING, AGREES]);
    assert_eq!((*second_due[1], *second_due[2]), (WRONG, AGREES));
    // Two slashes of 4f pay all five.
    assert_eq!((paid.from_slashes, paid.appellant, paid.requester), (5 * FEE, 7 * FEE, 2 * FEE));
}

#[test]
fn test_an_unavailable_that_turns_out_bad_slashes_nobody_of_the_first_round() {
    let first = round_of([Vote::Unavailable, Vote::Unavailable, Vote::Accept].span());
    let (paid, first_due, _) = appeal_payout(
        terms(), Outcome::Unavailable, @first, Question::Whole,
        seven(Vote::Reject, Vote::Unavailable, 1),
    );
    assert_eq!(first_due, array![NOTHING, NOTHING, NOTHING]);
    assert_eq!((paid.worker, paid.appellant, paid.seats), (0, 0, 6 * FEE));
    assert_eq!(paid.forfeited, BOND + FEE);
}

#[test]
fn test_a_worker_who_appeals_a_true_reject_pays_both_committees() {
    let first = round_numbered([4, 4, 3].span());
    let (paid, first_due, second_due) = appeal_payout(
        terms(), Outcome::Rejected, @first, Question::ListedTile,
        seven(Vote::Reject, Vote::Accept, 2),
    );
    assert_eq!(first_due, array![AGREES, AGREES, WRONG]);
    assert_eq!((*second_due[0], *second_due[2]), (WRONG, AGREES));
    assert_eq!((paid.worker, paid.appellant, paid.from_slashes), (0, 0, 0));
    assert_eq!(paid.seats, 2 * FEE + 5 * FEE);
    assert_eq!(paid.forfeited, (BOND - 2 * FEE) + (7 * FEE - 5 * FEE));
}

#[test]
fn test_an_appeal_that_nobody_decides_costs_nothing() {
    let first = round_numbered([4, 4, 3].span());
    let (paid, first_due, second_due) = appeal_payout(
        terms(), Outcome::Rejected, @first, Question::ListedTile,
        seven(Vote::Inconclusive, Vote::Silent, 3),
    );
    assert_eq!(first_due, array![AGREES, AGREES, WRONG]);
    assert_eq!((*second_due[0], *second_due[6]), (SILENT, NOTHING));
    assert_eq!((paid.appellant, paid.seats, paid.from_slashes), (7 * FEE, 2 * FEE, 0));
    assert_eq!(paid.forfeited, BOND - 2 * FEE);
}

#[test]
fn test_a_listed_tile_found_bad_slashes_who_accepted_it_and_the_bond_pays() {
    let first = round_numbered([3, 7, 3].span());
    let (paid, first_due, second_due) = appeal_payout(
        terms(), Outcome::Accepted, @first, Question::ListedTile,
        seven(Vote::Reject, Vote::Accept, 1),
    );
    // The lone reject of the first round was right, whatever it named.
    assert_eq!(first_due, array![WRONG, AGREES, WRONG]);
    assert_eq!((*second_due[0], *second_due[1]), (WRONG, AGREES));
    assert_eq!((paid.worker, paid.requester, paid.from_escrow), (0, 0, 0));
    assert_eq!((paid.appellant, paid.seats, paid.from_slashes), (7 * FEE, 7 * FEE, 0));
    assert_eq!(paid.forfeited, BOND - 7 * FEE);
}

#[test]
fn test_a_named_tile_found_bad_slashes_nobody_who_was_not_asked_about_it() {
    let first = round_numbered([3, 3, 3].span());
    let (paid, first_due, _) = appeal_payout(
        terms(), Outcome::Accepted, @first, Question::NamedTile,
        seven(Vote::Reject, Vote::Accept, 0),
    );
    assert_eq!(first_due, array![NOTHING, NOTHING, NOTHING]);
    assert_eq!((paid.appellant, paid.forfeited), (7 * FEE, BOND - 7 * FEE));
}

#[test]
fn test_a_lost_appeal_about_a_named_tile_still_pays_the_first_accepts() {
    let first = round_numbered([3, 3, 7].span());
    let (paid, first_due, _) = appeal_payout(
        terms(), Outcome::Accepted, @first, Question::NamedTile,
        seven(Vote::Accept, Vote::Reject, 1),
    );
    assert_eq!(first_due, array![AGREES, AGREES, NOTHING]);
    assert_eq!((paid.worker, paid.requester, paid.appellant), (REWARD + BOND, FEE, 0));
    assert_eq!((paid.seats, paid.forfeited), (2 * FEE + 6 * FEE, FEE));
}

#[test]
fn test_bytes_gone_after_an_accept_are_the_workers_loss_and_slash_nobody() {
    let first = round_numbered([3, 3, 6].span());
    let (paid, first_due, second_due) = appeal_payout(
        terms(), Outcome::Accepted, @first, Question::ListedTile,
        seven(Vote::Unavailable, Vote::Accept, 3),
    );
    assert_eq!(first_due, array![NOTHING, NOTHING, AGREES]);
    assert_eq!((*second_due[0], *second_due[3]), (NOTHING, AGREES));
    assert_eq!((paid.worker, paid.appellant), (0, 7 * FEE));
    assert_eq!((paid.seats, paid.forfeited), (5 * FEE, BOND - 5 * FEE));
}

#[test]
fn test_a_task_that_was_not_drawn_is_paid_from_the_bond_when_its_tile_is_bad() {
    let (paid, first_due, _) = appeal_payout(
        terms(), Outcome::NotDrawn, @no_round(), Question::NamedTile,
        seven(Vote::Reject, Vote::Accept, 0),
    );
    assert!(first_due.is_empty());
    assert_eq!((paid.worker, paid.requester, paid.appellant), (0, 0, 7 * FEE));
    assert_eq!((paid.seats, paid.forfeited), (7 * FEE, BOND - 7 * FEE));
    let (paid, _, _) = appeal_payout(
        terms(), Outcome::NotDrawn, @no_round(), Question::NamedTile,
        seven(Vote::Accept, Vote::Silent, 1),
    );
    assert_eq!((paid.worker, paid.requester), (REWARD + BOND, 3 * FEE));
    assert_eq!((paid.seats, paid.forfeited, paid.appellant), (6 * FEE, FEE, 0));
}

#[test]
fn test_the_hash_lane_takes_a_won_appeal_from_the_bond_and_returns_the_rest() {
    let first = round_numbered([3, 7, 3].span());
    let (paid, first_due, second_due) = appeal_payout(
        hash_lane(terms()), Outcome::Accepted, @first, Question::ListedTile,
        seven(Vote::Reject, Vote::Accept, 1),
    );
    assert_eq!(first_due, array![NOTHING, AGREES, NOTHING]);
    assert_eq!(*second_due[0], NOTHING);
    assert_eq!((paid.worker, paid.forfeited), (BOND - 7 * FEE, 0));
    assert_eq!((paid.appellant, paid.seats), (7 * FEE, 7 * FEE));
}

#[test]
fn test_a_false_reject_in_the_hash_lane_is_appealed_at_the_cost_of_fees_and_bond() {
    let first = round_numbered([4, 4, 4].span());
    let (paid, first_due, _) = appeal_payout(
        hash_lane(terms()), Outcome::Rejected, @first, Question::ListedTile,
        seven(Vote::Accept, Vote::Reject, 2),
    );
    assert_eq!(first_due, array![NOTHING, NOTHING, NOTHING]);
    assert_eq!((paid.from_slashes, paid.requester), (0, 0));
    // Five agree: three are paid by the fees, two by the bond.
    assert_eq!((paid.worker, paid.appellant), (REWARD + BOND, 5 * FEE));
}

#[test]
fn test_a_bond_of_the_least_size_pays_both_committees_and_not_one_unit_more() {
    let exact = Terms { worker_bond: 10 * FEE, ..terms() };
    let first = round_numbered([6, 6, 6].span());
    let second = appeal_round_of(seven(Vote::Unavailable, Vote::Accept, 0));
    let decision = appealed(Outcome::Accepted, @first, Question::NamedTile, @second);
    let paid = settled(@exact, @decision, @first, @second, 0, true);
    assert_eq!((paid.seats, paid.forfeited, paid.worker), (10 * FEE, 0, 0));
    assert_eq!(paid.requester, escrow_per_task(@exact));
}

#[test]
fn test_an_appeal_locks_what_its_whole_committee_can_earn() {
    assert_eq!(appeal_bond(@terms()), 7 * FEE);
    assert_eq!(appeal_bond(@single()), 3 * FEE);
    assert_eq!(least_seat_bond(@terms()), 4 * FEE);
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
