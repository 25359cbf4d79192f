use starknet::get_block_number;
use starknet::testing::set_block_number;
use tileproof::draw::audit_seed;
use tileproof::interface::{IRegistryDispatcherTrait, IRegistrySafeDispatcherTrait};
use tileproof::round::NO_SEAT;
use tileproof::types::{Cid, Commitment, Ground, Reveal, TaskState, Terms, Verdict};
use crate::cases::{FEE, SEAT_BOND, terms};
use crate::world::{
    WorldTrait, act_as, ballot, other_worker, pass_blocks, passer_by, refused, requester, result,
    verifier, votes, worker,
};

fn single() -> Terms {
    Terms { committee_size: 1, ..terms() }
}

#[test]
#[feature("safe_dispatcher")]
fn test_seed_too_young_reverts_and_a_late_draw_works() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    act_as(passer_by());
    refused(world.trying.draw(job, [0].span()), 'TASK_NOT_DRAWABLE');
    world.claim(worker(), job, 0);
    world.submit(worker(), job, 0);
    let submit_block = get_block_number();
    act_as(passer_by());
    refused(world.trying.draw(job, [0].span()), 'SEED_TOO_YOUNG');
    set_block_number(submit_block + 10);
    refused(world.trying.draw(job, [0].span()), 'SEED_TOO_YOUNG');
    set_block_number(submit_block + 5000);
    world.mature(job, 0, 'late');
    world.registry.draw(job, [0].span());
    assert_eq!(world.state(job, 0), TaskState::Committing);
    refused(world.trying.draw(job, [0].span()), 'TASK_NOT_DRAWABLE');
}

#[test]
#[feature("safe_dispatcher")]
fn test_task_not_drawable_before_a_submission_nor_while_its_round_runs() {
    let world = WorldTrait::with_seats(4);
    let job = world.create(single(), 1);
    act_as(passer_by());
    refused(world.trying.draw(job, [0].span()), 'TASK_NOT_DRAWABLE');
    world.claim(worker(), job, 0);
    refused(world.trying.draw(job, [0].span()), 'TASK_NOT_DRAWABLE');
    world.submit(worker(), job, 0);
    world.draw(job, 0);
    refused(world.trying.draw(job, [0].span()), 'TASK_NOT_DRAWABLE');
    world.vote(job, 0, votes(Verdict::Accept, 1));
    refused(world.trying.draw(job, [0].span()), 'TASK_NOT_DRAWABLE');
}

#[test]
fn test_anyone_can_compute_the_seed_again() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    let task = world.registry.get_task(job, 0);
    let expected = audit_seed(@world.round_id(job, 0), @result(), 'hash');
    assert_eq!(task.audit_seed, expected);
    assert_eq!(task.seats.len(), 3);
    assert_eq!(task.committed, array![false, false, false]);
    assert_eq!(task.revealed, array![None, None, None]);
    assert_eq!(task.window_ends_block, get_block_number() + 20);
}

#[test]
fn test_at_a_low_rate_some_are_drawn_and_some_are_not() {
    let world = WorldTrait::with_seats(10);
    let low = Terms { audit_rate_bps: 5000, worker_bond: 1000, ..terms() };
    let job = world.create(low, 12);
    let mut drawn = 0_u32;
    for task in 0..12_u32 {
        world.claim(worker(), job, task);
        world.submit(worker(), job, task);
        world.draw(job, task);
        let view = world.registry.get_task(job, task);
        if view.state == TaskState::Committing {
            drawn += 1;
        } else {
            assert_eq!(view.state, TaskState::Provisional);
            assert!(view.seats.is_empty());
            assert!(view.audit_seed != 0);
        }
    }
    assert!(drawn > 0 && drawn < 12, "drawn {}", drawn);
}

