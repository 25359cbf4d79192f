use starknet::get_block_number;
use starknet::testing::set_block_number;
use tileproof::draw::audit_seed;
use tileproof::interface::{IRegistryDispatcherTrait, IRegistrySafeDispatcherTrait};
use tileproof::round::{APPEAL_ROUND, NO_SEAT};
use tileproof::types::{
    Appeal, Commitment, Ground, Outcome, Question, Reveal, TaskState, Terms, Verdict,
};
use crate::cases::{BOND, FEE, terms};
use crate::world::{
    PURSE, World, WorldTrait, about_tile, act_as, ballot, other_worker, pass_blocks, passer_by,
    refused, requester, result, verifier, votes, worker,
};

const HALF: u128 = PURSE / 2;

fn single() -> Terms {
    Terms { committee_size: 1, ..terms() }
}

fn whole() -> Appeal {
    Appeal { task: 0, question: Question::Whole, position: 0, tile: 0 }
}

fn named_tile() -> Appeal {
    Appeal { task: 0, question: Question::NamedTile, position: 2, tile: 77 }
}

/// A task of a committee of one that has come to `verdict`.
fn judged(verdict: Verdict) -> (World, u64) {
    let world = WorldTrait::with_seats(6);
    let job = world.drawn(single());
    world.vote(job, 0, votes(verdict, 1));
    (world, job)
}

#[test]
fn test_an_appeal_locks_its_bond_and_shows_what_it_is_against() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    world.vote(job, 0, votes(Verdict::Reject, 3));
    let before = world.registry.get_task(job, 0);
    world.appeal(worker(), job, about_tile());
    let balances = world.registry.get_balances(worker());
    assert_eq!(balances.appeal_bonds, 7 * FEE);
    assert_eq!(balances.withdrawable, HALF - BOND - 7 * FEE);
    assert_eq!(balances.worker_bonds, BOND);
    world.check_money();

    let task = world.registry.get_task(job, 0);
    assert_eq!((task.state, task.round), (TaskState::Appealed, APPEAL_ROUND));
    assert_eq!((task.seed_block, task.audit_seed), (get_block_number() + 1, 0));
    assert_eq!((task.outcome, task.ground, task.index), (Outcome::Rejected, Ground::Tile, 3));
    assert!(task.seats.is_empty() && task.committed.is_empty() && task.revealed.is_empty());
    assert_eq!(task.window_ends_block, 0);
    let appeal = task.appeal.unwrap();
    assert_eq!((appeal.appellant, appeal.against), (worker(), Outcome::Rejected));
    assert_eq!((appeal.question, appeal.position, appeal.tile), (Question::ListedTile, 0, 3));
    assert_eq!((appeal.raised_block, appeal.first_round), (get_block_number(), 0));
    assert_eq!((appeal.first_seed, appeal.first_seats), (before.audit_seed, before.seats));
    assert_eq!(appeal.first_verdicts, before.revealed);
}

#[test]
fn test_the_committee_of_an_appeal_shares_no_owner_with_the_first() {
    // Ten owners with two seats each.
    let world = WorldTrait::with_seats(10);
    for i in 0..10_u32 {
        act_as(verifier(i));
        world.registry.take_seat();
    }
    pass_blocks(1);
    let job = world.drawn(terms());
    world.vote(job, 0, votes(Verdict::Reject, 3));
    let first = world.registry.get_task(job, 0).seats;
    world.appeal(worker(), job, about_tile());
    world.draw(job, 0);
    let task = world.registry.get_task(job, 0);
    assert_eq!(task.seats.len(), 7);
    for seat in task.seats.span() {
        for before in first.span() {
            assert!(*seat == NO_SEAT || *seat % 10 != *before % 10);
        }
    }
    assert_eq!((task.state, task.round), (TaskState::Committing, APPEAL_ROUND));
    assert_eq!(task.audit_seed, audit_seed(@world.round_id(job, 0), @result(), 'hash'));
    assert_eq!(task.window_ends_block, get_block_number() + 20);
    assert_eq!(task.appeal.unwrap().first_seats, first);
}

