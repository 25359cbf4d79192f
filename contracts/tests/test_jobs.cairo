use starknet::testing::{pop_log_raw, set_block_number};
use tileproof::interface::{IRegistryDispatcherTrait, IRegistrySafeDispatcherTrait};
use tileproof::settlement::escrow_per_task;
use tileproof::types::{Outcome, TaskState, Terms, Verdict};
use crate::token::ITestTokenDispatcherTrait;
use crate::cases::{BOND, START, terms};
use crate::world::{
    PURSE, START_BLOCK, WorldTrait, act_as, ballot, pass_seconds, passer_by, refused, requester,
    votes, worker,
};

#[test]
fn test_a_job_escrows_reward_and_fees_of_every_task() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 4);
    assert_eq!(job, 1);
    let escrow = 4 * escrow_per_task(@terms());
    assert_eq!(world.registry.get_totals().escrow, escrow);
    assert_eq!(world.token.balance_of(requester()), (PURSE / 2 - escrow).into());
    let view = world.registry.get_job(job);
    assert_eq!(view.requester, requester());
    assert_eq!(view.manifest, 0xcafe);
    assert_eq!(view.terms, terms());
    assert_eq!(view.task_count, 4);
    assert_eq!(view.created_block, START_BLOCK + 1);
    assert!(!view.paused && !view.closed);
    assert_eq!(world.registry.get_job_count(), 1);
    world.check_money();
}

#[test]
#[feature("safe_dispatcher")]
fn test_manifest_zero_or_terms_outside_the_bounds_make_no_job() {
    let world = WorldTrait::with_seats(10);
    act_as(requester());
    refused(world.trying.create_job(0, 1, terms()), 'MANIFEST_ZERO');
    refused(world.trying.create_job(1, 0, terms()), 'TASK_COUNT');
    refused(world.trying.create_job(1, 1, Terms { reward: 0, ..terms() }), 'REWARD_ZERO');
}

#[test]
#[feature("safe_dispatcher")]
fn test_job_unknown_to_reads_and_calls() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 2);
    refused(world.trying.get_job(0), 'JOB_UNKNOWN');
    refused(world.trying.get_job(job + 1), 'JOB_UNKNOWN');
    refused(world.trying.get_task(job + 1, 0), 'JOB_UNKNOWN');
    act_as(worker());
    refused(world.trying.claim(job + 1, [0].span()), 'JOB_UNKNOWN');
    refused(world.trying.settle(0, [0].span()), 'JOB_UNKNOWN');
}

#[test]
#[feature("safe_dispatcher")]
fn test_task_unknown_to_reads_and_calls() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 2);
    refused(world.trying.get_task(job, 2), 'TASK_UNKNOWN');
    act_as(worker());
    refused(world.trying.claim(job, [2].span()), 'TASK_UNKNOWN');
    refused(world.trying.claim(job, [0, 2].span()), 'TASK_UNKNOWN');
    assert_eq!(world.state(job, 0), TaskState::Open);
}

#[test]
#[feature("safe_dispatcher")]
fn test_batch_size_is_neither_nothing_nor_endless() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(Terms { reward: 10, audit_fee: 1, ..terms() }, 100);
    let mut tasks = array![];
    for task in 0..65_u32 {
        tasks.append(task);
    }
    let tasks = tasks.span();
    act_as(worker());
    let nothing = tasks.slice(0, 0);
    refused(world.trying.claim(job, tasks), 'BATCH_SIZE');
    refused(world.trying.claim(job, nothing), 'BATCH_SIZE');
    refused(world.trying.give_back(job, nothing), 'BATCH_SIZE');
    refused(world.trying.release(job, nothing), 'BATCH_SIZE');
    refused(world.trying.draw(job, nothing), 'BATCH_SIZE');
    refused(world.trying.settle(job, nothing), 'BATCH_SIZE');
    refused(world.trying.close_tasks(job, nothing), 'BATCH_SIZE');
    refused(world.trying.submit(job, [].span()), 'BATCH_SIZE');
    refused(world.trying.commit(job, [].span()), 'BATCH_SIZE');
    refused(world.trying.reveal(job, [].span()), 'BATCH_SIZE');
    refused(world.trying.get_tasks(job, 0, 65), 'BATCH_SIZE');
    world.registry.claim(job, tasks.slice(0, 64));
    assert_eq!(world.registry.get_balances(worker()).worker_bonds, 64 * BOND);
}

#[test]
fn test_pages_of_tasks_end_with_the_job() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 5);
    assert_eq!(world.registry.get_tasks(job, 0, 64).len(), 5);
    let page = world.registry.get_tasks(job, 3, 64);
    assert_eq!(page.len(), 2);
    assert_eq!(*page[0].task, 3);
    assert_eq!(world.registry.get_tasks(job, 1, 2).len(), 2);
    assert_eq!(world.registry.get_tasks(job, 5, 64).len(), 0);
    assert_eq!(world.registry.get_tasks(job, 0xffffffff, 64).len(), 0);
}

