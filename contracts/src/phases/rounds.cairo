//! Rounds: drawing them, first ones and appeals' alike, and the two steps of a verdict.

use starknet::event::EventEmitter;
use starknet::storage::{StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess};
use starknet::{ContractAddress, get_caller_address};
use crate::components::audits::AuditsComponent::AuditsTrait;
use crate::components::bonds::BondsComponent::BondsTrait;
use crate::components::escrow::EscrowComponent::EscrowTrait;
use crate::decision::unappealed;
use crate::draw::{SeatBook, committee, is_audited};
use crate::errors;
use crate::events::TaskDrawn;
use crate::packing::tasks::AppealPacking;
use crate::registry::Registry::ContractState;
use crate::round::{APPEAL_ROUND, NO_SEAT, Round, committee_size};
use crate::seats::Eligibility;
use crate::settlement::{first_shares, least_seat_bond};
use crate::state::{AppealRecord, drawn};
use crate::terms::answerable_blocks;
use crate::types::{Commitment, Outcome, Reveal, TaskState};
use super::reading::{Found, Job, ReadingTrait, WritingTrait, round_id};
use super::settling::SeatsDueTrait;

#[generate_trait]
pub impl Rounds of RoundsTrait {
    /// Draws the round that each task waits for. A redraw carries out the penalties of the round that
    /// failed.
    ///
    /// Errors: REENTERED, BATCH_SIZE, JOB_UNKNOWN, TASK_UNKNOWN, SEED_TOO_YOUNG, TASK_NOT_DRAWABLE.
    /// Events: TaskDrawn; SeatSlashed and SeatLeaving for a failed round.
    fn do_draw(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
        let job = self.job_for_batch(job_id, tasks.len());
        for task in tasks {
            let found = self.find(@job, *task);
            let state = found.status.state;
            assert(
                state != TaskState::Submitted && state != TaskState::Appealed,
                errors::SEED_TOO_YOUNG,
            );
            assert(state == TaskState::Drawable, errors::TASK_NOT_DRAWABLE);
            match found.appeal {
                Some(appeal) => self.draw_appeal(@job, found, appeal),
                None => self.draw_first(@job, found),
            }
        }
    }

    /// Requires that the commitment is for the attempt and round that is committing, and that the
    /// caller owns the seat.
    ///
    /// Errors: REENTERED, BATCH_SIZE, JOB_UNKNOWN, TASK_UNKNOWN, NOT_COMMITTING, WRONG_ROUND,
    /// NOT_YOUR_SEAT, ALREADY_COMMITTED. Event: VerdictCommitted.
    fn do_commit(ref self: ContractState, job_id: u64, commitments: Span<Commitment>) {
        let job = self.job_for_batch(job_id, commitments.len());
        let verifier = get_caller_address();
        for item in commitments {
            let found = self.find(@job, *item.task);
            assert(found.status.state == TaskState::Committing, errors::NOT_COMMITTING);
            assert(
                *item.attempt == found.record.attempt && *item.round == found.status.round,
                errors::WRONG_ROUND,
            );
            self.check_seat(@found.round, *item.seat, verifier);
            self.audits.commit(@round_id(@job, @found), verifier, @found.round, *item);
        }
    }

    /// Requires that the caller owns the seat, and that what it reveals is what it committed to: the
    /// commitment holds attempt and round, too.
    ///
    /// Errors: REENTERED, BATCH_SIZE, JOB_UNKNOWN, TASK_UNKNOWN, NOT_REVEALING, NOT_YOUR_SEAT,
    /// NOT_COMMITTED, ALREADY_REVEALED, COMMITMENT_MISMATCH, BAD_GROUND, INVALID_CID. Event:
    /// VerdictRevealed.
    fn do_reveal(ref self: ContractState, job_id: u64, reveals: Span<Reveal>) {
        let job = self.job_for_batch(job_id, reveals.len());
        let verifier = get_caller_address();
        for item in reveals {
            let found = self.find(@job, *item.task);
            assert(found.status.state == TaskState::Revealing, errors::NOT_REVEALING);
            self.check_seat(@found.round, *item.seat, verifier);
            self.audits.reveal(@round_id(@job, @found), verifier, @found.round, *item);
        }
    }
}