#[test]
#[feature("safe_dispatcher")]
fn test_an_appeal_is_drawn_once_its_seed_can_be_read_and_however_late() {
    let (world, job) = judged(Verdict::Reject);
    world.appeal(worker(), job, about_tile());
    let raised = get_block_number();
    act_as(passer_by());
    refused(world.trying.draw(job, [0].span()), 'SEED_TOO_YOUNG');
    set_block_number(raised + 10);
    refused(world.trying.draw(job, [0].span()), 'SEED_TOO_YOUNG');
    refused(world.trying.settle(job, [0].span()), 'TASK_NOT_SETTLEABLE');
    set_block_number(raised + 500);
    assert_eq!(world.state(job, 0), TaskState::Drawable);
    refused(world.trying.settle(job, [0].span()), 'TASK_NOT_SETTLEABLE');
    world.draw(job, 0);
    assert_eq!(world.registry.get_task(job, 0).seats.len(), 3);
    act_as(passer_by());
    refused(world.trying.draw(job, [0].span()), 'TASK_NOT_DRAWABLE');
}

#[test]
#[feature("safe_dispatcher")]
fn test_the_verdicts_of_an_appeal_are_sealed_and_opened_like_any_others() {
    let (world, job) = judged(Verdict::Reject);
    world.appeal(worker(), job, about_tile());
    world.draw(job, 0);
    // The first committee's seat has no place here, and its round is not this one.
    let first = *world.registry.get_task(job, 0).appeal.unwrap().first_seats[0];
    let sealed = Commitment { task: 0, attempt: 0, round: 3, seat: 0, commitment: 1 };
    act_as(verifier(first));
    refused(world.trying.commit(job, [sealed].span()), 'NOT_YOUR_SEAT');
    act_as(world.sitter(job, 0, 0).unwrap());
    let stale = Commitment { round: 0, ..sealed };
    refused(world.trying.commit(job, [stale].span()), 'WRONG_ROUND');
    let beyond = Commitment { seat: 3, ..sealed };
    refused(world.trying.commit(job, [beyond].span()), 'NOT_YOUR_SEAT');
    for place in 0..3_u32 {
        world.commit(job, ballot(0, place, Verdict::Accept));
    }
    act_as(world.sitter(job, 0, 0).unwrap());
    let other = ballot(0, 0, Verdict::Reject);
    refused(world.trying.reveal(job, [other].span()), 'COMMITMENT_MISMATCH');
    for place in 0..3_u32 {
        assert_eq!(world.state(job, 0), TaskState::Revealing);
        world.reveal(job, ballot(0, place, Verdict::Accept));
    }
    let task = world.registry.get_task(job, 0);
    assert_eq!((task.state, task.outcome), (TaskState::Settleable, Outcome::Accepted));
    assert_eq!(
        task.revealed,
        array![Some(Verdict::Accept), Some(Verdict::Accept), Some(Verdict::Accept)],
    );
}

#[test]
fn test_rejects_of_an_appeal_agree_whatever_they_name() {
    let world = WorldTrait::with_seats(6);
    let job = world.drawn(single());
    world.vote(job, 0, votes(Verdict::Accept, 1));
    world.appeal(requester(), job, named_tile());
    world.draw(job, 0);
    let said = [
        ballot(0, 0, Verdict::Reject), Reveal { index: 9, ..ballot(0, 1, Verdict::Reject) },
        Reveal { ground: Ground::Missing, ..ballot(0, 2, Verdict::Reject) },
    ]
        .span();
    for reveal in said {
        world.commit(job, *reveal);
    }
    for reveal in said {
        world.reveal(job, *reveal);
    }
    let task = world.registry.get_task(job, 0);
    assert_eq!((task.state, task.outcome), (TaskState::Settleable, Outcome::Rejected));
    // The first round accepted, so its majority names nothing.
    assert_eq!((task.ground, task.index), (Ground::None, 0));
}

