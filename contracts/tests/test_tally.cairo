use tileproof::seats::{
    Eligibility, SeatCell, SeatTally, active_before, is_eligible, with_seat, without_seat,
};

const NOBODY: SeatTally = SeatTally {
    slots: 0, active: 0, newest_block: 0, taken_in_newest: 0, free: 0,
};

#[test]
fn test_seats_of_the_present_block_do_not_count_before_it_has_passed() {
    let tally = with_seat(with_seat(with_seat(NOBODY, 10), 12), 12);
    assert_eq!(tally.active, 3);
    assert_eq!(active_before(@tally, 12), 1);
    assert_eq!(active_before(@tally, 13), 3);
    let later = with_seat(tally, 13);
    assert_eq!((active_before(@later, 13), active_before(@later, 14)), (3, 4));
}

#[test]
fn test_a_seat_that_leaves_in_its_own_block_was_never_counted() {
    let tally = with_seat(with_seat(NOBODY, 10), 12);
    let tally = without_seat(tally, 12);
    assert_eq!((tally.active, active_before(@tally, 12)), (1, 1));
    let tally = without_seat(with_seat(tally, 12), 10);
    assert_eq!((tally.active, active_before(@tally, 12)), (1, 0));
    // And when it leaves later, it leaves nothing behind.
    let tally = without_seat(tally, 12);
    assert_eq!((tally.active, tally.taken_in_newest), (0, 0));
    assert_eq!(active_before(@tally, 12), 0);
}

fn rule() -> Eligibility {
    Eligibility { claim_block: 100, least_bond: 40, held_until: 300, exit_blocks: 150 }
}

fn seat() -> SeatCell {
    SeatCell { bond: 40, since_block: 99, leaving_block: 0, collected: false, link: 0 }
}

#[test]
fn test_a_seat_sits_for_claims_of_later_blocks_than_its_own() {
    assert!(is_eligible(@seat(), @rule()));
    assert!(!is_eligible(@SeatCell { since_block: 100, ..seat() }, @rule()));
    assert!(!is_eligible(@SeatCell { since_block: 101, ..seat() }, @rule()));
}

#[test]
fn test_a_seat_that_cannot_pay_for_a_wrong_verdict_does_not_sit() {
    assert!(!is_eligible(@SeatCell { bond: 39, ..seat() }, @rule()));
}

#[test]
fn test_a_leaving_seat_sits_only_for_earlier_claims_that_end_before_its_exit() {
    let leaving = |block| is_eligible(@SeatCell { leaving_block: block, ..seat() }, @rule());
    assert!(!leaving(99));
    assert!(!leaving(100));
    assert!(!leaving(150));
    assert!(leaving(151));
    let short = Eligibility { held_until: 200, ..rule() };
    let leaving = |block| is_eligible(@SeatCell { leaving_block: block, ..seat() }, @short);
    assert!(!leaving(99));
    assert!(leaving(100));
}
