//! What is decided about a task when its audit, and the appeal if there is one, are over. Pure.

use super::round::{Charge, Round, leading_charge, majority, no_charge};
use super::types::{AppealOutcome, Ground, Outcome, Question};

/// Everything that settling needs to know.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct Decision {
    /// What is final.
    pub outcome: Outcome,
    /// What the first rounds came to.
    pub provisional: Outcome,
    /// What the rejects of the provisional majority name; `no_charge` where it did not reject.
    pub charge: Charge,
    pub appeal: AppealOutcome,
    /// What the appeal asked; says nothing without one.
    pub question: Question,
    /// What the appeal's committee says; NoVerdict without majority, and without appeal.
    pub majority: Outcome,
}

/// What stands when nobody appeals.
pub fn unappealed(outcome: Outcome, round: @Round) -> Decision {
    Decision {
        outcome,
        provisional: outcome,
        charge: charge_of(outcome, round),
        appeal: AppealOutcome::None,
        question: Question::Whole,
        majority: Outcome::NoVerdict,
    }
}

/// What stands after an appeal against `against`, which `first` came to, when the appeal's own round
/// is over.
pub fn appealed(
    against: Outcome, first: @Round, question: Question, appeal_round: @Round,
) -> Decision {
    let majority = majority(appeal_round);
    Decision {
        outcome: final_outcome(against, majority),
        provisional: against,
        charge: charge_of(against, first),
        appeal: appeal_outcome(against, majority),
        question,
        majority,
    }
}

/// What the rejects of a round that came to `outcome` name; `no_charge` where it did not reject.
pub fn charge_of(outcome: Outcome, round: @Round) -> Charge {
    if outcome == Outcome::Rejected {
        leading_charge(round)
    } else {
        no_charge()
    }
}

/// What is final when the appeal's committee says `majority`:
///
/// | against | Accepted | Rejected | Unavailable | NoVerdict |
/// | Rejected | Accepted | Rejected | Rejected | Rejected |
/// | Unavailable | Accepted | Rejected | Unavailable | Unavailable |
/// | Accepted, NotDrawn | stays | Rejected | Unavailable | stays |
///
/// A reject is not softened to an unavailable: that the bytes are gone now clears no one.
pub fn final_outcome(against: Outcome, majority: Outcome) -> Outcome {
    let stays = majority == Outcome::NoVerdict
        || (against == Outcome::Rejected && majority != Outcome::Accepted)
        || (against == Outcome::NotDrawn && majority == Outcome::Accepted);
    if stays {
        against
    } else {
        majority
    }
}

/// What that is for who appealed: the worker a reject or unavailable, the requester the others.
pub fn appeal_outcome(against: Outcome, majority: Outcome) -> AppealOutcome {
    if majority == Outcome::NoVerdict {
        AppealOutcome::Undecided
    } else if hurts_worker(against) == (majority == Outcome::Accepted) {
        AppealOutcome::Won
    } else {
        AppealOutcome::Lost
    }
}

/// Whether the provisional verdict hurts the worker; otherwise it hurts the requester, but for
/// NoVerdict, which nobody appeals.
pub fn hurts_worker(against: Outcome) -> bool {
    against == Outcome::Rejected || against == Outcome::Unavailable
}

/// Whether a question may be asked about a provisional verdict. The worker asks what the verdict
/// rests on. The requester names a tile: of the list, where there is one, or any other. Whether
/// there is such a tile the contract cannot know: the committee finds nothing wrong with one that is
/// not.
pub fn question_fits(
    against: Outcome, charge: Charge, question: Question, position: u32, tile: u32,
) -> bool {
    match against {
        Outcome::Rejected => if charge.ground == Ground::Tile {
            question == Question::ListedTile && (position, tile) == (0, charge.index)
        } else {
            question == Question::Picture && (position, tile) == (charge.index, 0)
        },
        Outcome::Unavailable => question == Question::Whole && (position, tile) == (0, 0),
        Outcome::Accepted => question == Question::NamedTile
            || (question == Question::ListedTile && position == 0),
        Outcome::NotDrawn => question == Question::NamedTile,
        _ => false,
    }
}