#[test]
#[feature("safe_dispatcher")]
fn test_not_provisional_is_what_has_not_been_judged_or_was_final_or_appealed() {
    let world = WorldTrait::with_seats(6);
    let job = world.create(single(), 1);
    let mine = [about_tile()].span();
    act_as(worker());
    refused(world.trying.appeal(job, mine), 'NOT_PROVISIONAL');
    world.claim(worker(), job, 0);
    refused(world.trying.appeal(job, mine), 'NOT_PROVISIONAL');
    world.submit(worker(), job, 0);
    refused(world.trying.appeal(job, mine), 'NOT_PROVISIONAL');
    world.draw(job, 0);
    act_as(worker());
    refused(world.trying.appeal(job, mine), 'NOT_PROVISIONAL');
    world.vote(job, 0, votes(Verdict::Reject, 1));
    let ends = world.registry.get_task(job, 0).window_ends_block;
    set_block_number(ends);
    act_as(worker());
    refused(world.trying.appeal(job, mine), 'NOT_PROVISIONAL');
    set_block_number(ends - 1);
    world.registry.appeal(job, mine);
    refused(world.trying.appeal(job, mine), 'NOT_PROVISIONAL');
    world.draw(job, 0);
    world.vote(job, 0, votes(Verdict::Accept, 3));
    act_as(requester());
    refused(world.trying.appeal(job, [named_tile()].span()), 'NOT_PROVISIONAL');
    world.settle(job, 0);
    refused(world.trying.appeal(job, mine), 'NOT_PROVISIONAL');
}

#[test]
#[feature("safe_dispatcher")]
fn test_not_appellant_is_whom_a_reject_does_not_hurt() {
    let (world, job) = judged(Verdict::Reject);
    for account in [requester(), other_worker(), passer_by(), verifier(0)].span() {
        act_as(*account);
        refused(world.trying.appeal(job, [about_tile()].span()), 'NOT_APPELLANT');
    }
}

#[test]
#[feature("safe_dispatcher")]
fn test_not_appellant_is_whom_an_accept_does_not_hurt() {
    let (world, job) = judged(Verdict::Accept);
    for account in [worker(), passer_by()].span() {
        act_as(*account);
        refused(world.trying.appeal(job, [about_tile()].span()), 'NOT_APPELLANT');
        refused(world.trying.appeal(job, [named_tile()].span()), 'NOT_APPELLANT');
    }
}

#[test]
#[feature("safe_dispatcher")]
fn test_not_appellant_is_anybody_where_there_is_no_verdict() {
    let world = WorldTrait::with_seats(6);
    let job = world.drawn(single());
    for round in 0..3_u8 {
        world.vote(job, 0, votes(Verdict::Inconclusive, 1));
        if round != 2 {
            world.draw(job, 0);
        }
    }
    assert_eq!(world.state(job, 0), TaskState::Provisional);
    for account in [requester(), worker()].span() {
        act_as(*account);
        refused(world.trying.appeal(job, [whole()].span()), 'NOT_APPELLANT');
    }
}

#[test]
#[feature("safe_dispatcher")]
fn test_bad_question_is_what_the_reject_does_not_rest_on() {
    let (world, job) = judged(Verdict::Reject);
    act_as(worker());
    for other in [
        Appeal { tile: 4, ..about_tile() }, Appeal { position: 1, ..about_tile() }, named_tile(),
        whole(), Appeal { question: Question::Picture, position: 3, tile: 0, task: 0 },
    ]
        .span() {
        refused(world.trying.appeal(job, [*other].span()), 'BAD_QUESTION');
    }
}

#[test]
#[feature("safe_dispatcher")]
fn test_a_missing_picture_is_appealed_as_that_picture() {
    let world = WorldTrait::with_seats(4);
    let job = world.create(single(), 3);
    let mut task = 0;
    for ground in [Ground::Missing, Ground::Undecodable, Ground::WrongFormat].span() {
        world.claim(worker(), job, task);
        world.submit(worker(), job, task);
        world.draw(job, task);
        let reveal = Reveal { ground: *ground, index: 5, ..ballot(task, 0, Verdict::Reject) };
        world.commit(job, reveal);
        world.reveal(job, reveal);
        let view = world.registry.get_task(job, task);
        assert_eq!((view.ground, view.index), (*ground, 5));
        let picture = Appeal { task, question: Question::Picture, position: 5, tile: 0 };
        act_as(worker());
        let listed = Appeal { question: Question::ListedTile, position: 0, tile: 5, task };
        refused(world.trying.appeal(job, [listed].span()), 'BAD_QUESTION');
        world.registry.appeal(job, [picture].span());
        assert_eq!(world.state(job, task), TaskState::Appealed);
        task += 1;
    }
}

