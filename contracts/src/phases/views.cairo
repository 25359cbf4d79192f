//! What the ledger shows of a task.

use core::num::traits::Zero;
use starknet::ContractAddress;
use starknet::storage::{StoragePathEntry, StoragePointerReadAccess};
use crate::components::bonds::BondsComponent::BondsTrait;
use crate::components::escrow::EscrowComponent::EscrowTrait;
use crate::decision::charge_of;
use crate::packing::tasks::CidPacking;
use crate::registry::Registry::ContractState;
use crate::round::{Round, Vote, is_committed, verdict_of};
use crate::state::{AppealRecord, Kind};
use crate::types::{AppealView, Balances, Cid, JobView, Outcome, TaskState, TaskView, Verdict};
use super::reading::{Found, Job, ReadingTrait, check_batch, id_of_round, round_id};

#[generate_trait]
pub impl Views of ViewsTrait {
    /// Errors: JOB_UNKNOWN.
    fn job_view(self: @ContractState, job_id: u64) -> JobView {
        let job = self.job(job_id);
        JobView {
            job_id,
            requester: job.requester,
            manifest: self.jobs.entry(job_id).manifest.read(),
            task_count: job.progress.task_count,
            terms: job.terms,
            created_block: job.progress.created_block,
            paused: job.progress.paused,
            closed: job.progress.closed,
            paid: job.progress.paid,
            refunded: job.progress.refunded,
        }
    }

    /// Errors: BATCH_SIZE, JOB_UNKNOWN.
    fn task_views(self: @ContractState, job_id: u64, from: u32, count: u32) -> Array<TaskView> {
        check_batch(count);
        let job = self.job(job_id);
        let mut views = array![];
        if from < job.progress.task_count {
            let left = job.progress.task_count - from;
            for task in from..from + core::cmp::min(count, left) {
                views.append(self.task_view(@job, task));
            }
        }
        views
    }

    /// Errors: TASK_UNKNOWN.
    fn task_view(self: @ContractState, job: @Job, task: u32) -> TaskView {
        let found = self.find(job, task);
        let Found { record, appeal, round, status, .. } = found;
        let cells = self.tasks.entry((*job.job_id, task));
        let first = if appeal.is_some() {
            self.first_round(job, task, @record)
        } else {
            round
        };
        let charge = charge_of(provisional(@found), @first);
        let has_round = is_drawn(@found);
        TaskView {
            task,
            state: status.state,
            attempt: record.attempt,
            failures: record.failures,
            worker: if has_worker(record.kind) {
                cells.worker.read()
            } else {
                Zero::zero()
            },
            claim_block: record.claim_block,
            lease_until: record.lease_until,
            result: if record.submit_block != 0 {
                cells.result.read()
            } else {
                Cid { codec: 0, digest: 0 }
            },
            submit_block: record.submit_block,
            round: status.round,
            seed_block: status.seed_block,
            audit_seed: if has_round {
                self.seed(@round_id(job, @found), status.seed_block)
            } else {
                0
            },
            outcome: status.outcome,
            ground: charge.ground,
            index: charge.index,
            seats: if has_round {
                slots(@round)
            } else {
                array![]
            },
            committed: if has_round {
                commitments(round.votes)
            } else {
                array![]
            },
            revealed: if has_round {
                verdicts(round.votes)
            } else {
                array![]
            },
            window_ends_block: status.window_ends_block,
            appeal: match appeal {
                Some(appeal) => Some(self.appeal_view(job, @found, @appeal, @first)),
                None => None,
            },
        }
    }

    fn balances(self: @ContractState, account: ContractAddress) -> Balances {
        let record = self.escrow.account(account);
        Balances {
            withdrawable: record.withdrawable,
            worker_bonds: record.worker_bonds,
            appeal_bonds: self.escrow.appeal_bonds(account),
            seat_bonds: self.bonds.bonds_of(account),
        }
    }
}

#[generate_trait]
impl Details of DetailsTrait {
    fn appeal_view(
        self: @ContractState, job: @Job, found: @Found, appeal: @AppealRecord, first: @Round,
    ) -> AppealView {
        let record = *found.record;
        AppealView {
            appellant: self.hurt_party(job, *found.task, *appeal.against),
            against: *appeal.against,
            question: *appeal.question,
            position: *appeal.position,
            tile: *appeal.tile,
            raised_block: *appeal.raised_block,
            first_round: record.round,
            first_seed: if record.audited {
                self.seed(@id_of_round(job, found, record.round), record.seed_block)
            } else {
                0
            },
            first_seats: slots(first),
            first_verdicts: verdicts(*first.votes),
        }
    }
}

/// What the first rounds came to, where they are over.
fn provisional(found: @Found) -> Outcome {
    match found.appeal {
        Some(appeal) => *appeal.against,
        None => *found.status.outcome,
    }
}

/// Whether `status.round` is a stored round, not one still to be drawn.
fn is_drawn(found: @Found) -> bool {
    match found.appeal {
        Some(appeal) => *appeal.draw_block != 0,
        None => *found.record.draw_block != 0
            && *found.status.state != TaskState::Submitted
            && *found.status.state != TaskState::Drawable,
    }
}

fn has_worker(kind: Kind) -> bool {
    kind == Kind::Claimed || kind == Kind::Submitted || kind == Kind::Paid
}

fn slots(round: @Round) -> Array<u32> {
    let mut slots = array![];
    slots.append_span(*round.seats);
    slots
}

fn commitments(votes: Span<Vote>) -> Array<bool> {
    let mut committed = array![];
    for vote in votes {
        committed.append(is_committed(*vote));
    }
    committed
}

fn verdicts(votes: Span<Vote>) -> Array<Option<Verdict>> {
    let mut revealed = array![];
    for vote in votes {
        revealed.append(verdict_of(*vote));
    }
    revealed
}
