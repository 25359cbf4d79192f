use tileproof::round::{
    APPEAL_ROUND, Charge, Phase, Round, Vote, committee_size, leading_charge, majority, no_charge,
    phase,
};
use tileproof::types::{Ground, Outcome, Terms};
use crate::cases::{round_of, terms};

const DRAW: u64 = 500;

/// Places that all reject, with what each names.
fn rejects(charges: Span<Charge>) -> Round {
    let mut votes = array![];
    for _ in charges {
        votes.append(Vote::Reject);
    }
    Round { charges, ..round_of(votes.span()) }
}

fn tile(index: u32) -> Charge {
    Charge { ground: Ground::Tile, index }
}

#[test]
fn test_a_round_without_any_commit_ends_with_the_commit_window() {
    let silent = round_of([Vote::Silent, Vote::Silent, Vote::Empty].span());
    let (now, ends) = phase(DRAW, @silent, @terms(), DRAW + 20);
    assert_eq!(now, Phase::Over);
    assert_eq!(ends, DRAW + 20);
    let nobody = round_of([Vote::Empty, Vote::Empty, Vote::Empty].span());
    let (now, ends) = phase(DRAW, @nobody, @terms(), DRAW);
    assert_eq!(now, Phase::Over);
    assert_eq!(ends, DRAW);
}

#[test]
fn test_a_majority_is_of_all_places_not_of_those_who_spoke() {
    let said = |votes: Span<Vote>| majority(@round_of(votes));
    assert_eq!(said([Vote::Accept, Vote::Silent, Vote::Sealed].span()), Outcome::NoVerdict);
    assert_eq!(said([Vote::Accept, Vote::Empty, Vote::Empty].span()), Outcome::NoVerdict);
    assert_eq!(said([Vote::Accept, Vote::Accept, Vote::Empty].span()), Outcome::Accepted);
    assert_eq!(said([Vote::Reject, Vote::Accept, Vote::Reject].span()), Outcome::Rejected);
    assert_eq!(said([Vote::Unavailable].span()), Outcome::Unavailable);
    assert_eq!(
        said([Vote::Inconclusive, Vote::Inconclusive, Vote::Inconclusive].span()),
        Outcome::NoVerdict,
    );
    assert_eq!(
        said([Vote::Accept, Vote::Accept, Vote::Reject, Vote::Reject, Vote::Silent].span()),
        Outcome::NoVerdict,
    );
}

#[test]
fn test_an_appeals_majority_is_n_plus_1_of_its_2n_plus_1() {
    let mut votes = array![];
    for _ in 0..7_u32 {
        votes.append(Vote::Accept);
    }
    for _ in 0..7_u32 {
        votes.append(Vote::Reject);
    }
    let tied = array_with(votes.span(), Vote::Inconclusive);
    assert_eq!(majority(@round_of(tied)), Outcome::NoVerdict);
    let led = array_with(votes.span(), Vote::Accept);
    assert_eq!(majority(@round_of(led)), Outcome::Accepted);
    let led = array_with(votes.span(), Vote::Reject);
    assert_eq!(majority(@round_of(led)), Outcome::Rejected);
    assert_eq!(committee_size(@Terms { committee_size: 7, ..terms() }, APPEAL_ROUND), 15);
    assert_eq!(committee_size(@terms(), 2), 3);
}

fn array_with(votes: Span<Vote>, last: Vote) -> Span<Vote> {
    let mut all = array![];
    all.append_span(votes);
    all.append(last);
    all.span()
}

#[test]
fn test_rejects_that_name_different_things_are_no_majority() {
    let missing = Charge { ground: Ground::Missing, index: 3 };
    assert_eq!(majority(@rejects([tile(3), tile(3), tile(3)].span())), Outcome::Rejected);
    assert_eq!(majority(@rejects([tile(3), tile(4), tile(3)].span())), Outcome::Rejected);
    assert_eq!(majority(@rejects([tile(4), tile(3), tile(3)].span())), Outcome::Rejected);
    assert_eq!(majority(@rejects([tile(3), tile(4), tile(5)].span())), Outcome::NoVerdict);
    assert_eq!(majority(@rejects([tile(3), missing, tile(4)].span())), Outcome::NoVerdict);
    assert_eq!(
        majority(@rejects([tile(1), tile(1), tile(2), tile(2), missing].span())),
        Outcome::NoVerdict,
    );
    assert_eq!(
        majority(@rejects([tile(1), tile(2), tile(2), missing, tile(2)].span())),
        Outcome::Rejected,
    );
}

#[test]
fn test_the_leading_charge_is_the_majoritys_wherever_it_sits() {
    // All arrangements of a charge that three or more of five places share.
    for arrangement in 0..243_u32 {
        let mut charges = array![];
        let mut rest = arrangement;
        let mut counts = [0_u32, 0, 0];
        for _ in 0..5_u32 {
            let index = rest % 3;
            rest = rest / 3;
            charges.append(tile(index));
            let [a, b, c] = counts;
            counts =
                if index == 0 {
                    [a + 1, b, c]
                } else if index == 1 {
                    [a, b + 1, c]
                } else {
                    [a, b, c + 1]
                };
        }
        let round = rejects(charges.span());
        let counted = counts.span();
        let mut expected = Outcome::NoVerdict;
        for index in 0..3_u32 {
            if *counted[index] >= 3 {
                expected = Outcome::Rejected;
                assert_eq!(leading_charge(@round), tile(index));
            }
        }
        assert_eq!(majority(@round), expected);
    }
}

#[test]
fn test_a_charge_counts_only_where_a_reject_stands() {
    let votes = [Vote::Accept, Vote::Reject, Vote::Reject].span();
    let round = Round { charges: [tile(9), tile(2), tile(2)].span(), ..round_of(votes) };
    assert_eq!(leading_charge(@round), tile(2));
    assert_eq!(majority(@round), Outcome::Rejected);
    let one = Round { charges: [tile(2), tile(2), tile(9)].span(), ..round_of(votes) };
    assert_eq!(majority(@one), Outcome::NoVerdict);
    assert_eq!(leading_charge(@round_of([Vote::Accept].span())), no_charge());
}
