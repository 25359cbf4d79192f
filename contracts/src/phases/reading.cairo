//! What every call looks up first: its job, and where a task stands.

use starknet::storage::{StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess};
use starknet::syscalls::get_block_hash_syscall;
use starknet::{
    ContractAddress, SyscallResultTrait, get_block_number, get_block_timestamp, get_caller_address,
    get_contract_address, get_tx_info,
};
use crate::components::audits::AuditsComponent::AuditsTrait;
use crate::components::escrow::EscrowComponent::EscrowTrait;
use crate::components::guard::GuardComponent::GuardTrait;
use crate::decision::hurts_worker;
use crate::draw::{RoundId, audit_seed};
use crate::errors;
use crate::packing::jobs::{ProgressPacking, TermsPacking};
use crate::packing::tasks::{AppealPacking, CidPacking, TaskPacking};
use crate::registry::Registry::ContractState;
use crate::round::{APPEAL_ROUND, Round, committee_size, no_round};
use crate::state::{AppealRecord, Progress, Status, TaskRecord, status};
use crate::types::{Outcome, TaskState, Terms};

/// Tasks per call.
pub const MAX_BATCH: u32 = 64;

/// What a call knows about its job and the present.
#[derive(Copy, Drop)]
pub struct Job {
    pub job_id: u64,
    pub requester: ContractAddress,
    pub terms: Terms,
    pub progress: Progress,
    pub block: u64,
    pub now: u64,
}

/// One task as a call finds it.
#[derive(Copy, Drop)]
pub struct Found {
    pub task: u32,
    pub record: TaskRecord,
    pub appeal: Option<AppealRecord>,
    /// The round that runs or has run last: the appeal's, once that is drawn.
    pub round: Round,
    pub status: Status,
}

#[generate_trait]
pub impl Reading of ReadingTrait {
    /// Errors: JOB_UNKNOWN.
    fn job(self: @ContractState, job_id: u64) -> Job {
        assert(job_id != 0 && job_id <= self.job_count.read(), errors::JOB_UNKNOWN);
        let record = self.jobs.entry(job_id);
        Job {
            job_id,
            requester: record.requester.read(),
            terms: record.terms.read(),
            progress: record.progress.read(),
            block: get_block_number(),
            now: get_block_timestamp(),
        }
    }

    /// What starts every call about a batch. Errors: REENTERED, BATCH_SIZE, JOB_UNKNOWN.
    fn job_for_batch(self: @ContractState, job_id: u64, size: u32) -> Job {
        self.guard.check();
        check_batch(size);
        self.job(job_id)
    }

    /// Errors: REENTERED, JOB_UNKNOWN, NOT_REQUESTER.
    fn own_job(self: @ContractState, job_id: u64) -> Job {
        self.guard.check();
        let job = self.job(job_id);
        assert(get_caller_address() == job.requester, errors::NOT_REQUESTER);
        job
    }

    /// Errors: JOB_UNKNOWN, NOT_A_ONE_TASK_JOB.
    fn one_task_job(self: @ContractState, job_id: u64) -> Job {
        let job = self.job(job_id);
        assert(job.progress.task_count == 1, errors::NOT_A_ONE_TASK_JOB);
        job
    }

    /// Errors: TASK_UNKNOWN.
    fn find(self: @ContractState, job: @Job, task: u32) -> Found {
        assert(task < *job.progress.task_count, errors::TASK_UNKNOWN);
        let cells = self.tasks.entry((*job.job_id, task));
        let record = cells.record.read();
        let appeal = if record.appealed {
            Some(cells.appeal.read())
        } else {
            None
        };
        let round = match @appeal {
            Some(appeal) => if *appeal.draw_block != 0 {
                self.stored_round(job, task, APPEAL_ROUND)
            } else {
                no_round()
            },
            None => self.first_round(job, task, @record),
        };
        let status = status(@record, @appeal, @round, job.terms, *job.block, *job.now);
        Found { task, record, appeal, round, status }
    }

    /// The round that decides unless there is an appeal; what an appeal is against.
    fn first_round(self: @ContractState, job: @Job, task: u32, record: @TaskRecord) -> Round {
        if *record.draw_block != 0 && *record.audited {
            self.stored_round(job, task, *record.round)
        } else {
            no_round()
        }
    }

    fn stored_round(self: @ContractState, job: @Job, task: u32, round: u8) -> Round {
        self.audits.round(*job.job_id, task, round, committee_size(job.terms, round))
    }

    fn worker_of(self: @ContractState, job_id: u64, task: u32) -> ContractAddress {
        self.tasks.entry((job_id, task)).worker.read()
    }

    /// Whom a provisional verdict hurts, NoVerdict aside.
    fn hurt_party(
        self: @ContractState, job: @Job, task: u32, against: Outcome,
    ) -> ContractAddress {
        if hurts_worker(against) {
            self.worker_of(*job.job_id, task)
        } else {
            *job.requester
        }
    }

    /// The seed is not stored: block hashes stay readable, so it is computed again.
    fn seed(self: @ContractState, id: @RoundId, seed_block: u64) -> felt252 {
        let result = self.tasks.entry((*id.job_id, *id.task)).result.read();
        audit_seed(id, @result, get_block_hash_syscall(seed_block).unwrap_syscall())
    }
}

#[generate_trait]
pub impl Writing of WritingTrait {
    fn write_record(ref self: ContractState, job_id: u64, task: u32, record: TaskRecord) {
        self.tasks.entry((job_id, task)).record.write(record);
    }

    fn write_progress(ref self: ContractState, job_id: u64, progress: Progress) {
        self.jobs.entry(job_id).progress.write(progress);
    }

    /// Takes tokens from a wallet, the contract closed meanwhile.
    fn pull(ref self: ContractState, from: ContractAddress, amount: u128) {
        self.guard.enter();
        self.escrow.pull(from, amount);
        self.guard.leave();
    }

    /// Sends tokens to a wallet, the contract closed meanwhile.
    fn push(ref self: ContractState, to: ContractAddress, amount: u128) {
        self.guard.enter();
        self.escrow.push(to, amount);
        self.guard.leave();
    }
}

/// The round that runs, or is to be drawn next.
pub fn round_id(job: @Job, found: @Found) -> RoundId {
    id_of_round(job, found, *found.status.round)
}

pub fn id_of_round(job: @Job, found: @Found, round: u8) -> RoundId {
    RoundId {
        chain_id: get_tx_info().unbox().chain_id,
        contract: get_contract_address(),
        job_id: *job.job_id,
        task: *found.task,
        attempt: *found.record.attempt,
        round,
    }
}

/// Nobody holds a live claim on it.
pub fn is_free(state: TaskState) -> bool {
    state == TaskState::Open || state == TaskState::Lapsed
}

/// Errors: BATCH_SIZE.
pub fn check_batch(size: u32) {
    assert(size != 0 && size <= MAX_BATCH, errors::BATCH_SIZE);
}