#[test]
fn test_requester_and_claimant_are_left_out_of_the_draw() {
    let world = WorldTrait::with_seats(4);
    for account in [requester(), worker()].span() {
        act_as(*account);
        for _ in 0..4_u32 {
            world.registry.take_seat();
        }
    }
    pass_blocks(1);
    let job = world.create(single(), 8);
    for task in 0..8_u32 {
        world.claim(worker(), job, task);
        world.submit(worker(), job, task);
        world.draw(job, task);
        assert!(*world.registry.get_task(job, task).seats[0] < 4);
    }
}

#[test]
fn test_a_seat_taken_in_the_claims_block_or_after_it_is_not_drawn() {
    let world = WorldTrait::with_seats(4);
    act_as(other_worker());
    for _ in 0..3_u32 {
        world.registry.take_seat();
    }
    let job = world.create(single(), 6);
    for task in 0..6_u32 {
        world.claim(worker(), job, task);
    }
    act_as(other_worker());
    world.registry.take_seat();
    pass_blocks(1);
    world.registry.take_seat();
    for task in 0..6_u32 {
        world.submit(worker(), job, task);
        world.draw(job, task);
        assert!(*world.registry.get_task(job, task).seats[0] < 4);
    }
}

#[test]
fn test_a_seat_in_a_slot_that_was_there_at_the_claim_but_is_newer_is_not_drawn() {
    let world = WorldTrait::with_seats(5);
    act_as(verifier(0));
    world.registry.leave_seat(0);
    pass_blocks(999);
    let job = world.create(single(), 8);
    for task in 0..8_u32 {
        world.claim(worker(), job, task);
    }
    pass_blocks(1);
    act_as(verifier(0));
    world.registry.collect_seat(0);
    act_as(passer_by());
    assert_eq!(world.registry.take_seat(), 0);
    pass_blocks(1);
    for task in 0..8_u32 {
        world.submit(worker(), job, task);
        world.draw(job, task);
        assert!(*world.registry.get_task(job, task).seats[0] != 0);
    }
}

#[test]
fn test_a_seat_that_left_before_the_claim_is_not_drawn() {
    let world = WorldTrait::with_seats(5);
    act_as(verifier(1));
    world.registry.leave_seat(1);
    pass_blocks(1);
    let job = world.create(single(), 8);
    for task in 0..8_u32 {
        world.claim(worker(), job, task);
        world.submit(worker(), job, task);
        world.draw(job, task);
        assert!(*world.registry.get_task(job, task).seats[0] != 1);
    }
}

#[test]
fn test_a_seat_cannot_dodge_a_claim_by_leaving_after_it() {
    let world = WorldTrait::with_seats(4);
    let job = world.create(single(), 1);
    world.claim(worker(), job, 0);
    for slot in 0..4_u32 {
        act_as(verifier(slot));
        world.registry.leave_seat(slot);
    }
    world.submit(worker(), job, 0);
    world.draw(job, 0);
    assert!(*world.registry.get_task(job, 0).seats[0] != NO_SEAT);
    world.vote(job, 0, votes(Verdict::Accept, 1));
    world.settle(job, 0);
    assert_eq!(world.state(job, 0), TaskState::Paid);
}

#[test]
#[feature("safe_dispatcher")]
fn test_a_liar_cannot_collect_its_bond_before_it_is_slashed() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    world.claim(worker(), job, 0);
    for slot in 0..10_u32 {
        act_as(verifier(slot));
        world.registry.leave_seat(slot);
    }
    let left = get_block_number();
    world.submit(worker(), job, 0);
    // The exit takes 1000 blocks, a round 20 + 30 + 40, an appeal 1 + 10 + 20 + 30 more: the latest
    // draw for which a seat that has left may still sit.
    set_block_number(left + 1000 - 151 - 1);
    world.draw(job, 0);
    let liar = *world.registry.get_task(job, 0).seats[1];
    let said = [
        ballot(0, 0, Verdict::Reject), ballot(0, 1, Verdict::Accept), ballot(0, 2, Verdict::Reject),
    ];
    for reveal in said.span() {
        world.commit(job, *reveal);
    }
    pass_blocks(29);
    for reveal in said.span() {
        world.reveal(job, *reveal);
    }
    set_block_number(world.registry.get_task(job, 0).window_ends_block);
    act_as(verifier(liar));
    refused(world.trying.collect_seat(liar), 'SEAT_EXIT_RUNNING');
    // Nor does it get away when nobody settles at once.
    pass_blocks(60);
    refused(world.trying.collect_seat(liar), 'SEAT_EXIT_RUNNING');
    world.registry.settle(job, [0].span());
    assert_eq!(world.seat_bond(liar), SEAT_BOND - 4 * FEE);
}

