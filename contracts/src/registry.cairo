/// The contract: escrow, seats and rounds put together, and the life of a task.
///
/// Order in every function: the guard, the requirements, the effects, the events, and last, in three
/// functions only, the token. `interface.cairo` has the promises; comments here add requirements,
/// errors and events. Nobody owns this contract and nothing in it can be changed.
#[starknet::contract]
pub mod Registry {
    use core::num::traits::Zero;
    use starknet::storage::{
        Map, StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess,
    };
    use starknet::syscalls::get_block_hash_syscall;
    use starknet::{
        ContractAddress, SyscallResultTrait, get_block_number, get_block_timestamp,
        get_caller_address, get_contract_address, get_tx_info,
    };
    use crate::components::audits::AuditsComponent;
    use crate::components::bonds::BondsComponent;
    use crate::components::escrow::EscrowComponent;
    use crate::components::guard::GuardComponent;
    use crate::draw::{RoundId, SeatBook, audit_seed, committee, is_audited};
    use crate::events::{
        ClaimGivenBack, ClaimLapsed, JobClosed, JobCreated, JobPaused, JobResumed, ResultSubmitted,
        TaskClaimed, TaskClosed, TaskDrawn, TaskSettled,
    };
    use crate::interface::IRegistry;
    use crate::packing::{CidPacking, Progress, TaskPacking, TermsPacking};
    use crate::settlement::{SeatShare, escrow_per_task, lapse_forfeit, payout, shares, total_paid};
    use crate::state::{
        Kind, MAX_FAILURES, NO_SEAT, Round, Status, TaskRecord, claimed, drawn, finished,
        is_committed, no_round, reopened, status, submitted, verdict_of,
    };
    use crate::terms::{answerable_blocks, check_bounds, check_terms};
    use crate::types::{
        Balances, Bounds, Cid, Commitment, JobView, Outcome, Reveal, Seat, TaskResult, TaskState,
        TaskView, Terms, Totals,
    };
    use crate::{cid, errors};

    /// Tasks per call.
    pub const MAX_BATCH: u32 = 64;

    component!(path: GuardComponent, storage: guard, event: GuardEvent);
    component!(path: EscrowComponent, storage: escrow, event: EscrowEvent);
    component!(path: BondsComponent, storage: bonds, event: BondsEvent);
    component!(path: AuditsComponent, storage: audits, event: AuditsEvent);

    impl Guard = GuardComponent::GuardImpl<ContractState>;
    impl Escrow = EscrowComponent::EscrowImpl<ContractState>;
    impl Bonds = BondsComponent::BondsImpl<ContractState>;
    impl Audits = AuditsComponent::AuditsImpl<ContractState>;

    #[derive(Copy, Drop, starknet::Store)]
    struct JobRecord {
        requester: ContractAddress,
        manifest: u256,
        terms: Terms,
        progress: Progress,
    }

    /// The worker and the result stay in their cells when the task opens again; `record` says
    /// whether they mean anything.
    #[derive(Copy, Drop, starknet::Store)]
    struct TaskCells {
        record: TaskRecord,
        worker: ContractAddress,
        result: Cid,
    }

    #[storage]
    struct Storage {
        #[substorage(v0)]
        guard: GuardComponent::Storage,
        #[substorage(v0)]
        escrow: EscrowComponent::Storage,
        #[substorage(v0)]
        bonds: BondsComponent::Storage,
        #[substorage(v0)]
        audits: AuditsComponent::Storage,
        bounds: Bounds,
        job_count: u64,
        jobs: Map<u64, JobRecord>,
        tasks: Map<(u64, u32), TaskCells>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        #[flat]
        GuardEvent: GuardComponent::Event,
        #[flat]
        EscrowEvent: EscrowComponent::Event,
        #[flat]
        BondsEvent: BondsComponent::Event,
        #[flat]
        AuditsEvent: AuditsComponent::Event,
        JobCreated: JobCreated,
        JobPaused: JobPaused,
        JobResumed: JobResumed,
        JobClosed: JobClosed,
        TaskClosed: TaskClosed,
        TaskClaimed: TaskClaimed,
        ClaimLapsed: ClaimLapsed,
        ClaimGivenBack: ClaimGivenBack,
        ResultSubmitted: ResultSubmitted,
        TaskDrawn: TaskDrawn,
        TaskSettled: TaskSettled,
    }

