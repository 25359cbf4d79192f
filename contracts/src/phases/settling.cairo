//! Carrying out what is final.

use starknet::event::EventEmitter;
use crate::components::bonds::BondsComponent::BondsTrait;
use crate::components::escrow::EscrowComponent::EscrowTrait;
use crate::decision::{Decision, appealed, unappealed};
use crate::errors;
use crate::events::{TaskClosed, TaskSettled};
use crate::registry::Registry::ContractState;
use crate::round::{APPEAL_ROUND, NO_SEAT, Round};
use crate::settlement::{SeatShare, appeal_shares, fails, first_shares, pays_worker, payout};
use crate::state::{Kind, MAX_FAILURES, finished, reopened};
use crate::terms::answerable_blocks;
use crate::types::{AppealOutcome, Outcome, TaskState};
use super::reading::{Found, Job, ReadingTrait, WritingTrait};

#[generate_trait]
pub impl Settling of SettlingTrait {
    /// Errors: REENTERED, BATCH_SIZE, JOB_UNKNOWN, TASK_UNKNOWN, TASK_NOT_SETTLEABLE. Events:
    /// SeatSlashed, SeatLeaving, TaskSettled, and TaskClosed after a third failure or without
    /// verdict.
    fn do_settle(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
        let mut job = self.job_for_batch(job_id, tasks.len());
        for task in tasks {
            let found = self.find(@job, *task);
            assert(found.status.state == TaskState::Settleable, errors::TASK_NOT_SETTLEABLE);
            self.settle_one(ref job, found);
        }
        self.write_progress(job_id, job.progress);
    }
}

#[generate_trait]
impl Concluding of ConcludingTrait {
    /// Slashes, pays, and closes the task or opens it again. Events of `do_settle`.
    fn settle_one(ref self: ContractState, ref job: Job, found: Found) {
        let Found { task, record, .. } = found;
        let job_id = job.job_id;
        let (decision, first, appeal) = self.judge(@job, @found);
        let outcome = decision.outcome;
        let failures = if fails(outcome) {
            record.failures + 1
        } else {
            record.failures
        };
        let pays = pays_worker(outcome);
        let closes = outcome == Outcome::NoVerdict || failures == MAX_FAILURES;

        let mut slashed = self.slash_seats(job_id, task, @first);
        slashed += self.slash_seats(job_id, task, @appeal);
        let payout = payout(@job.terms, @decision, first.shares, appeal.shares, slashed, closes);
        let next = if pays {
            job.progress.paid += 1;
            finished(record, Kind::Paid, failures, outcome)
        } else if closes {
            job.progress.refunded += 1;
            finished(record, Kind::Closed, failures, outcome)
        } else {
            reopened(record, failures)
        };
        self.write_record(job_id, task, next);
        let worker = self.worker_of(job_id, task);
        self.escrow.pay(worker, job.requester, @payout, slashed);
        if decision.appeal != AppealOutcome::None {
            let appellant = self.hurt_party(@job, task, decision.provisional);
            self.escrow.end_appeal(appellant, payout.from_appeal, payout.appellant);
        }
        self.pay_seats(@first);
        self.pay_seats(@appeal);
        self
            .emit(
                TaskSettled {
                    job_id,
                    worker,
                    task,
                    attempt: record.attempt,
                    outcome,
                    paid_to_worker: if pays {
                        job.terms.reward
                    } else {
                        0
                    },
                    paid_to_seats: payout.seats,
                    paid_to_requester: payout.requester,
                    forfeited: payout.forfeited,
                    appeal: decision.appeal,
                    returned_to_appellant: payout.appellant,
                },
            );
        if closes {
            self.emit(TaskClosed { job_id, task, refund: payout.requester });
        }
    }

    /// What is decided, and what the places of both rounds have coming.
    fn judge(self: @ContractState, job: @Job, found: @Found) -> (Decision, Due, Due) {
        let terms = job.terms;
        let record = *found.record;
        match *found.appeal {
            None => {
                let decision = unappealed(*found.status.outcome, found.round);
                let shares = first_shares(terms, @decision, found.round).span();
                let first = self.due(job, found, record.round, record.draw_block, found.round, shares);
                (decision, first, Due { seats: [].span(), shares: [].span() })
            },
            Some(appeal) => {
                let round = self.first_round(job, *found.task, @record);
                let decision = appealed(appeal.against, @round, appeal.question, found.round);
                let shares = first_shares(terms, @decision, @round).span();
                let first = self.due(job, found, record.round, record.draw_block, @round, shares);
                let shares = appeal_shares(terms, @decision, found.round).span();
                let number = APPEAL_ROUND;
                let appeal = self.due(job, found, number, appeal.draw_block, found.round, shares);
                (decision, first, appeal)
            },
        }
    }
}

/// What the seats of a round get and lose.
#[derive(Copy, Drop)]
pub struct Due {
    pub seats: Span<u32>,
    pub shares: Span<SeatShare>,
}

#[generate_trait]
pub impl SeatsDue of SeatsDueTrait {
    /// The shares of a round drawn in `draw_block`. Once its seats may have been collected, a slot can
    /// have been handed on: who has it now gets and loses nothing, and who had it is not known any
    /// more.
    fn due(
        self: @ContractState,
        job: @Job,
        found: @Found,
        round: u8,
        draw_block: u64,
        drawn: @Round,
        shares: Span<SeatShare>,
    ) -> Due {
        let seats = *drawn.seats;
        if *job.block <= draw_block + answerable_blocks(job.terms, round) {
            return Due { seats, shares };
        }
        let mut left = array![];
        for place in 0..seats.len() {
            let slot = *seats[place];
            let handed_on = slot != NO_SEAT
                && self.bonds.since_block(slot) >= *found.record.claim_block;
            left.append(if handed_on {
                SeatShare { paid: 0, slashed: 0 }
            } else {
                *shares[place]
            });
        }
        Due { seats, shares: left.span() }
    }

    /// Takes off the seats' bonds what they lose, as far as it is there, and says how much that is.
    /// Events: SeatSlashed, SeatLeaving.
    fn slash_seats(ref self: ContractState, job_id: u64, task: u32, due: @Due) -> u128 {
        let mut taken = 0;
        for place in 0..(*due.shares).len() {
            let slashed = *(*due.shares)[place].slashed;
            if slashed != 0 {
                taken += self.bonds.slash(job_id, task, *(*due.seats)[place], slashed);
            }
        }
        taken
    }

    fn pay_seats(ref self: ContractState, due: @Due) {
        for place in 0..(*due.shares).len() {
            let paid = *(*due.shares)[place].paid;
            if paid != 0 {
                self.escrow.credit(self.bonds.owner(*(*due.seats)[place]), paid);
            }
        }
    }
}