#[test]
#[feature("safe_dispatcher")]
fn test_job_paused_stops_new_claims_only() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 2);
    world.claim(worker(), job, 0);
    act_as(requester());
    refused(world.trying.resume_job(job), 'JOB_NOT_PAUSED');
    world.registry.pause_job(job);
    refused(world.trying.pause_job(job), 'JOB_PAUSED');
    act_as(worker());
    refused(world.trying.claim(job, [1].span()), 'JOB_PAUSED');
    world.submit(worker(), job, 0);
    act_as(requester());
    world.registry.resume_job(job);
    world.claim(worker(), job, 1);
    assert_eq!(world.state(job, 1), TaskState::Claimed);
}

#[test]
#[feature("safe_dispatcher")]
fn test_job_not_paused_is_not_resumed() {
    let world = WorldTrait::with_seats(0);
    let job = world.create(terms(), 1);
    refused(world.trying.resume_job(job), 'JOB_NOT_PAUSED');
    world.registry.pause_job(job);
    world.registry.resume_job(job);
    refused(world.trying.resume_job(job), 'JOB_NOT_PAUSED');
}

#[test]
#[feature("safe_dispatcher")]
fn test_job_closed_takes_no_claims_and_is_neither_paused_nor_resumed() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    world.claim(worker(), job, 0);
    act_as(requester());
    world.registry.close_job(job);
    refused(world.trying.pause_job(job), 'JOB_CLOSED');
    refused(world.trying.resume_job(job), 'JOB_CLOSED');
    act_as(worker());
    world.registry.give_back(job, [0].span());
    refused(world.trying.claim(job, [0].span()), 'JOB_CLOSED');
}

#[test]
#[feature("safe_dispatcher")]
fn test_not_requester_may_neither_pause_nor_resume_nor_close() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    act_as(worker());
    refused(world.trying.pause_job(job), 'NOT_REQUESTER');
    refused(world.trying.resume_job(job), 'NOT_REQUESTER');
    refused(world.trying.close_job(job), 'NOT_REQUESTER');
}

#[test]
#[feature("safe_dispatcher")]
fn test_closing_refunds_open_and_lapsed_tasks_and_lets_submitted_ones_run() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 4);
    world.claim(worker(), job, 0);
    world.submit(worker(), job, 0);
    world.claim(worker(), job, 1);
    pass_seconds(600);
    world.claim(worker(), job, 2);
    let before = world.purse(requester());
    act_as(requester());
    world.registry.close_job(job);

    // Task 1 had lapsed, task 3 was open.
    assert_eq!(world.purse(requester()), before + 2 * escrow_per_task(@terms()));
    assert_eq!(world.state(job, 0), TaskState::Submitted);
    assert_eq!(world.state(job, 1), TaskState::Closed);
    assert_eq!(world.state(job, 2), TaskState::Claimed);
    assert_eq!(world.state(job, 3), TaskState::Closed);
    assert_eq!(world.outcome(job, 3), Outcome::Undecided);
    let view = world.registry.get_job(job);
    assert!(view.closed);
    assert_eq!(view.refunded, 2);
    act_as(worker());
    refused(world.trying.claim(job, [3].span()), 'JOB_CLOSED');
    act_as(requester());
    refused(world.trying.pause_job(job), 'JOB_CLOSED');
    refused(world.trying.resume_job(job), 'JOB_CLOSED');
    world.check_money();

    world.draw(job, 0);
    world.vote(job, 0, votes(Verdict::Accept, 3));
    world.settle(job, 0);
    assert_eq!(world.state(job, 0), TaskState::Paid);
}

#[test]
#[feature("safe_dispatcher")]
fn test_a_task_that_opens_again_in_a_closed_job_can_be_closed_by_anyone() {
    let world = WorldTrait::with_seats(10);
    let job = world.drawn(terms());
    act_as(requester());
    world.registry.close_job(job);
    act_as(passer_by());
    refused(world.trying.close_tasks(job, [0].span()), 'TASK_NOT_OPEN');
    world.vote(job, 0, votes(Verdict::Reject, 3));
    world.settle(job, 0);
    assert_eq!(world.state(job, 0), TaskState::Open);
    let before = world.purse(requester());
    act_as(passer_by());
    world.registry.close_tasks(job, [0].span());
    assert_eq!(world.state(job, 0), TaskState::Closed);
    assert_eq!(world.purse(requester()), before + escrow_per_task(@terms()));
    assert_eq!(world.registry.get_totals().escrow, 0);
    refused(world.trying.close_tasks(job, [0].span()), 'TASK_NOT_OPEN');
    world.check_money();
}