#[generate_trait]
impl Drawing of DrawingTrait {
    /// A first round, or a redraw after one that failed. Event: TaskDrawn.
    fn draw_first(ref self: ContractState, job: @Job, found: Found) {
        let job_id = *job.job_id;
        let task = found.task;
        if found.record.draw_block != 0 {
            let failed = unappealed(Outcome::NoVerdict, @found.round);
            let shares = first_shares(job.terms, @failed, @found.round).span();
            let round = found.record.round;
            let draw_block = found.record.draw_block;
            let due = self.due(job, @found, round, draw_block, @found.round, shares);
            let slashed = self.slash_seats(job_id, task, @due);
            self.escrow.forfeit_seat_bond(slashed);
        }
        let round = found.status.round;
        let seed_block = found.status.seed_block;
        let seed = self.seed(@round_id(job, @found), seed_block);
        // A redraw exists because the first seed asked for an audit.
        let audited = round != 0 || is_audited(seed, *job.terms.audit_rate_bps);
        let seats = if audited {
            self.seat_committee(job, @found, seed, found.round.seats)
        } else {
            [].span()
        };
        let record = drawn(found.record, round, seed_block, *job.block, audited);
        self.write_record(job_id, task, record);
        let attempt = record.attempt;
        self.emit(TaskDrawn { job_id, task, attempt, round, audited, audit_seed: seed, seats });
    }

    /// An appeal's round: a committee of 2n + 1 without the owners of the one that it judges. Event:
    /// TaskDrawn.
    fn draw_appeal(ref self: ContractState, job: @Job, found: Found, appeal: AppealRecord) {
        let job_id = *job.job_id;
        let task = found.task;
        let judged = self.first_round(job, task, @found.record);
        let seed = self.seed(@round_id(job, @found), found.status.seed_block);
        let seats = self.seat_committee(job, @found, seed, judged.seats);
        let drawn = AppealRecord { draw_block: *job.block, ..appeal };
        self.tasks.entry((job_id, task)).appeal.write(drawn);
        let attempt = found.record.attempt;
        self
            .emit(
                TaskDrawn {
                    job_id,
                    task,
                    attempt,
                    round: APPEAL_ROUND,
                    audited: true,
                    audit_seed: seed,
                    seats,
                },
            );
    }

    /// Opens the round that the task waits for, without the owners of the seats in `before`.
    fn seat_committee(
        ref self: ContractState, job: @Job, found: @Found, seed: felt252, before: Span<u32>,
    ) -> Span<u32> {
        let round = *found.status.round;
        let mut excluded = array![*job.requester, self.worker_of(*job.job_id, *found.task)];
        for slot in before {
            if *slot != NO_SEAT {
                excluded.append(self.bonds.owner(*slot));
            }
        }
        let rule = Eligibility {
            claim_block: *found.record.claim_block,
            least_bond: least_seat_bond(job.terms),
            held_until: *job.block + answerable_blocks(job.terms, round),
            exit_blocks: self.bounds.seat_exit_blocks.read(),
        };
        let book = Book { state: @self, excluded: excluded.span(), rule };
        let size = committee_size(job.terms, round);
        let seats = committee(seed, size, *found.record.seat_count, @book);
        self.audits.open_round(*job.job_id, *found.task, round, seats);
        seats
    }

    /// Errors: NOT_YOUR_SEAT.
    fn check_seat(self: @ContractState, round: @Round, seat: u8, verifier: ContractAddress) {
        assert(seat.into() < (*round.seats).len(), errors::NOT_YOUR_SEAT);
        let slot = *(*round.seats)[seat.into()];
        assert(slot != NO_SEAT && self.bonds.owner(slot) == verifier, errors::NOT_YOUR_SEAT);
    }
}

/// The seats as one draw sees them.
#[derive(Copy, Drop)]
struct Book {
    state: @ContractState,
    excluded: Span<ContractAddress>,
    rule: Eligibility,
}

impl BookImpl of SeatBook<Book> {
    fn may_sit(self: @Book, slot: u32) -> bool {
        let bonds = *self.state.bonds;
        let owner = bonds.owner(slot);
        let mut left_out = false;
        for account in *self.excluded {
            if *account == owner {
                left_out = true;
                break;
            }
        }
        !left_out && bonds.may_sit(slot, self.rule)
    }
}