#[test]
fn test_a_seat_that_could_collect_before_an_appeal_has_ended_is_not_drawn() {
    let world = WorldTrait::with_seats(4);
    let job = world.create(single(), 1);
    world.claim(worker(), job, 0);
    for slot in 0..3_u32 {
        act_as(verifier(slot));
        world.registry.leave_seat(slot);
    }
    world.submit(worker(), job, 0);
    pass_blocks(1000 - 151);
    world.draw(job, 0);
    assert_eq!(world.registry.get_task(job, 0).seats, array![3]);
}

#[test]
fn test_phases_end_when_all_have_acted() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    let block = get_block_number();
    for place in 0..3_u32 {
        assert_eq!(world.state(job, 0), TaskState::Committing);
        world.commit(job, ballot(0, place, Verdict::Accept));
    }
    for place in 0..3_u32 {
        assert_eq!(world.state(job, 0), TaskState::Revealing);
        world.reveal(job, ballot(0, place, Verdict::Accept));
    }
    assert_eq!(world.state(job, 0), TaskState::Provisional);
    assert_eq!(get_block_number(), block);
    let task = world.registry.get_task(job, 0);
    assert_eq!(task.committed, array![true, true, true]);
    assert_eq!(*task.revealed[2], Some(Verdict::Accept));
    assert_eq!(task.window_ends_block, block + 40);
}

#[test]
#[feature("safe_dispatcher")]
fn test_not_your_seat_is_what_somebody_else_was_drawn_for() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    let sealed = |seat| [Commitment { task: 0, attempt: 0, round: 0, seat, commitment: 1 }].span();
    act_as(passer_by());
    refused(world.trying.commit(job, sealed(0)), 'NOT_YOUR_SEAT');
    act_as(world.sitter(job, 0, 1).unwrap());
    refused(world.trying.commit(job, sealed(0)), 'NOT_YOUR_SEAT');
    refused(world.trying.commit(job, sealed(3)), 'NOT_YOUR_SEAT');
    refused(world.trying.commit(job, sealed(255)), 'NOT_YOUR_SEAT');
    world.registry.commit(job, sealed(1));
}

#[test]
#[feature("safe_dispatcher")]
fn test_already_committed_is_committed_for_good() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    let first = ballot(0, 0, Verdict::Accept);
    world.commit(job, first);
    let second = world.sealed(job, ballot(0, 0, Verdict::Reject));
    act_as(world.sitter(job, 0, 0).unwrap());
    refused(world.trying.commit(job, [second].span()), 'ALREADY_COMMITTED');
    world.commit(job, ballot(0, 1, Verdict::Accept));
    world.commit(job, ballot(0, 2, Verdict::Accept));
    world.reveal(job, first);
}

#[test]
#[feature("safe_dispatcher")]
fn test_not_your_seat_is_an_empty_place() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    world.claim(worker(), job, 0);
    world.submit(worker(), job, 0);
    for i in 1..10_u32 {
        act_as(verifier(i));
        world.registry.leave_seat(i);
    }
    pass_blocks(950);
    world.draw(job, 0);
    let seats = world.registry.get_task(job, 0).seats;
    assert_eq!(seats, array![0, NO_SEAT, NO_SEAT]);
    act_as(0.try_into().unwrap());
    let sealed = Commitment { task: 0, attempt: 0, round: 0, seat: 1, commitment: 1 };
    refused(world.trying.commit(job, [sealed].span()), 'NOT_YOUR_SEAT');
}

