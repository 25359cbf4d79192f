//! What a requester does with a job, and how tasks that nobody works on are refunded.

use starknet::event::EventEmitter;
use starknet::storage::{StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess};
use starknet::{get_block_number, get_block_timestamp, get_caller_address};
use crate::components::escrow::EscrowComponent::EscrowTrait;
use crate::components::guard::GuardComponent::GuardTrait;
use crate::errors;
use crate::events::{JobClosed, JobCreated, JobPaused, JobResumed, TaskClosed};
use crate::registry::Registry::{ContractState, JobRecord};
use crate::settlement::escrow_per_task;
use crate::state::{Kind, Progress, finished, next_sweep, swept};
use crate::terms::check_terms;
use crate::types::{Outcome, TaskState, Terms};
use super::claims::EndingTrait;
use super::reading::{Found, Job, MAX_BATCH, ReadingTrait, WritingTrait, is_free};

#[generate_trait]
pub impl Jobs of JobsTrait {
    /// Errors: REENTERED, MANIFEST_ZERO, those of `check_terms`, HOLDS_TOO_MUCH, TOKEN_REFUSED,
    /// TOKEN_MISCOUNTED. Event: JobCreated.
    fn do_create_job(
        ref self: ContractState, manifest: u256, task_count: u32, terms: Terms,
    ) -> u64 {
        self.guard.check();
        assert(manifest != 0, errors::MANIFEST_ZERO);
        check_terms(@terms, task_count, @self.bounds.read(), get_block_timestamp());
        let requester = get_caller_address();
        let job_id = self.job_count.read() + 1;
        let progress = Progress {
            task_count,
            created_block: get_block_number(),
            paid: 0,
            refunded: 0,
            swept: 0,
            paused: false,
            closed: false,
        };
        self.job_count.write(job_id);
        self.jobs.entry(job_id).write(JobRecord { requester, manifest, terms, progress });
        let amount: u256 = escrow_per_task(@terms).into() * task_count.into();
        let amount: u128 = amount.try_into().expect(errors::HOLDS_TOO_MUCH);
        self.escrow.book_escrow(amount);
        self.emit(JobCreated { job_id, requester, manifest, task_count, terms });
        self.pull(requester, amount);
        job_id
    }

    /// Errors: REENTERED, JOB_UNKNOWN, NOT_REQUESTER, JOB_CLOSED, JOB_PAUSED. Event: JobPaused.
    fn do_pause_job(ref self: ContractState, job_id: u64) {
        let job = self.own_job(job_id);
        assert(!job.progress.closed, errors::JOB_CLOSED);
        assert(!job.progress.paused, errors::JOB_PAUSED);
        self.write_progress(job_id, Progress { paused: true, ..job.progress });
        self.emit(JobPaused { job_id });
    }

    /// Errors: REENTERED, JOB_UNKNOWN, NOT_REQUESTER, JOB_CLOSED, JOB_NOT_PAUSED. Event:
    /// JobResumed.
    fn do_resume_job(ref self: ContractState, job_id: u64) {
        let job = self.own_job(job_id);
        assert(!job.progress.closed, errors::JOB_CLOSED);
        assert(job.progress.paused, errors::JOB_NOT_PAUSED);
        self.write_progress(job_id, Progress { paused: false, ..job.progress });
        self.emit(JobResumed { job_id });
    }

    /// Each call sweeps the next MAX_BATCH tasks; after the last it starts again with the first.
    ///
    /// Errors: REENTERED, JOB_UNKNOWN, NOT_REQUESTER. Events: JobClosed the first time, TaskClosed
    /// per task, ClaimLapsed before it where a lease had run out.
    fn do_close_job(ref self: ContractState, job_id: u64) {
        let mut job = self.own_job(job_id);
        if !job.progress.closed {
            job.progress.closed = true;
            self.emit(JobClosed { job_id });
        }
        let (from, to) = next_sweep(@job.progress, MAX_BATCH);
        let mut refunded = 0;
        for task in from..to {
            let found = self.find(@job, task);
            if is_free(found.status.state) {
                self.close_task(@job, found);
                refunded += 1;
            }
        }
        job.progress = swept(job.progress, to);
        self.refund_tasks(job, refunded);
    }

    /// Errors: REENTERED, BATCH_SIZE, JOB_UNKNOWN, JOB_STILL_OPEN, TASK_UNKNOWN, TASK_NOT_OPEN.
    /// Events: TaskClosed per task, ClaimLapsed before it where a lease had run out.
    fn do_close_tasks(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
        let job = self.job_for_batch(job_id, tasks.len());
        assert(job.progress.closed || job.now >= job.terms.deadline, errors::JOB_STILL_OPEN);
        for task in tasks {
            let found = self.find(@job, *task);
            assert(is_free(found.status.state), errors::TASK_NOT_OPEN);
            self.close_task(@job, found);
        }
        self.refund_tasks(job, tasks.len());
    }
}

#[generate_trait]
impl Closing of ClosingTrait {
    /// Closes an open or lapsed task; `refund_tasks` moves the money. Events: TaskClosed,
    /// ClaimLapsed.
    fn close_task(ref self: ContractState, job: @Job, found: Found) {
        let job_id = *job.job_id;
        let record = if found.status.state == TaskState::Lapsed {
            self.lapse(job, found)
        } else {
            found.record
        };
        let closed = finished(record, Kind::Closed, record.failures, Outcome::Undecided);
        self.write_record(job_id, found.task, closed);
        self.emit(TaskClosed { job_id, task: found.task, refund: escrow_per_task(job.terms) });
    }

    fn refund_tasks(ref self: ContractState, job: Job, count: u32) {
        let refunded = job.progress.refunded + count;
        self.write_progress(job.job_id, Progress { refunded, ..job.progress });
        self.escrow.refund(job.requester, escrow_per_task(@job.terms) * count.into());
    }
}
