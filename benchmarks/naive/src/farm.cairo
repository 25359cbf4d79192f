//! A farm that knows frames: each is claimed, submitted, approved and paid by a transaction of its
//! own; a CID is kept as the text that IPFS prints, and every field has a cell of its own.
//!
//! Written as one would who does that with care: nothing is stored that no rule reads, small
//! integers are small, the escrow is pulled once, cells are read where they are needed and not as
//! whole records, and events do not repeat what is stored. There are no bonds, no audits and no
//! disputes: the requester's approval is all the judgement there is.

use starknet::ContractAddress;

#[starknet::interface]
pub trait IERC20<TState> {
    fn transfer(ref self: TState, recipient: ContractAddress, amount: u256) -> bool;
    fn transfer_from(
        ref self: TState, sender: ContractAddress, recipient: ContractAddress, amount: u256,
    ) -> bool;
}

#[derive(Copy, Drop, Serde, PartialEq, Default, starknet::Store)]
pub enum Status {
    #[default]
    Open,
    Claimed,
    Submitted,
    Approved,
    Paid,
}

#[derive(Drop, Serde, starknet::Store)]
pub struct Job {
    pub requester: ContractAddress,
    pub scene: ByteArray,
    pub frame_count: u32,
    pub price: u128,
    pub lease_seconds: u64,
    pub review_seconds: u64,
}

#[derive(Drop, Serde, starknet::Store)]
pub struct Frame {
    pub status: Status,
    pub worker: ContractAddress,
    pub result: ByteArray,
    pub claimed_at: u64,
    pub submitted_at: u64,
}

#[starknet::interface]
pub trait IFarm<TState> {
    /// Pulls frame_count x price from the caller; returns the new job's id.
    fn create_job(
        ref self: TState,
        scene: ByteArray,
        frame_count: u32,
        price: u128,
        lease_seconds: u64,
        review_seconds: u64,
    ) -> u64;
    /// An open frame, or one whose lease ran out without a result.
    fn claim(ref self: TState, job_id: u64, frame: u32);
    /// Only the claimant, in its lease.
    fn submit(ref self: TState, job_id: u64, frame: u32, result: ByteArray);
    /// The requester; anyone once its time for a look is over.
    fn approve(ref self: TState, job_id: u64, frame: u32);
    /// Sends the price of an approved frame to its worker. Callable by anyone.
    fn pay(ref self: TState, job_id: u64, frame: u32);
    fn get_job(self: @TState, job_id: u64) -> Job;
    fn get_frame(self: @TState, job_id: u64, frame: u32) -> Frame;
}

#[starknet::contract]
pub mod Farm {
    use core::num::traits::Zero;
    use starknet::storage::{
        Map, StoragePathEntry, StoragePointerReadAccess, StoragePointerWriteAccess,
    };
    use starknet::{
        ContractAddress, get_block_timestamp, get_caller_address, get_contract_address,
    };
    use super::{Frame, IERC20Dispatcher, IERC20DispatcherTrait, IFarm, Job, Status};

    #[storage]
    struct Storage {
        token: ContractAddress,
        job_count: u64,
        jobs: Map<u64, Job>,
        frames: Map<(u64, u32), Frame>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        JobCreated: JobCreated,
        FrameClaimed: FrameClaimed,
        FrameSubmitted: FrameSubmitted,
        FrameApproved: FrameApproved,
        FramePaid: FramePaid,
    }

    #[derive(Drop, starknet::Event)]
    struct JobCreated {
        #[key]
        job_id: u64,
        #[key]
        requester: ContractAddress,
    }

    #[derive(Drop, starknet::Event)]
    struct FrameClaimed {
        #[key]
        job_id: u64,
        #[key]
        worker: ContractAddress,
        frame: u32,
    }

    #[derive(Drop, starknet::Event)]
    struct FrameSubmitted {
        #[key]
        job_id: u64,
        frame: u32,
    }

    #[derive(Drop, starknet::Event)]
    struct FrameApproved {
        #[key]
        job_id: u64,
        frame: u32,
    }

    #[derive(Drop, starknet::Event)]
    struct FramePaid {
        #[key]
        job_id: u64,
        #[key]
        worker: ContractAddress,
        frame: u32,
    }

