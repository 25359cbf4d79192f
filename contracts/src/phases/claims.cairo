//! From an open task to a submitted one, and how claims end without a result.

use starknet::event::EventEmitter;
use starknet::storage::{StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess};
use starknet::{ContractAddress, get_caller_address};
use crate::components::bonds::BondsComponent::BondsTrait;
use crate::components::escrow::EscrowComponent::EscrowTrait;
use crate::components::guard::GuardComponent::GuardTrait;
use crate::events::{ClaimGivenBack, ClaimLapsed, ResultSubmitted, TaskClaimed};
use crate::packing::tasks::{CidPacking, TaskPacking};
use crate::registry::Registry::ContractState;
use crate::settlement::lapse_forfeit;
use crate::state::{TaskRecord, claimed, reopened, submitted};
use crate::terms::least_seats;
use crate::types::{TaskResult, TaskState};
use crate::{cid, errors};
use super::reading::{Found, Job, ReadingTrait, WritingTrait, is_free};

#[generate_trait]
pub impl Claims of ClaimsTrait {
    /// Requires that the lease ends by the deadline, and that enough seats for a committee and for one
    /// of an appeal, 3n + 1, have been active since an earlier block, leaving out the requester's and
    /// the claimant's own.
    ///
    /// Errors: REENTERED, BATCH_SIZE, JOB_UNKNOWN, JOB_CLOSED, JOB_PAUSED, DEADLINE_TOO_NEAR,
    /// TOO_FEW_SEATS, TASK_UNKNOWN, TASK_NOT_OPEN, BALANCE_TOO_LOW. Events: TaskClaimed, and
    /// ClaimLapsed before it for a claim over a lapsed one.
    fn do_claim(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
        let job = self.job_for_batch(job_id, tasks.len());
        assert(!job.progress.closed, errors::JOB_CLOSED);
        assert(!job.progress.paused, errors::JOB_PAUSED);
        let lease_until = job.now + job.terms.lease_seconds.into();
        assert(lease_until <= job.terms.deadline, errors::DEADLINE_TOO_NEAR);
        let worker = get_caller_address();
        let census = self.bonds.census(job.requester, worker);
        assert(census.active >= least_seats(@job.terms), errors::TOO_FEW_SEATS);
        let seat_count = census.slots;
        for task in tasks {
            let task = *task;
            let mut found = self.find(@job, task);
            assert(is_free(found.status.state), errors::TASK_NOT_OPEN);
            if found.status.state == TaskState::Lapsed {
                found.record = self.lapse(@job, found);
            }
            let record = claimed(found.record, job.block, lease_until, seat_count);
            let cells = self.tasks.entry((job_id, task));
            cells.record.write(record);
            cells.worker.write(worker);
            let attempt = record.attempt;
            self.emit(TaskClaimed { job_id, worker, task, attempt, lease_until, seat_count });
        }
        self.escrow.lock_worker_bond(worker, job.terms.worker_bond * tasks.len().into());
    }

    /// Errors: REENTERED, BATCH_SIZE, JOB_UNKNOWN, TASK_UNKNOWN, TASK_NOT_CLAIMED (a lapsed claim is
    /// released instead), NOT_CLAIMANT. Event: ClaimGivenBack.
    fn do_give_back(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
        let job = self.job_for_batch(job_id, tasks.len());
        let worker = get_caller_address();
        for task in tasks {
            let task = *task;
            let found = self.find(@job, task);
            assert(found.status.state == TaskState::Claimed, errors::TASK_NOT_CLAIMED);
            assert(self.worker_of(job_id, task) == worker, errors::NOT_CLAIMANT);
            let (record, forfeited) = self.end_claim(@job, found, worker);
            self.write_record(job_id, task, record);
            self.emit(ClaimGivenBack { job_id, worker, task, forfeited });
        }
    }

    /// Errors: REENTERED, BATCH_SIZE, JOB_UNKNOWN, INVALID_CID, TASK_UNKNOWN, LEASE_OVER,
    /// TASK_NOT_CLAIMED, NOT_CLAIMANT. Event: ResultSubmitted.
    fn do_submit(ref self: ContractState, job_id: u64, results: Span<TaskResult>) {
        let job = self.job_for_batch(job_id, results.len());
        let worker = get_caller_address();
        for item in results {
            self.submit_one(@job, worker, *item);
        }
    }

    /// Errors: REENTERED, JOB_UNKNOWN, NOT_A_ONE_TASK_JOB, INVALID_CID, LEASE_OVER, TASK_NOT_CLAIMED,
    /// NOT_CLAIMANT. Event: ResultSubmitted.
    fn do_submit_result(ref self: ContractState, job_id: u64, result_cid: ByteArray) {
        self.guard.check();
        let job = self.one_task_job(job_id);
        let item = TaskResult { task: 0, result: cid::from_text(@result_cid) };
        self.submit_one(@job, get_caller_address(), item);
    }

    /// Errors: REENTERED, BATCH_SIZE, JOB_UNKNOWN, TASK_UNKNOWN, TASK_NOT_LAPSED. Event:
    /// ClaimLapsed.
    fn do_release(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
        let job = self.job_for_batch(job_id, tasks.len());
        for task in tasks {
            let found = self.find(@job, *task);
            assert(found.status.state == TaskState::Lapsed, errors::TASK_NOT_LAPSED);
            let record = self.lapse(@job, found);
            self.write_record(job_id, *task, record);
        }
    }
}

#[generate_trait]
pub impl Ending of EndingTrait {
    /// Ends a claim without result. Returns the task's next record, which the caller writes, and what
    /// was forfeited.
    fn end_claim(
        ref self: ContractState, job: @Job, found: Found, worker: ContractAddress,
    ) -> (TaskRecord, u128) {
        let bond = *job.terms.worker_bond;
        let forfeited = lapse_forfeit(bond, self.bounds.lapse_share_bps.read());
        self.escrow.break_worker_bond(worker, bond, forfeited);
        (reopened(found.record, found.record.failures), forfeited)
    }

    /// Ends a claim whose lease has run out, as `end_claim` does. Event: ClaimLapsed.
    fn lapse(ref self: ContractState, job: @Job, found: Found) -> TaskRecord {
        let job_id = *job.job_id;
        let worker = self.worker_of(job_id, found.task);
        let (record, forfeited) = self.end_claim(job, found, worker);
        self.emit(ClaimLapsed { job_id, worker, task: found.task, forfeited });
        record
    }
}

#[generate_trait]
impl Submitting of SubmittingTrait {
    /// Errors: INVALID_CID, TASK_UNKNOWN, LEASE_OVER, TASK_NOT_CLAIMED, NOT_CLAIMANT. Event:
    /// ResultSubmitted.
    fn submit_one(
        ref self: ContractState, job: @Job, worker: ContractAddress, item: TaskResult,
    ) {
        let TaskResult { task, result } = item;
        let job_id = *job.job_id;
        cid::check(@result);
        let found = self.find(job, task);
        assert(found.status.state != TaskState::Lapsed, errors::LEASE_OVER);
        assert(found.status.state == TaskState::Claimed, errors::TASK_NOT_CLAIMED);
        assert(self.worker_of(job_id, task) == worker, errors::NOT_CLAIMANT);
        let record = submitted(found.record, *job.block);
        let cells = self.tasks.entry((job_id, task));
        cells.record.write(record);
        cells.result.write(result);
        let TaskRecord { attempt, seed_block, .. } = record;
        self.emit(ResultSubmitted { job_id, worker, task, attempt, result, seed_block });
    }
}
