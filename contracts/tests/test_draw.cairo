//! The numbers come from `tileproof.domain.sampling`, whose functions are the namesakes of these.

use tileproof::draw::{
    RoundId, SeatBook, audit_seed, committee, is_audited, result_commitment, verdict_commitment,
};
use tileproof::round::NO_SEAT;
use tileproof::types::{Cid, Ground, Reveal, Verdict};

const SEED: felt252 = 0x26b9282e3a63d4c2a61ba1a4b38a96e420d86c4fce8b32f8e24fdae3187063b;

/// Everybody may sit but two.
#[derive(Drop)]
struct AllBut {
    one: u32,
    other: u32,
}

impl AllButBook of SeatBook<AllBut> {
    fn may_sit(self: @AllBut, slot: u32) -> bool {
        slot != *self.one && slot != *self.other
    }
}

fn everybody() -> AllBut {
    AllBut { one: NO_SEAT, other: NO_SEAT }
}

fn id() -> RoundId {
    RoundId {
        chain_id: 'TESTCHAIN',
        contract: 0xc0ffee.try_into().unwrap(),
        job_id: 5,
        task: 6,
        attempt: 7,
        round: 1,
    }
}

fn result() -> Cid {
    Cid {
        codec: 0x70,
        digest: 0x8000000000000000000000000000000000000000000000000000000000003039,
    }
}

#[test]
fn test_seeds_are_what_everybody_else_computes() {
    assert_eq!(
        result_commitment(@result()),
        0xef93bda7007d022f5eaa0f1f6f44cf87285e8ba47e03e1713c8d71134580b3,
    );
    assert_eq!(audit_seed(@id(), @result(), 'hash'), SEED);
}

#[test]
fn test_every_part_of_a_round_changes_its_seed() {
    let seed = audit_seed(@id(), @result(), 'hash');
    for other in array![
        RoundId { chain_id: 'OTHER', ..id() }, RoundId { contract: 1.try_into().unwrap(), ..id() },
        RoundId { job_id: 6, ..id() }, RoundId { task: 7, ..id() }, RoundId { attempt: 8, ..id() },
        RoundId { round: 2, ..id() },
    ] {
        assert_ne!(audit_seed(@other, @result(), 'hash'), seed);
    }
    assert_ne!(audit_seed(@id(), @result(), 'other'), seed);
    assert_ne!(audit_seed(@id(), @Cid { codec: 0x55, ..result() }, 'hash'), seed);
}

#[test]
fn test_the_audit_rate_is_a_threshold() {
    // H(seed, 'audit') mod 10,000 is 2568.
    assert!(is_audited(SEED, 10_000));
    assert!(is_audited(SEED, 2569));
    assert!(!is_audited(SEED, 2568));
    assert!(!is_audited(SEED, 0));
}

#[test]
fn test_about_a_third_is_drawn_at_a_rate_of_a_third() {
    let mut drawn = 0_u32;
    for seed in 0..600_u32 {
        if is_audited(seed.into(), 3333) {
            drawn += 1;
        }
    }
    assert!(drawn > 150 && drawn < 250, "drawn {}", drawn);
}

#[test]
fn test_committees_are_what_everybody_else_draws() {
    let book = AllBut { one: 3, other: 4 };
    assert_eq!(committee(SEED, 7, 10, @book), [7, 5, 8, 1, 0, 9, 2].span());
}

#[test]
fn test_a_place_stays_empty_when_there_is_nobody_left() {
    assert_eq!(committee(SEED, 3, 1, @everybody()), [0, NO_SEAT, NO_SEAT].span());
    assert_eq!(committee(SEED, 1, 0, @everybody()), [NO_SEAT].span());
    assert_eq!(committee(SEED, 1, 2, @AllBut { one: 0, other: 1 }), [NO_SEAT].span());
}

#[test]
fn test_the_committee_of_an_appeal_is_drawn_like_any_other() {
    let book = AllBut { one: 3, other: 4 };
    let fifteen = committee(SEED, 15, 40, @book);
    assert_eq!(fifteen.len(), 15);
    // A larger committee begins with the smaller one: each place has tries of its own.
    assert_eq!(fifteen.slice(0, 7), committee(SEED, 7, 40, @book));
    for place in 0..15_u32 {
        let slot = *fifteen[place];
        assert!(slot < 40 && slot != 3 && slot != 4);
        for other in 0..place {
            assert!(*fifteen[other] != slot);
        }
    }
}

#[test]
fn test_a_draw_that_leaves_somebody_out_moves_no_other_place_but_theirs_and_later_ones() {
    let all = committee(SEED, 7, 30, @everybody());
    let without = committee(SEED, 7, 30, @AllBut { one: *all[3], other: NO_SEAT });
    assert_eq!(without.slice(0, 3), all.slice(0, 3));
    assert!(*without[3] != *all[3]);
    for slot in without {
        assert!(*slot != *all[3]);
    }
}

#[test]
fn test_nobody_sits_twice() {
    for seed in 0..40_u32 {
        let seats = committee(seed.into(), 7, 8, @everybody());
        for i in 0..7_u32 {
            for j in 0..i {
                assert!(*seats[i] != *seats[j] || *seats[i] == NO_SEAT);
            }
        }
    }
}

#[test]
fn test_sealed_verdicts_are_what_everybody_else_seals() {
    let reveal = Reveal {
        task: 6,
        seat: 2,
        verdict: Verdict::Reject,
        ground: Ground::WrongFormat,
        index: 9,
        evidence: result(),
        salt: 777,
    };
    assert_eq!(
        verdict_commitment(@id(), @reveal),
        0x2b1f065dedd477984b6bf4a73836b0476a674fa11a99a9f7e531cc11b515bf6,
    );
}