#[test]
#[feature("safe_dispatcher")]
fn test_wrong_round_or_attempt_takes_no_commitment() {
    let world = WorldTrait::with_seats(5);
    let job = world.drawn(single());
    let sealed = |attempt, round| [Commitment { task: 0, attempt, round, seat: 0, commitment: 1 }]
        .span();
    act_as(world.sitter(job, 0, 0).unwrap());
    refused(world.trying.commit(job, sealed(1, 0)), 'WRONG_ROUND');
    refused(world.trying.commit(job, sealed(0, 1)), 'WRONG_ROUND');
    refused(world.trying.commit(job, sealed(0, 3)), 'WRONG_ROUND');
    // What was meant for the first round does not slip into the second.
    pass_blocks(20);
    world.draw(job, 0);
    act_as(world.sitter(job, 0, 0).unwrap());
    refused(world.trying.commit(job, sealed(0, 0)), 'WRONG_ROUND');
    world.registry.commit(job, sealed(0, 1));
}

#[test]
#[feature("safe_dispatcher")]
fn test_not_committing_before_the_draw_nor_after_the_window() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    let sealed = [Commitment { task: 0, attempt: 0, round: 0, seat: 0, commitment: 1 }].span();
    act_as(verifier(0));
    refused(world.trying.commit(job, sealed), 'NOT_COMMITTING');
    world.claim(worker(), job, 0);
    world.submit(worker(), job, 0);
    world.draw(job, 0);
    let late = world.sitter(job, 0, 0).unwrap();
    pass_blocks(20);
    act_as(late);
    refused(world.trying.commit(job, sealed), 'NOT_COMMITTING');
}

#[test]
#[feature("safe_dispatcher")]
fn test_not_revealing_before_all_are_sealed_nor_after_the_window() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    world.commit(job, ballot(0, 0, Verdict::Accept));
    refused(world.trying.reveal(job, [ballot(0, 0, Verdict::Accept)].span()), 'NOT_REVEALING');
    pass_blocks(20 + 30);
    refused(world.trying.reveal(job, [ballot(0, 0, Verdict::Accept)].span()), 'NOT_REVEALING');
}

#[test]
#[feature("safe_dispatcher")]
fn test_not_committed_is_not_revealed() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    world.commit(job, ballot(0, 0, Verdict::Accept));
    world.commit(job, ballot(0, 1, Verdict::Accept));
    let silent = world.sitter(job, 0, 2).unwrap();
    pass_blocks(20);
    act_as(silent);
    refused(world.trying.reveal(job, [ballot(0, 2, Verdict::Accept)].span()), 'NOT_COMMITTED');
    refused(world.trying.reveal(job, [ballot(0, 0, Verdict::Accept)].span()), 'NOT_YOUR_SEAT');
}

#[test]
#[feature("safe_dispatcher")]
fn test_already_revealed_is_not_revealed_again() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    world.commit(job, ballot(0, 0, Verdict::Reject));
    world.commit(job, ballot(0, 1, Verdict::Accept));
    pass_blocks(20);
    world.reveal(job, ballot(0, 0, Verdict::Reject));
    act_as(world.sitter(job, 0, 0).unwrap());
    refused(world.trying.reveal(job, [ballot(0, 0, Verdict::Reject)].span()), 'ALREADY_REVEALED');
}

