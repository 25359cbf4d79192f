//! What an indexer needs to rebuild the ledger. Keys, after the event's name: the job, then the
//! account it concerns. Sums are in fri.
//!
//! The data felts follow the order of the fields that are no keys. A u256 is (low, high), a Cid is
//! (codec, digest low, digest high), an enum without data is its variant's index, a span its
//! length and then its items.

use starknet::ContractAddress;
use super::types::{AppealOutcome, Cid, Ground, Outcome, Question, Terms, Verdict};

// --- jobs and tasks (phases/) ---

#[derive(Drop, starknet::Event)]
pub struct JobCreated {
    #[key]
    pub job_id: u64,
    #[key]
    pub requester: ContractAddress,
    pub manifest: u256,
    pub task_count: u32,
    pub terms: Terms,
}

#[derive(Drop, starknet::Event)]
pub struct JobPaused {
    #[key]
    pub job_id: u64,
}

#[derive(Drop, starknet::Event)]
pub struct JobResumed {
    #[key]
    pub job_id: u64,
}

/// No claim is accepted from now on; a TaskClosed follows for each task that was swept.
#[derive(Drop, starknet::Event)]
pub struct JobClosed {
    #[key]
    pub job_id: u64,
}

/// The task will never be claimed again; `refund` was credited to the requester.
#[derive(Drop, starknet::Event)]
pub struct TaskClosed {
    #[key]
    pub job_id: u64,
    pub task: u32,
    pub refund: u128,
}

#[derive(Drop, starknet::Event)]
pub struct TaskClaimed {
    #[key]
    pub job_id: u64,
    #[key]
    pub worker: ContractAddress,
    pub task: u32,
    pub attempt: u32,
    /// Unix seconds, exclusive.
    pub lease_until: u64,
    /// Slots there are at the claim: what the draw of this attempt picks from.
    pub seat_count: u32,
}

#[derive(Drop, starknet::Event)]
pub struct ClaimLapsed {
    #[key]
    pub job_id: u64,
    #[key]
    pub worker: ContractAddress,
    pub task: u32,
    pub forfeited: u128,
}

#[derive(Drop, starknet::Event)]
pub struct ClaimGivenBack {
    #[key]
    pub job_id: u64,
    #[key]
    pub worker: ContractAddress,
    pub task: u32,
    pub forfeited: u128,
}

#[derive(Drop, starknet::Event)]
pub struct ResultSubmitted {
    #[key]
    pub job_id: u64,
    #[key]
    pub worker: ContractAddress,
    pub task: u32,
    pub attempt: u32,
    pub result: Cid,
    /// The block whose hash seeds the draw; readable by the contract 10 blocks later.
    pub seed_block: u64,
}

/// Not drawn: `audited` is false and `seats` empty. Round 3 is an appeal's.
#[derive(Drop, starknet::Event)]
pub struct TaskDrawn {
    #[key]
    pub job_id: u64,
    pub task: u32,
    pub attempt: u32,
    pub round: u8,
    pub audited: bool,
    pub audit_seed: felt252,
    /// Slots in committee order; NO_SEAT (0xFFFFFFFF) for an empty place.
    pub seats: Span<u32>,
}

#[derive(Drop, starknet::Event)]
pub struct AppealRaised {
    #[key]
    pub job_id: u64,
    #[key]
    pub appellant: ContractAddress,
    pub task: u32,
    pub attempt: u32,
    /// The provisional outcome.
    pub against: Outcome,
    pub question: Question,
    pub position: u32,
    pub tile: u32,
    /// Locked until the task is settled.
    pub bond: u128,
    /// The block whose hash seeds the draw of the appeal's committee.
    pub seed_block: u64,
}

/// The final outcome was carried out. Rejected and Unavailable: the bond is gone and the task is
/// open again, unless a TaskClosed follows.
#[derive(Drop, starknet::Event)]
pub struct TaskSettled {
    #[key]
    pub job_id: u64,
    #[key]
    pub worker: ContractAddress,
    pub task: u32,
    pub attempt: u32,
    pub outcome: Outcome,
    /// The reward, without what returned of the bond.
    pub paid_to_worker: u128,
    /// The agreeing seats' fees together, the appeal's included.
    pub paid_to_seats: u128,
    /// Unused audit fees, or what a task without verdict refunds.
    pub paid_to_requester: u128,
    /// From escrow, worker bond and appeal bond; slashes of seats have events of their own.
    pub forfeited: u128,
    pub appeal: AppealOutcome,
    /// What came back of the appeal bond.
    pub returned_to_appellant: u128,
}

// --- rounds (components/audits.cairo) ---

#[derive(Drop, starknet::Event)]
pub struct VerdictCommitted {
    #[key]
    pub job_id: u64,
    #[key]
    pub verifier: ContractAddress,
    pub task: u32,
    pub attempt: u32,
    pub round: u8,
    /// Index in the committee.
    pub seat: u8,
}

#[derive(Drop, starknet::Event)]
pub struct VerdictRevealed {
    #[key]
    pub job_id: u64,
    #[key]
    pub verifier: ContractAddress,
    pub task: u32,
    pub attempt: u32,
    pub round: u8,
    /// Index in the committee.
    pub seat: u8,
    pub verdict: Verdict,
    pub ground: Ground,
    pub index: u32,
    pub evidence: Cid,
}

// --- seats (components/bonds.cairo) ---

#[derive(Drop, starknet::Event)]
pub struct SeatTaken {
    #[key]
    pub owner: ContractAddress,
    pub slot: u32,
}

/// From this block on the seat is not drawn for later claims: its owner leaves, or a slash has
/// brought its bond below the minimum.
#[derive(Drop, starknet::Event)]
pub struct SeatLeaving {
    #[key]
    pub owner: ContractAddress,
    pub slot: u32,
}

#[derive(Drop, starknet::Event)]
pub struct SeatCollected {
    #[key]
    pub owner: ContractAddress,
    pub slot: u32,
    pub amount: u128,
}

#[derive(Drop, starknet::Event)]
pub struct SeatSlashed {
    #[key]
    pub job_id: u64,
    #[key]
    pub verifier: ContractAddress,
    pub task: u32,
    pub slot: u32,
    pub amount: u128,
}

// --- money (components/escrow.cairo) ---

#[derive(Drop, starknet::Event)]
pub struct Deposited {
    #[key]
    pub account: ContractAddress,
    pub amount: u128,
}

#[derive(Drop, starknet::Event)]
pub struct Withdrawn {
    #[key]
    pub account: ContractAddress,
    pub amount: u128,
}
