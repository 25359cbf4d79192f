/// The contract: its storage, its events, and for each call of `interface.cairo` where it is carried out.
///
/// `phases/` has what each call requires, refuses and reports. Order in every call: the guard, the
/// requirements, the effects, the events, and last, in three calls only, the token. Nobody owns this
/// contract and nothing in it can be changed.
#[starknet::contract]
pub mod Registry {
    use core::num::traits::Zero;
    use starknet::storage::{
        Map, StoragePointerReadAccess, StoragePointerWriteAccess,
    };
    use starknet::ContractAddress;
    use crate::components::audits::AuditsComponent;
    use crate::components::bonds::BondsComponent;
    use crate::components::escrow::EscrowComponent;
    use crate::components::guard::GuardComponent;
    use crate::events::{
        AppealRaised, ClaimGivenBack, ClaimLapsed, JobClosed, JobCreated, JobPaused, JobResumed,
        ResultSubmitted, TaskClaimed, TaskClosed, TaskDrawn, TaskSettled,
    };
    use crate::interface::IRegistry;
    use crate::packing::jobs::{ProgressPacking, TermsPacking};
    use crate::packing::tasks::{AppealPacking, CidPacking, TaskPacking};
    use crate::phases::appeals::AppealsTrait;
    use crate::phases::claims::ClaimsTrait;
    use crate::phases::jobs::JobsTrait;
    use crate::phases::money::MoneyTrait;
    use crate::phases::reading::ReadingTrait;
    use crate::phases::rounds::RoundsTrait;
    use crate::phases::settling::SettlingTrait;
    use crate::phases::views::ViewsTrait;
    use crate::state::{AppealRecord, Progress, TaskRecord};
    use crate::terms::check_bounds;
    use crate::types::{
        Appeal, Balances, Bounds, Cid, Commitment, JobView, Reveal, Seat, TaskResult, TaskView, Terms,
        Totals,
    };
    use crate::{cid, errors};

    component!(path: GuardComponent, storage: guard, event: GuardEvent);
    component!(path: EscrowComponent, storage: escrow, event: EscrowEvent);
    component!(path: BondsComponent, storage: bonds, event: BondsEvent);
    component!(path: AuditsComponent, storage: audits, event: AuditsEvent);

    impl Escrow = EscrowComponent::EscrowImpl<ContractState>;
    impl Bonds = BondsComponent::BondsImpl<ContractState>;

    #[derive(Copy, Drop, starknet::Store)]
    pub struct JobRecord {
        pub requester: ContractAddress,
        pub manifest: u256,
        pub terms: Terms,
        pub progress: Progress,
    }

    /// The worker, the result and the appeal stay in their cells when the task opens again; `record`
    /// says whether they mean anything.
    #[derive(Copy, Drop, starknet::Store)]
    pub struct TaskCells {
        pub record: TaskRecord,
        pub worker: ContractAddress,
        pub result: Cid,
        pub appeal: AppealRecord,
    }

    #[storage]
    pub struct Storage {
        #[substorage(v0)]
        pub guard: GuardComponent::Storage,
        #[substorage(v0)]
        pub escrow: EscrowComponent::Storage,
        #[substorage(v0)]
        pub bonds: BondsComponent::Storage,
        #[substorage(v0)]
        pub audits: AuditsComponent::Storage,
        pub bounds: Bounds,
        pub job_count: u64,
        pub jobs: Map<u64, JobRecord>,
        pub tasks: Map<(u64, u32), TaskCells>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {
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
        AppealRaised: AppealRaised,
        TaskSettled: TaskSettled,
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
        // --- requester: phases/jobs.cairo ---

        fn create_job(
            ref self: ContractState, manifest: u256, task_count: u32, terms: Terms,
        ) -> u64 {
            self.do_create_job(manifest, task_count, terms)
        }

        fn pause_job(ref self: ContractState, job_id: u64) {
            self.do_pause_job(job_id)
        }

        fn resume_job(ref self: ContractState, job_id: u64) {
            self.do_resume_job(job_id)
        }

        fn close_job(ref self: ContractState, job_id: u64) {
            self.do_close_job(job_id)
        }

        fn close_tasks(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
            self.do_close_tasks(job_id, tasks)
        }

        // --- worker: phases/claims.cairo ---

        fn claim(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
            self.do_claim(job_id, tasks)
        }

        fn give_back(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
            self.do_give_back(job_id, tasks)
        }

        fn submit(ref self: ContractState, job_id: u64, results: Span<TaskResult>) {
            self.do_submit(job_id, results)
        }

        // --- worker or requester: phases/appeals.cairo ---

        fn appeal(ref self: ContractState, job_id: u64, appeals: Span<Appeal>) {
            self.do_appeal(job_id, appeals)
        }

        // --- anyone: phases/rounds.cairo, phases/settling.cairo, phases/claims.cairo ---

        fn draw(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
            self.do_draw(job_id, tasks)
        }

        fn settle(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
            self.do_settle(job_id, tasks)
        }

        fn release(ref self: ContractState, job_id: u64, tasks: Span<u32>) {
            self.do_release(job_id, tasks)
        }

        // --- verifier: phases/money.cairo, phases/rounds.cairo ---

        fn take_seat(ref self: ContractState) -> u32 {
            self.do_take_seat()
        }

        fn leave_seat(ref self: ContractState, slot: u32) {
            self.do_leave_seat(slot)
        }

        fn collect_seat(ref self: ContractState, slot: u32) {
            self.do_collect_seat(slot)
        }

        fn commit(ref self: ContractState, job_id: u64, commitments: Span<Commitment>) {
            self.do_commit(job_id, commitments)
        }

        fn reveal(ref self: ContractState, job_id: u64, reveals: Span<Reveal>) {
            self.do_reveal(job_id, reveals)
        }

        // --- money: phases/money.cairo ---

        fn deposit(ref self: ContractState, amount: u128) {
            self.do_deposit(amount)
        }

        fn withdraw(ref self: ContractState, amount: u128) {
            self.do_withdraw(amount)
        }

        // --- views ---

        fn get_job(self: @ContractState, job_id: u64) -> JobView {
            self.job_view(job_id)
        }

        fn get_job_count(self: @ContractState) -> u64 {
            self.job_count.read()
        }

        fn get_task(self: @ContractState, job_id: u64, task: u32) -> TaskView {
            let job = self.job(job_id);
            self.task_view(@job, task)
        }

        fn get_tasks(self: @ContractState, job_id: u64, from: u32, count: u32) -> Array<TaskView> {
            self.task_views(job_id, from, count)
        }

        fn get_balances(self: @ContractState, account: ContractAddress) -> Balances {
            self.balances(account)
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
            self.task_view(@job, 0).worker
        }

        /// Per task.
        fn get_job_reward(self: @ContractState, job_id: u64) -> u256 {
            self.job(job_id).terms.reward.into()
        }

        /// The manifest's CID.
        fn get_job_asset_cid(self: @ContractState, job_id: u64) -> ByteArray {
            let digest = self.job_view(job_id).manifest;
            cid::to_text(@Cid { codec: cid::RAW, digest })
        }

        fn submit_result(ref self: ContractState, job_id: u64, result_cid: ByteArray) {
            self.do_submit_result(job_id, result_cid)
        }
    }
}
