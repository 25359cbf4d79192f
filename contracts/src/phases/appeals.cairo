//! Raising an appeal. Its round is drawn and voted on as any other, see `rounds.cairo`; what it comes
//! to is carried out by `settling.cairo`.

use starknet::event::EventEmitter;
use starknet::get_caller_address;
use starknet::storage::{StoragePathEntry, StoragePointerWriteAccess};
use crate::components::escrow::EscrowComponent::EscrowTrait;
use crate::decision::{charge_of, question_fits};
use crate::errors;
use crate::events::AppealRaised;
use crate::packing::tasks::{AppealPacking, TaskPacking};
use crate::registry::Registry::ContractState;
use crate::settlement::appeal_bond;
use crate::state::{appeal_seed_block, appealed};
use crate::types::{Appeal, Outcome, TaskState};
use super::reading::ReadingTrait;

#[generate_trait]
pub impl Appeals of AppealsTrait {
    /// Requires of each task that its provisional verdict's window runs and it has not been appealed;
    /// that the caller is whom the verdict hurts: the worker a reject or unavailable, the requester an
    /// accept or a task that was not drawn; and that the question fits: against a reject exactly what
    /// its majority names, against an unavailable the whole, against an accept a tile of the list or a
    /// named one, against a task that was not drawn a named one.
    ///
    /// Errors: REENTERED, BATCH_SIZE, JOB_UNKNOWN, TASK_UNKNOWN, NOT_PROVISIONAL, NOT_APPELLANT,
    /// BAD_QUESTION, BALANCE_TOO_LOW. Event: AppealRaised.
    fn do_appeal(ref self: ContractState, job_id: u64, appeals: Span<Appeal>) {
        let job = self.job_for_batch(job_id, appeals.len());
        let appellant = get_caller_address();
        let bond = appeal_bond(@job.terms);
        for item in appeals {
            let Appeal { task, question, position, tile } = *item;
            let found = self.find(@job, task);
            assert(found.status.state == TaskState::Provisional, errors::NOT_PROVISIONAL);
            let against = found.status.outcome;
            assert(
                against != Outcome::NoVerdict
                    && self.hurt_party(@job, task, against) == appellant,
                errors::NOT_APPELLANT,
            );
            let charge = charge_of(against, @found.round);
            assert(
                question_fits(against, charge, question, position, tile), errors::BAD_QUESTION,
            );
            let (record, raised) = appealed(found.record, against, item, job.block);
            let cells = self.tasks.entry((job_id, task));
            cells.record.write(record);
            cells.appeal.write(raised);
            self
                .emit(
                    AppealRaised {
                        job_id,
                        appellant,
                        task,
                        attempt: record.attempt,
                        against,
                        question,
                        position,
                        tile,
                        bond,
                        seed_block: appeal_seed_block(@raised),
                    },
                );
        }
        self.escrow.lock_appeal_bond(appellant, bond * appeals.len().into());
    }
}
