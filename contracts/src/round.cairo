//! One round of an audit: who sits, who has said what, which phase it is in, and what its majority
//! says. Pure: the present is an argument.

use super::types::{Ground, Outcome, Terms, Verdict};

/// Slot of a place in a committee for which nobody was found.
pub const NO_SEAT: u32 = 0xFFFFFFFF;
pub const MAX_COMMITTEE: u32 = 7;
pub const MAX_APPEAL_COMMITTEE: u32 = 15;
/// Rounds are 0, 1 and 2: after two redraws without majority there is no verdict.
pub const LAST_ROUND: u8 = 2;
/// The round of an appeal, whatever the round that it is raised against.
pub const APPEAL_ROUND: u8 = 3;

/// What one place of a committee has done.
#[derive(Copy, Drop, PartialEq, Debug)]
pub enum Vote {
    /// No seat sits here.
    Empty,
    Silent,
    /// Committed, not revealed.
    Sealed,
    Accept,
    Reject,
    Inconclusive,
    Unavailable,
}

/// What a reject names. Two rejects agree when they name the same.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct Charge {
    pub ground: Ground,
    pub index: u32,
}

/// One packed cell: the votes of a committee, and the blocks of the latest commit and the latest
/// reveal, which date a phase that ended early.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct Votes {
    pub sealed_block: u64,
    pub opened_block: u64,
    pub votes: Span<Vote>,
}

/// A drawn round. `seats`, `votes` and `charges` have one entry per place of the committee.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct Round {
    pub seats: Span<u32>,
    pub votes: Span<Vote>,
    /// What each reject names. In an appeal's round every reject answers the same question, so all
    /// of them are `no_charge` there.
    pub charges: Span<Charge>,
    pub sealed_block: u64,
    pub opened_block: u64,
}

#[derive(Copy, Drop, PartialEq, Debug)]
pub enum Phase {
    Committing,
    Revealing,
    Over,
}

/// A round that was never drawn, for tasks before their audit.
pub fn no_round() -> Round {
    Round {
        seats: [].span(),
        votes: [].span(),
        charges: [].span(),
        sealed_block: 0,
        opened_block: 0,
    }
}

pub fn no_charge() -> Charge {
    Charge { ground: Ground::None, index: 0 }
}

/// n in the first rounds, 2n + 1 in an appeal's.
pub fn committee_size(terms: @Terms, round: u8) -> u8 {
    let n = *terms.committee_size;
    if round == APPEAL_ROUND {
        2 * n + 1
    } else {
        n
    }
}

/// The phase of a round at `block`, and the block in which it ends or, when over, has ended.
///
/// Windows are upper bounds: committing ends when every seat has committed, revealing when every
/// commitment has been opened. A place without seat is never waited for, and a round to which
/// nobody committed has nothing to reveal.
pub fn phase(draw_block: u64, round: @Round, terms: @Terms, block: u64) -> (Phase, u64) {
    let mut missing = 0_u32;
    let mut sealed = 0_u32;
    let mut opened = 0_u32;
    for vote in *round.votes {
        match vote {
            Vote::Empty => {},
            Vote::Silent => missing += 1,
            Vote::Sealed => sealed += 1,
            _ => opened += 1,
        }
    }
    let commit_ends = if missing != 0 {
        draw_block + (*terms.commit_blocks).into()
    } else if sealed + opened == 0 {
        draw_block
    } else {
        *round.sealed_block
    };
    if block < commit_ends {
        return (Phase::Committing, commit_ends);
    }
    if sealed + opened == 0 {
        return (Phase::Over, commit_ends);
    }
    let reveal_ends = if sealed != 0 {
        commit_ends + (*terms.reveal_blocks).into()
    } else {
        *round.opened_block
    };
    if block < reveal_ends {
        (Phase::Revealing, reveal_ends)
    } else {
        (Phase::Over, reveal_ends)
    }
}

/// The verdict of more than half of the places; NoVerdict where there is none, and where the
/// majority could not judge. Empty, silent and unrevealed places count among the places. Rejects
/// that name something else than the others count for no majority: one lying seat could otherwise
/// move an appeal onto a tile that is fine.
pub fn majority(round: @Round) -> Outcome {
    let mut accepts = 0_u32;
    let mut rejects = 0_u32;
    let mut unavailables = 0_u32;
    for vote in *round.votes {
        match vote {
            Vote::Accept => accepts += 1,
            Vote::Reject => rejects += 1,
            Vote::Unavailable => unavailables += 1,
            _ => {},
        }
    }
    let needed = ((*round.votes).len() + 1) / 2;
    if accepts >= needed {
        Outcome::Accepted
    } else if unavailables >= needed {
        Outcome::Unavailable
    } else if rejects >= needed && rejects_that_name(round, leading_charge(round)) >= needed {
        Outcome::Rejected
    } else {
        Outcome::NoVerdict
    }
}

/// What more than half of the places name, if that many name the same: what is left when rejects
/// that name different things are crossed out in pairs.
pub fn leading_charge(round: @Round) -> Charge {
    let mut leading = no_charge();
    let mut lead = 0_u32;
    for place in 0..(*round.votes).len() {
        if *(*round.votes)[place] == Vote::Reject {
            let charge = *(*round.charges)[place];
            if lead == 0 {
                leading = charge;
                lead = 1;
            } else if charge == leading {
                lead += 1;
            } else {
                lead -= 1;
            }
        }
    }
    leading
}

fn rejects_that_name(round: @Round, charge: Charge) -> u32 {
    let mut count = 0;
    for place in 0..(*round.votes).len() {
        if *(*round.votes)[place] == Vote::Reject && *(*round.charges)[place] == charge {
            count += 1;
        }
    }
    count
}

pub fn vote_of(verdict: Verdict) -> Vote {
    match verdict {
        Verdict::Accept => Vote::Accept,
        Verdict::Reject => Vote::Reject,
        Verdict::Inconclusive => Vote::Inconclusive,
        Verdict::Unavailable => Vote::Unavailable,
    }
}

pub fn is_committed(vote: Vote) -> bool {
    vote != Vote::Empty && vote != Vote::Silent
}

pub fn verdict_of(vote: Vote) -> Option<Verdict> {
    match vote {
        Vote::Accept => Some(Verdict::Accept),
        Vote::Reject => Some(Verdict::Reject),
        Vote::Inconclusive => Some(Verdict::Inconclusive),
        Vote::Unavailable => Some(Verdict::Unavailable),
        _ => None,
    }
}