    #[constructor]
    fn constructor(ref self: ContractState, token: ContractAddress) {
        self.token.write(token);
    }

    #[abi(embed_v0)]
    impl FarmImpl of IFarm<ContractState> {
        fn create_job(
            ref self: ContractState,
            scene: ByteArray,
            frame_count: u32,
            price: u128,
            lease_seconds: u64,
            review_seconds: u64,
        ) -> u64 {
            assert(frame_count > 0 && price > 0, 'BAD_JOB');
            let requester = get_caller_address();
            let job_id = self.job_count.read() + 1;
            self.job_count.write(job_id);
            self
                .jobs
                .entry(job_id)
                .write(Job { requester, scene, frame_count, price, lease_seconds, review_seconds });
            self.emit(JobCreated { job_id, requester });
            let amount: u256 = price.into() * frame_count.into();
            let token = IERC20Dispatcher { contract_address: self.token.read() };
            assert(
                token.transfer_from(requester, get_contract_address(), amount), 'TOKEN_REFUSED',
            );
            job_id
        }

        fn claim(ref self: ContractState, job_id: u64, frame: u32) {
            let job = self.jobs.entry(job_id);
            assert(frame < job.frame_count.read(), 'FRAME_UNKNOWN');
            let cells = self.frames.entry((job_id, frame));
            let now = get_block_timestamp();
            let status = cells.status.read();
            if status != Status::Open {
                assert(status == Status::Claimed, 'FRAME_NOT_OPEN');
                assert(now >= cells.claimed_at.read() + job.lease_seconds.read(), 'FRAME_NOT_OPEN');
            }
            let worker = get_caller_address();
            cells.status.write(Status::Claimed);
            cells.worker.write(worker);
            cells.claimed_at.write(now);
            self.emit(FrameClaimed { job_id, worker, frame });
        }

        fn submit(ref self: ContractState, job_id: u64, frame: u32, result: ByteArray) {
            assert(result.len() != 0, 'RESULT_EMPTY');
            let cells = self.frames.entry((job_id, frame));
            assert(cells.status.read() == Status::Claimed, 'FRAME_NOT_CLAIMED');
            assert(cells.worker.read() == get_caller_address(), 'NOT_CLAIMANT');
            let now = get_block_timestamp();
            let lease_seconds = self.jobs.entry(job_id).lease_seconds.read();
            assert(now < cells.claimed_at.read() + lease_seconds, 'LEASE_OVER');
            cells.status.write(Status::Submitted);
            cells.result.write(result);
            cells.submitted_at.write(now);
            self.emit(FrameSubmitted { job_id, frame });
        }

        fn approve(ref self: ContractState, job_id: u64, frame: u32) {
            let job = self.jobs.entry(job_id);
            let cells = self.frames.entry((job_id, frame));
            assert(cells.status.read() == Status::Submitted, 'FRAME_NOT_SUBMITTED');
            if get_caller_address() != job.requester.read() {
                let looked_until = cells.submitted_at.read() + job.review_seconds.read();
                assert(get_block_timestamp() >= looked_until, 'NOT_REQUESTER');
            }
            cells.status.write(Status::Approved);
            self.emit(FrameApproved { job_id, frame });
        }

        fn pay(ref self: ContractState, job_id: u64, frame: u32) {
            let cells = self.frames.entry((job_id, frame));
            assert(cells.status.read() == Status::Approved, 'FRAME_NOT_APPROVED');
            cells.status.write(Status::Paid);
            let worker = cells.worker.read();
            self.emit(FramePaid { job_id, worker, frame });
            let price = self.jobs.entry(job_id).price.read();
            let token = IERC20Dispatcher { contract_address: self.token.read() };
            assert(token.transfer(worker, price.into()), 'TOKEN_REFUSED');
        }

        fn get_job(self: @ContractState, job_id: u64) -> Job {
            let job = self.jobs.entry(job_id).read();
            assert(job.requester.is_non_zero(), 'JOB_UNKNOWN');
            job
        }

        fn get_frame(self: @ContractState, job_id: u64, frame: u32) -> Frame {
            self.frames.entry((job_id, frame)).read()
        }
    }
}
