//! What is stored about seats, and how the counts of them move. Pure.

/// A seat but for its owner, who has a cell of his own.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct SeatCell {
    pub bond: u128,
    pub since_block: u64,
    /// 0 while active.
    pub leaving_block: u64,
    /// The slot is free.
    pub collected: bool,
    /// Of a seat that is held: its place in its owner's list. Of a free slot: the slot freed before
    /// it, plus one; 0 for none.
    pub link: u32,
}

/// All slots, or one owner's seats.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct SeatTally {
    /// Slots there are, free ones included; or seats that the owner holds, leaving ones included.
    pub slots: u32,
    pub active: u32,
    /// The block of the latest seat taken, and how many of its seats are active.
    pub newest_block: u64,
    pub taken_in_newest: u32,
    /// The slot freed last, plus one; 0 when none is free, and always for an owner.
    pub free: u32,
}

/// One more active seat as of `block`.
pub fn with_seat(tally: SeatTally, block: u64) -> SeatTally {
    let before = if tally.newest_block == block {
        tally.taken_in_newest
    } else {
        0
    };
    SeatTally {
        active: tally.active + 1, newest_block: block, taken_in_newest: before + 1, ..tally,
    }
}

/// One active seat less, which was taken in `since_block`.
pub fn without_seat(tally: SeatTally, since_block: u64) -> SeatTally {
    let taken_in_newest = if since_block == tally.newest_block {
        tally.taken_in_newest - 1
    } else {
        tally.taken_in_newest
    };
    SeatTally { active: tally.active - 1, taken_in_newest, ..tally }
}

/// Active seats taken before `block`, the present one.
pub fn active_before(tally: @SeatTally, block: u64) -> u32 {
    if *tally.newest_block == block {
        *tally.active - *tally.taken_in_newest
    } else {
        *tally.active
    }
}

/// What a seat must be to sit for a claim.
#[derive(Copy, Drop, PartialEq, Debug)]
pub struct Eligibility {
    /// It was taken in an earlier block, and had not left in one.
    pub claim_block: u64,
    /// What it may lose by a wrong verdict is there.
    pub least_bond: u128,
    /// It cannot be collected before this block has passed.
    pub held_until: u64,
    pub exit_blocks: u64,
}

pub fn is_eligible(seat: @SeatCell, rule: @Eligibility) -> bool {
    let leaving_block = *seat.leaving_block;
    *seat.since_block < *rule.claim_block
        && *seat.bond >= *rule.least_bond
        && (leaving_block == 0
            || (leaving_block >= *rule.claim_block
                && leaving_block + *rule.exit_blocks > *rule.held_until))
}
