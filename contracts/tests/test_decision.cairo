use tileproof::decision::{
    appeal_outcome, appealed, charge_of, final_outcome, question_fits, unappealed,
};
use tileproof::round::{Charge, Vote, no_charge};
use tileproof::types::{AppealOutcome, Ground, Outcome, Question};
use crate::cases::round_of;

fn tile(index: u32) -> Charge {
    Charge { ground: Ground::Tile, index }
}

const MAJORITIES: [Outcome; 4] = [
    Outcome::Accepted, Outcome::Rejected, Outcome::Unavailable, Outcome::NoVerdict,
];

/// One row of what an appeal's majority makes of a provisional verdict, in the order of MAJORITIES.
fn assert_row(against: Outcome, row: Span<(Outcome, AppealOutcome)>) {
    for i in 0..4_u32 {
        let majority = *MAJORITIES.span()[i];
        let found = (final_outcome(against, majority), appeal_outcome(against, majority));
        assert_eq!(found, *row[i]);
    }
}

#[test]
fn test_only_an_accept_clears_a_rejected_worker() {
    let stays = (Outcome::Rejected, AppealOutcome::Lost);
    assert_row(
        Outcome::Rejected,
        [
            (Outcome::Accepted, AppealOutcome::Won), stays, stays,
            (Outcome::Rejected, AppealOutcome::Undecided),
        ]
            .span(),
    );
}

#[test]
fn test_the_whole_is_judged_anew_against_an_unavailable() {
    assert_row(
        Outcome::Unavailable,
        [
            (Outcome::Accepted, AppealOutcome::Won), (Outcome::Rejected, AppealOutcome::Lost),
            (Outcome::Unavailable, AppealOutcome::Lost),
            (Outcome::Unavailable, AppealOutcome::Undecided),
        ]
            .span(),
    );
}

#[test]
fn test_a_requester_wins_by_a_reject_or_by_withheld_bytes() {
    for against in [Outcome::Accepted, Outcome::NotDrawn].span() {
        assert_row(
            *against,
            [
                (*against, AppealOutcome::Lost), (Outcome::Rejected, AppealOutcome::Won),
                (Outcome::Unavailable, AppealOutcome::Won), (*against, AppealOutcome::Undecided),
            ]
                .span(),
        );
    }
}

#[test]
fn test_an_appeals_decision_names_what_the_first_round_charged() {
    let first = round_of([Vote::Reject, Vote::Reject, Vote::Accept].span());
    let second = round_of([Vote::Accept, Vote::Accept, Vote::Empty].span());
    let decision = appealed(Outcome::Rejected, @first, Question::ListedTile, @second);
    assert_eq!(decision.outcome, Outcome::Accepted);
    assert_eq!(decision.provisional, Outcome::Rejected);
    assert_eq!(decision.charge, tile(3));
    assert_eq!(decision.majority, Outcome::Accepted);
    let plain = unappealed(Outcome::Rejected, @first);
    assert_eq!((plain.outcome, plain.provisional), (Outcome::Rejected, Outcome::Rejected));
    assert_eq!((plain.charge, plain.appeal), (tile(3), AppealOutcome::None));
    assert_eq!(charge_of(Outcome::Accepted, @first), no_charge());
}

#[test]
fn test_a_worker_asks_exactly_what_the_reject_names() {
    let fits = |charge, question, position, tile| question_fits(
        Outcome::Rejected, charge, question, position, tile,
    );
    assert!(fits(tile(5), Question::ListedTile, 0, 5));
    assert!(!fits(tile(5), Question::ListedTile, 0, 4));
    assert!(!fits(tile(5), Question::ListedTile, 1, 5));
    assert!(!fits(tile(5), Question::NamedTile, 0, 5));
    assert!(!fits(tile(5), Question::Picture, 5, 0));
    assert!(!fits(tile(5), Question::Whole, 0, 0));
    for ground in [Ground::Missing, Ground::Undecodable, Ground::WrongFormat].span() {
        let charge = Charge { ground: *ground, index: 5 };
        assert!(fits(charge, Question::Picture, 5, 0));
        assert!(!fits(charge, Question::Picture, 4, 0));
        assert!(!fits(charge, Question::Picture, 5, 1));
        assert!(!fits(charge, Question::ListedTile, 0, 5));
        assert!(!fits(charge, Question::NamedTile, 5, 0));
        assert!(!fits(charge, Question::Whole, 0, 0));
    }
}

#[test]
fn test_an_unavailable_is_asked_about_as_a_whole() {
    let fits = |question, position, tile| question_fits(
        Outcome::Unavailable, no_charge(), question, position, tile,
    );
    assert!(fits(Question::Whole, 0, 0));
    assert!(!fits(Question::Whole, 1, 0));
    assert!(!fits(Question::Whole, 0, 1));
    assert!(!fits(Question::Picture, 0, 0));
    assert!(!fits(Question::ListedTile, 0, 0));
    assert!(!fits(Question::NamedTile, 0, 0));
}

#[test]
fn test_a_requester_names_any_tile_but_a_listed_one_only_where_there_is_a_list() {
    let fits = |against, question, position, tile| question_fits(
        against, no_charge(), question, position, tile,
    );
    assert!(fits(Outcome::Accepted, Question::ListedTile, 0, 0xffffffff));
    assert!(!fits(Outcome::Accepted, Question::ListedTile, 1, 0));
    assert!(fits(Outcome::Accepted, Question::NamedTile, 0xffffffff, 0xffffffff));
    assert!(!fits(Outcome::Accepted, Question::Picture, 0, 0));
    assert!(!fits(Outcome::Accepted, Question::Whole, 0, 0));
    assert!(fits(Outcome::NotDrawn, Question::NamedTile, 7, 8));
    assert!(!fits(Outcome::NotDrawn, Question::ListedTile, 0, 0));
    assert!(!fits(Outcome::NotDrawn, Question::Picture, 0, 0));
    assert!(!fits(Outcome::NotDrawn, Question::Whole, 0, 0));
    assert!(!fits(Outcome::NoVerdict, Question::NamedTile, 0, 0));
    assert!(!fits(Outcome::Undecided, Question::NamedTile, 0, 0));
}