#[test]
#[feature("safe_dispatcher")]
fn test_commitment_mismatch_in_any_field() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    for place in 0..3_u32 {
        world.commit(job, ballot(0, place, Verdict::Reject));
    }
    let said = ballot(0, 1, Verdict::Reject);
    act_as(world.sitter(job, 0, 1).unwrap());
    for other in array![
        ballot(0, 1, Verdict::Accept), Reveal { ground: Ground::Missing, ..said },
        Reveal { index: 4, ..said }, Reveal { evidence: Cid { codec: 0x70, digest: 1 }, ..said },
        Reveal { salt: 1, ..said },
    ] {
        refused(world.trying.reveal(job, [other].span()), 'COMMITMENT_MISMATCH');
    }
    world.registry.reveal(job, [said].span());
}

#[test]
#[feature("safe_dispatcher")]
fn test_a_copied_commitment_cannot_be_opened_by_the_copier() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    let original = ballot(0, 0, Verdict::Accept);
    let copied = Commitment { seat: 1, ..world.sealed(job, original) };
    world.commit(job, original);
    act_as(world.sitter(job, 0, 1).unwrap());
    world.registry.commit(job, [copied].span());
    world.commit(job, ballot(0, 2, Verdict::Accept));
    act_as(world.sitter(job, 0, 1).unwrap());
    let copied = Reveal { seat: 1, ..original };
    refused(world.trying.reveal(job, [copied].span()), 'COMMITMENT_MISMATCH');
}

#[test]
#[feature("safe_dispatcher")]
fn test_bad_ground_is_a_reject_without_one_or_another_verdict_with_one() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    let groundless = Reveal { ground: Ground::None, index: 0, ..ballot(0, 0, Verdict::Reject) };
    let grounded = Reveal { ground: Ground::Tile, ..ballot(0, 1, Verdict::Accept) };
    let indexed = Reveal { index: 1, ..ballot(0, 2, Verdict::Unavailable) };
    for bad in [groundless, grounded, indexed].span() {
        world.commit(job, *bad);
    }
    for bad in [groundless, grounded, indexed].span() {
        act_as(world.sitter(job, 0, (*bad.seat).into()).unwrap());
        refused(world.trying.reveal(job, [*bad].span()), 'BAD_GROUND');
    }
}

#[test]
#[feature("safe_dispatcher")]
fn test_evidence_is_a_cid() {
    let world = WorldTrait::with_seats(4);
    let job = world.drawn(single());
    let odd = Reveal {
        evidence: Cid { codec: 0, digest: 0 }, ..ballot(0, 0, Verdict::Inconclusive),
    };
    world.commit(job, odd);
    act_as(world.sitter(job, 0, 0).unwrap());
    refused(world.trying.reveal(job, [odd].span()), 'INVALID_CID');
}

#[test]
#[feature("safe_dispatcher")]
fn test_several_verdicts_go_into_one_call() {
    let world = WorldTrait::with_seats(1);
    act_as(verifier(0));
    for _ in 0..3_u32 {
        world.registry.take_seat();
    }
    pass_blocks(1);
    let job = world.create(single(), 3);
    for task in 0..3_u32 {
        world.claim(worker(), job, task);
        world.submit(worker(), job, task);
    }
    for task in 0..3_u32 {
        world.draw(job, task);
    }
    let mut sealed = array![];
    let mut opened = array![];
    for task in 0..3_u32 {
        let reveal = ballot(task, 0, Verdict::Accept);
        sealed.append(world.sealed(job, reveal));
        opened.append(reveal);
    }
    act_as(verifier(0));
    world.registry.commit(job, sealed.span());
    world.registry.reveal(job, opened.span());
    act_as(passer_by());
    refused(world.trying.settle(job, [0, 1, 2].span()), 'TASK_NOT_SETTLEABLE');
    pass_blocks(40);
    world.registry.settle(job, [2, 0, 1].span());
    assert_eq!(world.registry.get_job(job).paid, 3);
    assert_eq!(world.purse(verifier(0)), world.purse(passer_by()) - 4 * SEAT_BOND + 3 * FEE);
    world.check_money();
}