#[test]
#[feature("safe_dispatcher")]
fn test_balance_too_low_for_an_appeals_bond() {
    let (world, job) = judged(Verdict::Reject);
    act_as(worker());
    world.registry.withdraw(world.purse(worker()) - (3 * FEE - 1));
    refused(world.trying.appeal(job, [about_tile()].span()), 'BALANCE_TOO_LOW');
    assert_eq!(world.state(job, 0), TaskState::Provisional);
    world.registry.deposit(1);
    world.registry.appeal(job, [about_tile()].span());
    assert_eq!(world.purse(worker()), 0);
    world.check_money();
}

#[test]
#[feature("safe_dispatcher")]
fn test_several_appeals_go_into_one_call_and_none_twice() {
    let world = WorldTrait::with_seats(6);
    let job = world.create(single(), 3);
    for task in 0..3_u32 {
        world.claim(worker(), job, task);
        world.submit(worker(), job, task);
    }
    for task in 0..3_u32 {
        world.draw(job, task);
        world.vote(job, task, votes(Verdict::Reject, 1));
    }
    let about = |task| Appeal { task, ..about_tile() };
    let before = world.purse(worker());
    act_as(worker());
    refused(world.trying.appeal(job, [].span()), 'BATCH_SIZE');
    refused(world.trying.appeal(job + 1, [about(0)].span()), 'JOB_UNKNOWN');
    refused(world.trying.appeal(job, [about(3)].span()), 'TASK_UNKNOWN');
    refused(world.trying.appeal(job, [about(0), about(0)].span()), 'NOT_PROVISIONAL');
    // One that is refused takes all others of its call with it.
    refused(
        world.trying.appeal(job, [about(0), Appeal { tile: 9, ..about(1) }].span()), 'BAD_QUESTION',
    );
    assert_eq!(world.state(job, 0), TaskState::Provisional);
    world.registry.appeal(job, [about(2), about(0)].span());
    assert_eq!(world.registry.get_balances(worker()).appeal_bonds, 2 * 3 * FEE);
    assert_eq!(world.purse(worker()), before - 2 * 3 * FEE);
    assert_eq!(world.state(job, 1), TaskState::Provisional);
    for task in [0_u32, 2].span() {
        assert_eq!(world.state(job, *task), TaskState::Appealed);
    }
    world.check_money();

    // Both are drawn in one call, and settled with the one that was not appealed.
    world.mature(job, 0, 'hash');
    world.registry.draw(job, [0, 2].span());
    for task in [0_u32, 2].span() {
        world.vote(job, *task, votes(Verdict::Accept, 3));
    }
    pass_blocks(40);
    act_as(passer_by());
    world.registry.settle(job, [0, 1, 2].span());
    world.check_money();
    assert_eq!(world.state(job, 0), TaskState::Paid);
    assert_eq!(world.state(job, 1), TaskState::Open);
    assert_eq!(world.state(job, 2), TaskState::Paid);
    assert_eq!(world.registry.get_balances(worker()).appeal_bonds, 0);
}

#[test]
fn test_the_largest_committee_has_an_appeal_of_fifteen_places() {
    let world = WorldTrait::with_seats(26);
    let large = Terms { committee_size: 7, worker_bond: 22 * FEE, ..terms() };
    let job = world.drawn(large);
    world.vote(job, 0, votes(Verdict::Reject, 7));
    let first = world.registry.get_task(job, 0).seats;
    world.appeal(worker(), job, about_tile());
    assert_eq!(world.registry.get_balances(worker()).appeal_bonds, 15 * FEE);
    world.draw(job, 0);
    let seats = world.registry.get_task(job, 0).seats;
    assert_eq!(seats.len(), 15);
    for place in 0..15_u32 {
        assert!(*seats[place] != NO_SEAT);
        for other in 0..place {
            assert!(*seats[place] != *seats[other]);
        }
        for before in first.span() {
            assert!(*seats[place] != *before);
        }
    }
    // Eight of fifteen decide, the last place among them.
    let mut said = array![];
    for place in 0..15_u32 {
        said.append(Some(if place < 7 {
            Verdict::Reject
        } else {
            Verdict::Accept
        }));
    }
    world.vote(job, 0, said.span());
    world.settle(job, 0);
    assert_eq!(world.outcome(job, 0), Outcome::Accepted);
    // Seven of the first and seven of the second committee were wrong: 56 fees, 8 of them earned.
    assert_eq!(world.forfeited(), 48 * FEE);
    assert_eq!(world.purse(requester()), HALF + 7 * FEE);
}

