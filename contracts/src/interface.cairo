//! What the ledger promises. Names are the glossary's; Python spells them alike.
//! `docs/protocol.md` explains the life of a task; every error name is in `errors.cairo`.

use starknet::ContractAddress;
use super::types::{
    Appeal, Balances, Bounds, Commitment, JobView, Reveal, Seat, TaskResult, TaskView, Terms, Totals,
};

#[starknet::interface]
pub trait IRegistry<TState> {
    // --- requester ---
    /// Escrows task_count x (reward + committee_size x audit_fee), pulled from the caller's wallet
    /// by transfer_from. Returns the new job's id (1, 2, ...). `manifest` is the SHA-256 of the
    /// manifest's one raw block.
    fn create_job(ref self: TState, manifest: u256, task_count: u32, terms: Terms) -> u64;
    /// Stops new claims; work under way is untouched.
    fn pause_job(ref self: TState, job_id: u64);
    fn resume_job(ref self: TState, job_id: u64);
    /// No claim is accepted from now on; every open task, and every lapsed one, is closed and its
    /// escrow credited to the requester. Submitted tasks run to their end. At most
    /// MAX_BATCH tasks are swept per call: call again (or `close_tasks`) until none is left.
    fn close_job(ref self: TState, job_id: u64);
    /// Closes and refunds these open or lapsed tasks of a closed job, or of one past its deadline.
    /// Callable by anyone.
    fn close_tasks(ref self: TState, job_id: u64, tasks: Span<u32>);

    // --- worker ---
    /// Locks worker_bond per task from the caller's withdrawable balance and starts a lease.
    /// Claiming over a lapsed claim settles the old one in the same call.
    fn claim(ref self: TState, job_id: u64, tasks: Span<u32>);
    /// Ends the caller's own claims early; each forfeits the lapse share of its bond.
    fn give_back(ref self: TState, job_id: u64, tasks: Span<u32>);
    /// Only the claimant, in its lease, once per claim, irrevocably.
    fn submit(ref self: TState, job_id: u64, results: Span<TaskResult>);

    // --- worker or requester ---
    /// Locks (2n + 1) x audit_fee per appeal from the caller's withdrawable balance and calls a
    /// committee of 2n + 1, which shares no owner with the first, on one question. For the worker
    /// against a reject or unavailable, for the requester against an accept or a task not drawn,
    /// once, while the provisional verdict's window runs. What that committee's majority says is
    /// final; without one the provisional verdict stands.
    fn appeal(ref self: TState, job_id: u64, appeals: Span<Appeal>);

    // --- anyone ---
    /// Fixes the audit of each submitted task once its seed block can be read: not drawn, or
    /// drawn with a committee; also starts the next round after a round without majority, and the
    /// round of an appeal.
    /// Reverts (SEED_TOO_YOUNG) before that, never "not drawn".
    fn draw(ref self: TState, job_id: u64, tasks: Span<u32>);
    /// Carries out the final outcome of each task: pays, slashes, reopens, releases or closes.
    fn settle(ref self: TState, job_id: u64, tasks: Span<u32>);
    /// Releases lapsed claims.
    fn release(ref self: TState, job_id: u64, tasks: Span<u32>);

    // --- verifier ---
    /// Turns seat_bond of the caller's withdrawable balance into a seat; returns its slot, one that
    /// was freed if there is any.
    fn take_seat(ref self: TState) -> u32;
    /// Starts the exit: the seat is not drawn for later claims.
    fn leave_seat(ref self: TState, slot: u32);
    /// After the exit delay, credits what is left of the bond and frees the slot.
    fn collect_seat(ref self: TState, slot: u32);
    fn commit(ref self: TState, job_id: u64, commitments: Span<Commitment>);
    fn reveal(ref self: TState, job_id: u64, reveals: Span<Reveal>);

    // --- money ---
    /// Moves tokens from the caller's wallet (transfer_from) to its withdrawable balance.
    fn deposit(ref self: TState, amount: u128);
    /// Moves tokens from the caller's withdrawable balance to its wallet.
    fn withdraw(ref self: TState, amount: u128);

    // --- views ---
    fn get_job(self: @TState, job_id: u64) -> JobView;
    fn get_job_count(self: @TState) -> u64;
    fn get_task(self: @TState, job_id: u64, task: u32) -> TaskView;
    /// Tasks from..from+count, cut at the job's end; count at most MAX_BATCH.
    fn get_tasks(self: @TState, job_id: u64, from: u32, count: u32) -> Array<TaskView>;
    fn get_balances(self: @TState, account: ContractAddress) -> Balances;
    fn get_seat(self: @TState, slot: u32) -> Seat;
    fn get_seat_count(self: @TState) -> u32;
    fn get_active_seat_count(self: @TState) -> u32;
    /// The slots that the account holds now.
    fn get_seats_of(self: @TState, account: ContractAddress) -> Array<u32>;
    fn get_totals(self: @TState) -> Totals;
    fn get_bounds(self: @TState) -> Bounds;
    fn get_token(self: @TState) -> ContractAddress;

    // --- views and calls for VeriFrame-style workers (one-task jobs) ---
    fn get_job_creator(self: @TState, job_id: u64) -> ContractAddress;
    fn get_job_worker(self: @TState, job_id: u64) -> ContractAddress;
    fn get_job_reward(self: @TState, job_id: u64) -> u256;
    fn get_job_asset_cid(self: @TState, job_id: u64) -> ByteArray;
    fn submit_result(ref self: TState, job_id: u64, result_cid: ByteArray);
}