#[test]
#[feature("safe_dispatcher")]
fn test_job_still_open_until_its_deadline_then_anyone_closes_its_tasks() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 2);
    act_as(passer_by());
    refused(world.trying.close_tasks(job, [0, 1].span()), 'JOB_STILL_OPEN');
    pass_seconds(49_999);
    refused(world.trying.close_tasks(job, [0, 1].span()), 'JOB_STILL_OPEN');
    pass_seconds(1);
    world.registry.close_tasks(job, [1, 0].span());
    assert_eq!(world.registry.get_job(job).refunded, 2);
    assert_eq!(world.registry.get_totals().escrow, 0);
    world.check_money();
}

#[test]
#[feature("safe_dispatcher")]
fn test_naming_a_task_twice_does_not_refund_it_twice() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 2);
    pass_seconds(50_000);
    refused(world.trying.close_tasks(job, [0, 0].span()), 'TASK_NOT_OPEN');
}

#[test]
fn test_closing_sweeps_a_large_job_in_steps_and_starts_over() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(Terms { reward: 10, audit_fee: 1, ..terms() }, 130);
    world.claim(worker(), job, 5);
    act_as(requester());
    world.registry.close_job(job);
    assert_eq!(world.registry.get_job(job).refunded, 63);
    world.registry.close_job(job);
    assert_eq!(world.registry.get_job(job).refunded, 127);
    world.registry.close_job(job);
    assert_eq!(world.registry.get_job(job).refunded, 129);
    pass_seconds(600);
    world.registry.close_job(job);
    assert_eq!(world.registry.get_job(job).refunded, 130);
    assert_eq!(world.registry.get_totals().escrow, 0);
    world.check_money();
}

#[test]
fn test_jobs_do_not_touch_each_other() {
    let world = WorldTrait::with_seats(10);
    let first = world.create(terms(), 1);
    let second = world.create(Terms { reward: 7, ..terms() }, 1);
    world.claim(worker(), second, 0);
    act_as(requester());
    world.registry.close_job(second);
    assert_eq!(world.state(first, 0), TaskState::Open);
    world.run(first, 0, votes(Verdict::Accept, 3));
    assert_eq!(world.state(second, 0), TaskState::Claimed);
}

#[test]
fn test_a_creation_says_all_an_indexer_needs() {
    let world = WorldTrait::with_seats(0);
    while pop_log_raw(world.registry.contract_address).is_some() {}
    let job = world.create(terms(), 2);
    let (mut keys, mut data) = pop_log_raw(world.registry.contract_address).unwrap();
    assert_eq!(keys, [selector!("JobCreated"), job.into(), requester().into()].span());
    let manifest: u256 = Serde::deserialize(ref data).unwrap();
    let task_count: u32 = Serde::deserialize(ref data).unwrap();
    let told: Terms = Serde::deserialize(ref data).unwrap();
    assert_eq!((manifest, task_count), (0xcafe, 2));
    assert_eq!(told, terms());
    assert!(data.is_empty());
}

// --- VeriFrame-style workers ---

#[test]
fn test_the_plain_views_of_a_one_task_job() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    assert_eq!(world.registry.get_job_creator(job), requester());
    assert_eq!(world.registry.get_job_reward(job), 1000);
    assert_eq!(world.registry.get_job_worker(job), 0.try_into().unwrap());
    let cid = tileproof::cid::from_text(@world.registry.get_job_asset_cid(job));
    assert_eq!((cid.codec, cid.digest), (0x55, 0xcafe));
    world.claim(worker(), job, 0);
    assert_eq!(world.registry.get_job_worker(job), worker());
}

#[test]
#[feature("safe_dispatcher")]
fn test_a_result_can_be_submitted_as_text() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 1);
    world.claim(worker(), job, 0);
    let text = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354";
    act_as(passer_by());
    refused(world.trying.submit_result(job, text), 'NOT_CLAIMANT');
    let text = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354";
    act_as(worker());
    refused(world.trying.submit_result(job, "QmOldStyle"), 'INVALID_CID');
    world.registry.submit_result(job, text);
    let task = world.registry.get_task(job, 0);
    assert_eq!(task.state, TaskState::Submitted);
    assert_eq!(task.result.codec, 0x70);
    assert_eq!(
        task.result.digest, 0x59948439065f29619ef41280cbb932be52c56d99c5966b65e0111239f098bbef,
    );
}

#[test]
#[feature("safe_dispatcher")]
fn test_not_a_one_task_job_has_no_plain_worker_or_result() {
    let world = WorldTrait::with_seats(10);
    let job = world.create(terms(), 2);
    refused(world.trying.get_job_worker(job), 'NOT_A_ONE_TASK_JOB');
    act_as(worker());
    refused(world.trying.submit_result(job, "b"), 'NOT_A_ONE_TASK_JOB');
}

#[test]
fn test_deadlines_are_the_chains_seconds() {
    let world = WorldTrait::with_seats(10);
    set_block_number(START_BLOCK + 100_000);
    let job = world.create(Terms { deadline: START + 600, ..terms() }, 1);
    world.claim(worker(), job, 0);
    assert_eq!(world.registry.get_task(job, 0).lease_until, START + 600);
    assert_eq!(ballot(0, 0, Verdict::Accept).index, 0);
}