#[test]
fn test_a_settled_task_still_shows_its_appeal_and_a_new_attempt_does_not() {
    let (world, job) = judged(Verdict::Reject);
    world.appeal(worker(), job, about_tile());
    world.draw(job, 0);
    world.vote(job, 0, votes(Verdict::Reject, 3));
    world.settle(job, 0);
    let opened = world.registry.get_task(job, 0);
    assert_eq!((opened.state, opened.attempt), (TaskState::Open, 1));
    assert!(opened.appeal.is_none());
    assert_eq!((opened.round, opened.ground), (0, Ground::None));

    // The next attempt is appealed in the same cells.
    world.claim(worker(), job, 0);
    world.submit(worker(), job, 0);
    world.draw(job, 0);
    world.vote(job, 0, votes(Verdict::Unavailable, 1));
    world.appeal(worker(), job, whole());
    world.draw(job, 0);
    let task = world.registry.get_task(job, 0);
    assert_eq!(task.committed, array![false, false, false]);
    assert_eq!(task.appeal.unwrap().against, Outcome::Unavailable);
    world.vote(job, 0, votes(Verdict::Accept, 3));
    world.settle(job, 0);
    let paid = world.registry.get_task(job, 0);
    assert_eq!((paid.state, paid.outcome, paid.round), (TaskState::Paid, Outcome::Accepted, 3));
    assert_eq!(paid.revealed.len(), 3);
    let appeal = paid.appeal.unwrap();
    assert_eq!((appeal.appellant, appeal.question), (worker(), Question::Whole));
    assert_eq!(appeal.first_verdicts, array![Some(Verdict::Unavailable)]);
}

#[test]
fn test_a_closed_job_is_appealed_like_an_open_one() {
    let (world, job) = judged(Verdict::Accept);
    act_as(requester());
    world.registry.close_job(job);
    world.appeal(requester(), job, named_tile());
    world.draw(job, 0);
    world.vote(job, 0, votes(Verdict::Reject, 3));
    world.settle(job, 0);
    assert_eq!(world.state(job, 0), TaskState::Open);
    act_as(passer_by());
    world.registry.close_tasks(job, [0].span());
    assert_eq!(world.registry.get_totals().escrow, 0);
    world.check_money();
}

#[test]
fn test_a_seat_that_leaves_after_the_first_verdict_still_sits_on_the_appeal() {
    let (world, job) = judged(Verdict::Reject);
    world.appeal(worker(), job, about_tile());
    for slot in 0..6_u32 {
        act_as(verifier(slot));
        world.registry.leave_seat(slot);
    }
    // The exit takes 1000 blocks, an appeal's round 20 + 30.
    pass_blocks(1000 - 50 - 1);
    world.draw(job, 0);
    for seat in world.registry.get_task(job, 0).seats {
        assert!(seat != NO_SEAT);
    }
}

#[test]
fn test_an_appeal_that_finds_nobody_leaves_the_verdict_and_returns_the_bond() {
    let (world, job) = judged(Verdict::Reject);
    world.appeal(worker(), job, about_tile());
    for slot in 0..6_u32 {
        act_as(verifier(slot));
        world.registry.leave_seat(slot);
    }
    pass_blocks(1000 - 50);
    world.draw(job, 0);
    let task = world.registry.get_task(job, 0);
    assert_eq!(task.seats, array![NO_SEAT, NO_SEAT, NO_SEAT]);
    assert_eq!((task.state, task.outcome), (TaskState::Settleable, Outcome::Rejected));
    let before = world.purse(worker());
    world.settle(job, 0);
    assert_eq!(world.purse(worker()), before + 3 * FEE);
    assert_eq!(world.state(job, 0), TaskState::Open);
}