    /// What a call knows about its job and the present.
    #[derive(Copy, Drop)]
    struct Job {
        job_id: u64,
        requester: ContractAddress,
        terms: Terms,
        progress: Progress,
        block: u64,
        now: u64,
    }

    /// One task as a call finds it.
    #[derive(Copy, Drop)]
    struct Found {
        task: u32,
        record: TaskRecord,
        round: Round,
        status: Status,
    }

    /// Errors: TOKEN_ZERO, and those of `check_bounds`.
    #[constructor]
    fn constructor(ref self: ContractState, token: ContractAddress, bounds: Bounds) {
        assert(token.is_non_zero(), errors::TOKEN_ZERO);
        check_bounds(@bounds);
        self.escrow.initialise(token);
        self.bounds.write(bounds);
    }

    #[abi(embed_v0)]
    impl RegistryImpl of IRegistry<ContractState> {
        // --- requester ---

        /// Errors: MANIFEST_ZERO, those of `check_terms`, HOLDS_TOO_MUCH, TOKEN_REFUSED,
        /// TOKEN_MISCOUNTED. Event: JobCreated.
        fn create_job(
            ref self: ContractState, manifest: u256, task_count: u32, terms: Terms,
        ) -> u64 {
            self.guard.check();
            assert(manifest != 0, errors::MANIFEST_ZERO);
            check_terms(@terms, task_count, @self.bounds.read(), get_block_timestamp());
            let requester = get_caller_address();
            let job_id = self.job_count.read() + 1;
            let created_block = get_block_number();
            let progress = Progress {
                task_count,
                created_block,
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

        /// Errors: JOB_UNKNOWN, NOT_REQUESTER, JOB_CLOSED, JOB_PAUSED. Event: JobPaused.
        fn pause_job(ref self: ContractState, job_id: u64) {
            let job = self.own_open_job(job_id);
            assert(!job.progress.paused, errors::JOB_PAUSED);
            self.write_progress(job_id, Progress { paused: true, ..job.progress });
            self.emit(JobPaused { job_id });
        }

        /// Errors: JOB_UNKNOWN, NOT_REQUESTER, JOB_CLOSED, JOB_NOT_PAUSED. Event: JobResumed.
        fn resume_job(ref self: ContractState, job_id: u64) {
            let job = self.own_open_job(job_id);
            assert(job.progress.paused, errors::JOB_NOT_PAUSED);
            self.write_progress(job_id, Progress { paused: false, ..job.progress });
            self.emit(JobResumed { job_id });
        }

        /// Each call sweeps the next MAX_BATCH tasks; after the last it starts again with the first.
        ///
        /// Errors: JOB_UNKNOWN, NOT_REQUESTER. Events: JobClosed the first time, TaskClosed per
        /// task, ClaimLapsed before it where a lease had run out.
        fn close_job(ref self: ContractState, job_id: u64) {
            self.guard.check();
            let mut job = self.job(job_id);
            assert(get_caller_address() == job.requester, errors::NOT_REQUESTER);
            if !job.progress.closed {
                job.progress.closed = true;
                self.emit(JobClosed { job_id });
            }
            let from = job.progress.swept;
            let to = from + core::cmp::min(MAX_BATCH, job.progress.task_count - from);
            let mut refunded = 0;
            for task in from..to {
                let found = self.find(@job, task);
                if is_free(found.status.state) {
                    self.close_task(@job, found);
                    refunded += 1;
                }
            }
            job.progress.swept = if to == job.progress.task_count {
                0
            } else {
                to
            };
            self.refund_tasks(job, refunded);
        }

        /// Errors: JOB_UNKNOWN, TASK_UNKNOWN, BATCH_SIZE, JOB_STILL_OPEN, TASK_NOT_OPEN. Events as
        /// in `close_job`.
        fn close_tasks(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
            self.guard.check();
            check_batch(tasks.len());
            let job = self.job(job_id);
            assert(
                job.progress.closed || job.now >= job.terms.deadline, errors::JOB_STILL_OPEN,
            );
            for task in tasks {
                let found = self.find(@job, *task);
                assert(is_free(found.status.state), errors::TASK_NOT_OPEN);
                self.close_task(@job, found);
            }
            self.refund_tasks(job, tasks.len());
        }

        // --- worker ---

        /// Requires that the lease ends by the deadline, and that as many seats are active as a
        /// committee has, leaving out the requester's and the claimant's own.
        ///
        /// Errors: JOB_UNKNOWN, TASK_UNKNOWN, BATCH_SIZE, JOB_CLOSED, JOB_PAUSED,
        /// DEADLINE_TOO_NEAR, TOO_FEW_SEATS, TASK_NOT_OPEN, BALANCE_TOO_LOW. Events: TaskClaimed,
        /// and ClaimLapsed before it for a claim over a lapsed one.
        fn claim(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
            self.guard.check();
            check_batch(tasks.len());
            let job = self.job(job_id);
            assert(!job.progress.closed, errors::JOB_CLOSED);
            assert(!job.progress.paused, errors::JOB_PAUSED);
            let lease_until = job.now + job.terms.lease_seconds.into();
            assert(lease_until <= job.terms.deadline, errors::DEADLINE_TOO_NEAR);
            let worker = get_caller_address();
            assert(
                self
                    .bonds
                    .active_without(job.requester, worker) >= job
                    .terms
                    .committee_size
                    .into(),
                errors::TOO_FEW_SEATS,
            );
            let seat_count = self.bonds.slots();
            for task in tasks {
                let mut found = self.find(@job, *task);
                assert(is_free(found.status.state), errors::TASK_NOT_OPEN);
                if found.status.state == TaskState::Lapsed {
                    found.record = self.lapse(@job, found);
                }
                let record = claimed(found.record, job.block, lease_until, seat_count);
                let cells = self.tasks.entry((job_id, *task));
                cells.record.write(record);
                cells.worker.write(worker);
                self
                    .emit(
                        TaskClaimed {
                            job_id,
                            worker,
                            task: *task,
                            attempt: record.attempt,
                            lease_until,
                            seat_count,
                        },
                    );
            }
            self.escrow.lock_worker_bond(worker, job.terms.worker_bond * tasks.len().into());
        }

        /// Errors: JOB_UNKNOWN, TASK_UNKNOWN, BATCH_SIZE, TASK_NOT_CLAIMED (a lapsed claim is
        /// released instead), NOT_CLAIMANT. Event: ClaimGivenBack.
        fn give_back(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
            self.guard.check();
            check_batch(tasks.len());
            let job = self.job(job_id);
            let worker = get_caller_address();
            for task in tasks {
                let task = *task;
                let found = self.find(@job, task);
                assert(found.status.state == TaskState::Claimed, errors::TASK_NOT_CLAIMED);
                assert(self.worker_of(job_id, task) == worker, errors::NOT_CLAIMANT);
                let (record, forfeited) = self.end_claim(@job, found, worker);
                self.tasks.entry((job_id, task)).record.write(record);
                self.emit(ClaimGivenBack { job_id, worker, task, forfeited });
            }
        }

        /// Errors: JOB_UNKNOWN, TASK_UNKNOWN, BATCH_SIZE, INVALID_CID, LEASE_OVER,
        /// TASK_NOT_CLAIMED, NOT_CLAIMANT. Event: ResultSubmitted.
        fn submit(ref self: ContractState, job_id: u64, results: Span<TaskResult>) {
            self.guard.check();
            check_batch(results.len());
            let job = self.job(job_id);
            for item in results {
                self.submit_one(@job, *item);
            }
        }

        // --- anyone ---

        /// A redraw carries out the penalties of the round that failed.
        ///
        /// Errors: JOB_UNKNOWN, TASK_UNKNOWN, BATCH_SIZE, SEED_TOO_YOUNG, TASK_NOT_DRAWABLE.
        /// Events: TaskDrawn; SeatSlashed and SeatLeaving for a failed round.
        fn draw(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
            self.guard.check();
            check_batch(tasks.len());
            let job = self.job(job_id);
            for task in tasks {
                let found = self.find(@job, *task);
                assert(found.status.state != TaskState::Submitted, errors::SEED_TOO_YOUNG);
                assert(found.status.state == TaskState::Drawable, errors::TASK_NOT_DRAWABLE);
                if found.record.draw_block != 0 {
                    let failed = shares(@job.terms, Outcome::NoVerdict, found.round.votes);
                    self.pay_round(job_id, found, failed.span());
                }
                self.draw_one(@job, found);
            }
        }

        /// Errors: JOB_UNKNOWN, TASK_UNKNOWN, BATCH_SIZE, TASK_NOT_SETTLEABLE. Events: TaskSettled,
        /// SeatSlashed, SeatLeaving, and TaskClosed after a third failure or without verdict.
        fn settle(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
            self.guard.check();
            check_batch(tasks.len());
            let mut job = self.job(job_id);
            for task in tasks {
                let found = self.find(@job, *task);
                assert(found.status.state == TaskState::Settleable, errors::TASK_NOT_SETTLEABLE);
                self.settle_one(ref job, found);
            }
            self.write_progress(job_id, job.progress);
        }

        /// Errors: JOB_UNKNOWN, TASK_UNKNOWN, BATCH_SIZE, TASK_NOT_LAPSED. Event: ClaimLapsed.
        fn release(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
            self.guard.check();
            check_batch(tasks.len());
            let job = self.job(job_id);
            for task in tasks {
                let found = self.find(@job, *task);
                assert(found.status.state == TaskState::Lapsed, errors::TASK_NOT_LAPSED);
                let record = self.lapse(@job, found);
                self.tasks.entry((job_id, *task)).record.write(record);
            }
        }

        // --- verifier ---

        /// Errors: BALANCE_TOO_LOW. Event: SeatTaken.
        fn take_seat(ref self: ContractState) -> u32 {
            self.guard.check();
            let owner = get_caller_address();
            let bond = self.bounds.seat_bond.read();
            self.escrow.lock_seat_bond(owner, bond);
            self.bonds.take(owner, bond)
        }

        /// Errors: SEAT_UNKNOWN, NOT_SEAT_OWNER, SEAT_LEAVING. Event: SeatLeaving.
        fn leave_seat(ref self: ContractState, slot: u32) {
            self.guard.check();
            self.bonds.leave(get_caller_address(), slot);
        }

        /// Errors: SEAT_UNKNOWN, NOT_SEAT_OWNER, SEAT_NOT_LEAVING, SEAT_COLLECTED,
        /// SEAT_EXIT_RUNNING. Event: SeatCollected.
        fn collect_seat(ref self: ContractState, slot: u32) {
            self.guard.check();
            let owner = get_caller_address();
            let bond = self.bonds.collect(owner, slot, self.bounds.seat_exit_blocks.read());
            self.escrow.return_seat_bond(owner, bond);
        }

        /// Errors: JOB_UNKNOWN, TASK_UNKNOWN, BATCH_SIZE, NOT_COMMITTING, NOT_YOUR_SEAT,
        /// ALREADY_COMMITTED. Event: VerdictCommitted.
        fn commit(ref self: ContractState, job_id: u64, commitments: Span<Commitment>) {
            self.guard.check();
            check_batch(commitments.len());
            let job = self.job(job_id);
            let verifier = get_caller_address();
            for item in commitments {
                let found = self.find(@job, *item.task);
                assert(found.status.state == TaskState::Committing, errors::NOT_COMMITTING);
                self.check_seat(@found.round, *item.seat, verifier);
                self.audits.commit(@round_id(@job, @found), verifier, @found.round, *item);
            }
        }

        /// Errors: JOB_UNKNOWN, TASK_UNKNOWN, BATCH_SIZE, NOT_REVEALING, NOT_YOUR_SEAT,
        /// NOT_COMMITTED, ALREADY_REVEALED, COMMITMENT_MISMATCH, BAD_GROUND, INVALID_CID. Event:
        /// VerdictRevealed.
        fn reveal(ref self: ContractState, job_id: u64, reveals: Span<Reveal>) {
            self.guard.check();
            check_batch(reveals.len());
            let job = self.job(job_id);
            let verifier = get_caller_address();
            for item in reveals {
                let found = self.find(@job, *item.task);
                assert(found.status.state == TaskState::Revealing, errors::NOT_REVEALING);
                self.check_seat(@found.round, *item.seat, verifier);
                self.audits.reveal(@round_id(@job, @found), verifier, @found.round, *item);
            }
        }

        // --- money ---

        /// Errors: AMOUNT_ZERO, HOLDS_TOO_MUCH, TOKEN_REFUSED, TOKEN_MISCOUNTED. Event: Deposited.
        fn deposit(ref self: ContractState, amount: u128) {
            self.guard.check();
            assert(amount != 0, errors::AMOUNT_ZERO);
            let account = get_caller_address();
            self.escrow.book_deposit(account, amount);
            self.pull(account, amount);
        }

        /// Errors: AMOUNT_ZERO, BALANCE_TOO_LOW, TOKEN_REFUSED, TOKEN_MISCOUNTED. Event: Withdrawn.
        fn withdraw(ref self: ContractState, amount: u128) {
            self.guard.check();
            assert(amount != 0, errors::AMOUNT_ZERO);
            let account = get_caller_address();
            self.escrow.book_withdrawal(account, amount);
            self.guard.enter();
            self.escrow.push(account, amount);
            self.guard.leave();
        }

        // --- views ---

        fn get_job(self: @ContractState, job_id: u64) -> JobView {
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

        fn get_job_count(self: @ContractState) -> u64 {
            self.job_count.read()
        }

        fn get_task(self: @ContractState, job_id: u64, task: u32) -> TaskView {
            let job = self.job(job_id);
            self.view(@job, self.find(@job, task))
        }

        fn get_tasks(self: @ContractState, job_id: u64, from: u32, count: u32) -> Array<TaskView> {
            check_batch(count);
            let job = self.job(job_id);
            let mut views = array![];
            if from < job.progress.task_count {
                let left = job.progress.task_count - from;
                for task in from..from + core::cmp::min(count, left) {
                    views.append(self.view(@job, self.find(@job, task)));
                }
            }
            views
        }

        fn get_balances(self: @ContractState, account: ContractAddress) -> Balances {
            let record = self.escrow.account(account);
            Balances {
                withdrawable: record.withdrawable,
                worker_bonds: record.worker_bonds,
                seat_bonds: self.bonds.bonds_of(account),
            }
        }

        fn get_seat(self: @ContractState, slot: u32) -> Seat {
            self.bonds.seat(slot)
        }

        fn get_seat_count(self: @ContractState) -> u32 {
            self.bonds.slots()
        }

        fn get_active_seat_count(self: @ContractState) -> u32 {
            self.bonds.active()
        }

        fn get_seats_of(self: @ContractState, account: ContractAddress) -> Array<u32> {
            self.bonds.slots_of(account)
        }

        fn get_totals(self: @ContractState) -> Totals {
            self.escrow.totals()
        }

        fn get_bounds(self: @ContractState) -> Bounds {
            self.bounds.read()
        }

        fn get_token(self: @ContractState) -> ContractAddress {
            self.escrow.token()
        }

        // --- views and calls for VeriFrame-style workers ---

        fn get_job_creator(self: @ContractState, job_id: u64) -> ContractAddress {
            self.job(job_id).requester
        }

        /// Zero while nobody holds the task. Errors: JOB_UNKNOWN, NOT_A_ONE_TASK_JOB.
        fn get_job_worker(self: @ContractState, job_id: u64) -> ContractAddress {
            let job = self.one_task_job(job_id);
            self.view(@job, self.find(@job, 0)).worker
        }

        /// Per task.
        fn get_job_reward(self: @ContractState, job_id: u64) -> u256 {
            self.job(job_id).terms.reward.into()
        }

        /// The manifest's CID.
        fn get_job_asset_cid(self: @ContractState, job_id: u64) -> ByteArray {
            self.job(job_id);
            let digest = self.jobs.entry(job_id).manifest.read();
            cid::to_text(@Cid { codec: cid::RAW, digest })
        }

        /// Errors: NOT_A_ONE_TASK_JOB, INVALID_CID, and those of `submit`. Event: ResultSubmitted.
        fn submit_result(ref self: ContractState, job_id: u64, result_cid: ByteArray) {
            self.guard.check();
            let job = self.one_task_job(job_id);
            self.submit_one(@job, TaskResult { task: 0, result: cid::from_text(@result_cid) });
        }
    }

    #[generate_trait]
    impl Reading of ReadingTrait {
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

        /// Errors: REENTERED, JOB_UNKNOWN, NOT_REQUESTER, JOB_CLOSED.
        fn own_open_job(self: @ContractState, job_id: u64) -> Job {
            self.guard.check();
            let job = self.job(job_id);
            assert(get_caller_address() == job.requester, errors::NOT_REQUESTER);
            assert(!job.progress.closed, errors::JOB_CLOSED);
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
            let job = *job;
            assert(task < job.progress.task_count, errors::TASK_UNKNOWN);
            let record = self.tasks.entry((job.job_id, task)).record.read();
            let round = if record.draw_block != 0 && record.audited {
                self.audits.round(job.job_id, task, job.terms.committee_size)
            } else {
                no_round()
            };
            let status = status(@record, @round, @job.terms, job.block, job.now);
            Found { task, record, round, status }
        }

        fn worker_of(self: @ContractState, job_id: u64, task: u32) -> ContractAddress {
            self.tasks.entry((job_id, task)).worker.read()
        }

        /// Errors: NOT_YOUR_SEAT.
        fn check_seat(
            self: @ContractState, round: @Round, seat: u8, verifier: ContractAddress,
        ) {
            assert(seat.into() < (*round.seats).len(), errors::NOT_YOUR_SEAT);
            let slot = *(*round.seats)[seat.into()];
            assert(
                slot != NO_SEAT && self.bonds.owner(slot) == verifier, errors::NOT_YOUR_SEAT,
            );
        }

        /// The seed is not stored: block hashes stay readable, so it is computed again.
        fn seed(self: @ContractState, id: @RoundId, seed_block: u64) -> felt252 {
            let result = self.tasks.entry((*id.job_id, *id.task)).result.read();
            audit_seed(id, @result, get_block_hash_syscall(seed_block).unwrap_syscall())
        }

        fn view(self: @ContractState, job: @Job, found: Found) -> TaskView {
            let Found { task, record, round, status } = found;
            let job_id = *job.job_id;
            let cells = self.tasks.entry((job_id, task));
            let has_worker = record.kind == Kind::Claimed
                || record.kind == Kind::Submitted
                || record.kind == Kind::Paid;
            // Whether `status.round` is the stored round, not one still to be drawn.
            let is_drawn = record.draw_block != 0 && status.state != TaskState::Submitted
                && status.state != TaskState::Drawable;
            let mut committed = array![];
            let mut revealed = array![];
            let mut seats = array![];
            if is_drawn {
                for place in 0..round.seats.len() {
                    let vote = *round.votes[place];
                    seats.append(*round.seats[place]);
                    committed.append(is_committed(vote));
                    revealed.append(verdict_of(vote));
                }
            }
            TaskView {
                task,
                state: status.state,
                attempt: record.attempt,
                failures: record.failures,
                worker: if has_worker {
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
                audit_seed: if is_drawn {
                    self.seed(@round_id(job, @found), record.seed_block)
                } else {
                    0
                },
                outcome: status.outcome,
                seats,
                committed,
                revealed,
                window_ends_block: status.window_ends_block,
            }
        }
    }

    #[generate_trait]
    impl Moving of MovingTrait {
        fn write_progress(ref self: ContractState, job_id: u64, progress: Progress) {
            self.jobs.entry(job_id).progress.write(progress);
        }

        fn pull(ref self: ContractState, from: ContractAddress, amount: u128) {
            self.guard.enter();
            self.escrow.pull(from, amount);
            self.guard.leave();
        }

        /// Ends a claim without result. Returns the task's next record, which the caller writes,
        /// and what was forfeited.
        fn end_claim(
            ref self: ContractState, job: @Job, found: Found, worker: ContractAddress,
        ) -> (TaskRecord, u128) {
            let bond = *job.terms.worker_bond;
            let forfeited = lapse_forfeit(bond, self.bounds.lapse_share_bps.read());
            self.escrow.break_worker_bond(worker, bond, forfeited);
            (reopened(found.record, found.record.failures), forfeited)
        }

        /// Event: ClaimLapsed.
        fn lapse(ref self: ContractState, job: @Job, found: Found) -> TaskRecord {
            let job_id = *job.job_id;
            let worker = self.worker_of(job_id, found.task);
            let (record, forfeited) = self.end_claim(job, found, worker);
            self.emit(ClaimLapsed { job_id, worker, task: found.task, forfeited });
            record
        }

        /// Closes an open or lapsed task; `refund_tasks` moves the money. Events: TaskClosed,
        /// ClaimLapsed.
        fn close_task(ref self: ContractState, job: @Job, found: Found) {
            let job_id = *job.job_id;
            let record = if found.status.state == TaskState::Lapsed {
                self.lapse(job, found)
            } else {
                found.record
            };
            self
                .tasks
                .entry((job_id, found.task))
                .record
                .write(finished(record, Kind::Closed, record.failures, Outcome::Undecided));
            self
                .emit(TaskClosed { job_id, task: found.task, refund: escrow_per_task(job.terms) });
        }

        fn refund_tasks(ref self: ContractState, job: Job, count: u32) {
            let refunded = job.progress.refunded + count;
            self.write_progress(job.job_id, Progress { refunded, ..job.progress });
            self.escrow.refund(job.requester, escrow_per_task(@job.terms) * count.into());
        }

        /// Errors and event of `submit`.
        fn submit_one(ref self: ContractState, job: @Job, item: TaskResult) {
            let TaskResult { task, result } = item;
            let job_id = *job.job_id;
            cid::check(@result);
            let found = self.find(job, task);
            assert(found.status.state != TaskState::Lapsed, errors::LEASE_OVER);
            assert(found.status.state == TaskState::Claimed, errors::TASK_NOT_CLAIMED);
            let worker = get_caller_address();
            assert(self.worker_of(job_id, task) == worker, errors::NOT_CLAIMANT);
            let record = submitted(found.record, *job.block);
            let cells = self.tasks.entry((job_id, task));
            cells.record.write(record);
            cells.result.write(result);
            self
                .emit(
                    ResultSubmitted {
                        job_id,
                        worker,
                        task,
                        attempt: record.attempt,
                        result,
                        seed_block: record.seed_block,
                    },
                );
        }

        /// Draws the round that `found` waits for. Event: TaskDrawn.
        fn draw_one(ref self: ContractState, job: @Job, found: Found) {
            let job_id = *job.job_id;
            let task = found.task;
            let Status { round, seed_block, .. } = found.status;
            let terms = *job.terms;
            let seed = self.seed(@round_id(job, @found), seed_block);
            // A redraw exists because the first seed asked for an audit.
            let audited = round != 0 || is_audited(seed, terms.audit_rate_bps);
            let seats = if audited {
                let book = Book {
                    state: @self,
                    requester: *job.requester,
                    worker: self.worker_of(job_id, task),
                    claim_block: found.record.claim_block,
                    held_until: *job.block + answerable_blocks(@terms),
                    exit_blocks: self.bounds.seat_exit_blocks.read(),
                };
                committee(seed, terms.committee_size, found.record.seat_count, @book)
            } else {
                [].span()
            };
            if audited {
                self.audits.open_round(job_id, task, seats);
            }
            let record = drawn(found.record, round, seed_block, *job.block, audited);
            self.tasks.entry((job_id, task)).record.write(record);
            self
                .emit(
                    TaskDrawn {
                        job_id,
                        task,
                        attempt: record.attempt,
                        round,
                        audited,
                        audit_seed: seed,
                        seats,
                    },
                );
        }

        /// Carries out a final outcome. Events of `settle`.
        fn settle_one(ref self: ContractState, ref job: Job, found: Found) {
            let Found { task, record, round, status } = found;
            let job_id = job.job_id;
            let worker = self.worker_of(job_id, task);
            let outcome = status.outcome;
            let failed = outcome == Outcome::Rejected || outcome == Outcome::Unavailable;
            let failures = if failed {
                record.failures + 1
            } else {
                record.failures
            };
            let pays = outcome == Outcome::Accepted || outcome == Outcome::NotDrawn;
            let closes = outcome == Outcome::NoVerdict || failures == MAX_FAILURES;
            let payout = payout(@job.terms, outcome, round.votes, closes);

            let next = if pays {
                job.progress.paid += 1;
                finished(record, Kind::Paid, failures, outcome)
            } else if closes {
                job.progress.refunded += 1;
                finished(record, Kind::Closed, failures, outcome)
            } else {
                reopened(record, failures)
            };
            self.tasks.entry((job_id, task)).record.write(next);
            self.escrow.pay(worker, job.requester, @payout);
            self.pay_round(job_id, found, payout.seats.span());
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
                        paid_to_seats: total_paid(payout.seats.span()),
                        paid_to_requester: payout.requester,
                        forfeited: payout.forfeited,
                    },
                );
            if closes {
                self.emit(TaskClosed { job_id, task, refund: payout.requester });
            }
        }

        /// Credits and slashes the seats of a round. Events: SeatSlashed, SeatLeaving.
        fn pay_round(
            ref self: ContractState, job_id: u64, found: Found, shares: Span<SeatShare>,
        ) {
            for place in 0..shares.len() {
                let SeatShare { paid, slashed } = *shares[place];
                let slot = *found.round.seats[place];
                if paid != 0 {
                    self.escrow.credit(self.bonds.owner(slot), paid);
                }
                if slashed != 0 {
                    let taken = self.bonds.slash(job_id, found.task, slot, slashed);
                    self.escrow.forfeit_seat_bond(taken);
                }
            }
        }
    }

    /// The seats as one draw sees them.
    #[derive(Copy, Drop)]
    struct Book {
        state: @ContractState,
        requester: ContractAddress,
        worker: ContractAddress,
        claim_block: u64,
        held_until: u64,
        exit_blocks: u64,
    }

    impl BookImpl of SeatBook<Book> {
        fn may_sit(self: @Book, slot: u32) -> bool {
            let book = *self;
            let owner = book.state.bonds.owner(slot);
            owner != book.requester
                && owner != book.worker
                && book
                    .state
                    .bonds
                    .may_sit(slot, book.claim_block, book.held_until, book.exit_blocks)
        }
    }

    fn round_id(job: @Job, found: @Found) -> RoundId {
        RoundId {
            chain_id: get_tx_info().unbox().chain_id,
            contract: get_contract_address(),
            job_id: *job.job_id,
            task: *found.task,
            attempt: *found.record.attempt,
            round: *found.status.round,
        }
    }

    /// Nobody holds a live claim on it.
    fn is_free(state: TaskState) -> bool {
        state == TaskState::Open || state == TaskState::Lapsed
    }

    fn check_batch(size: u32) {
        assert(size != 0 && size <= MAX_BATCH, errors::BATCH_SIZE);
    }
}
