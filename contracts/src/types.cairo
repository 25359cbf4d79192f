//! The records of the ledger, as calls and views carry them. What state a task is in: `state.cairo`.

use starknet::ContractAddress;

/// A CIDv1 with SHA-256: codec 0x55 (raw) or 0x70 (dag-pb), digest big-endian.
#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub struct Cid {
    pub codec: u8,
    pub digest: u256,
}

#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub struct Terms {
    /// R, per task, in fri.
    pub reward: u128,
    /// f, per task and seat, in fri.
    pub audit_fee: u128,
    /// B, locked per claim, in fri.
    pub worker_bond: u128,
    /// n: 1, 3, 5 or 7.
    pub committee_size: u8,
    /// q in 1/10000: 10000 audits everything.
    pub audit_rate_bps: u16,
    pub lease_seconds: u32,
    pub commit_blocks: u32,
    pub reveal_blocks: u32,
    pub appeal_blocks: u32,
    /// Unix seconds; no lease may end later.
    pub deadline: u64,
    pub lane: Lane,
}

/// What a reject rests on. In the hash lane, where likeness is judged, it withholds the pay and
/// slashes nobody.
#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub enum Lane {
    Exact,
    Hash,
}

/// Fixed at deployment; create_job refuses terms outside.
#[derive(Copy, Drop, Serde, PartialEq, Debug, starknet::Store)]
pub struct Bounds {
    pub max_tasks: u32,
    pub max_committee_size: u8,
    pub min_audit_rate_bps: u16,
    pub min_lease_seconds: u32,
    pub max_lease_seconds: u32,
    /// Each of the commit, reveal and appeal windows lies within min..max blocks.
    pub min_window_blocks: u32,
    pub max_window_blocks: u32,
    pub max_deadline_seconds: u64,
    pub seat_bond: u128,
    /// Longer than the longest audit; checked in the constructor.
    pub seat_exit_blocks: u64,
    /// Share of B forfeited by a lapse or give-back, in 1/10000.
    pub lapse_share_bps: u16,
}

#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub struct TaskResult {
    pub task: u32,
    pub result: Cid,
}

/// A seat's sealed verdict. `seat` is the index in the drawn committee, from 0 on; `attempt` and
/// `round` say for which committee, so that what is sent late is refused, not taken for another's.
#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub struct Commitment {
    pub task: u32,
    pub attempt: u32,
    pub round: u8,
    pub seat: u8,
    pub commitment: felt252,
}

#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub enum Verdict {
    Accept,
    Reject,
    Inconclusive,
    Unavailable,
}

/// Why a verdict rejects. `Reveal.index` is the index in the sample-tile list for Tile and the
/// position among the task's frames for the others; 0 with None.
#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub enum Ground {
    None,
    Tile,
    Missing,
    Undecodable,
    WrongFormat,
}

#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub struct Reveal {
    pub task: u32,
    pub seat: u8,
    pub verdict: Verdict,
    pub ground: Ground,
    pub index: u32,
    pub evidence: Cid,
    pub salt: felt252,
}

/// What an appeal asks its committee.
#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub enum Question {
    /// The tile with index `tile` in the sample-tile list of the round appealed against.
    ListedTile,
    /// Tile number `tile`, row by row in the sample grid, of the picture at `position`.
    NamedTile,
    /// The picture at `position`: is it there, and as the manifest says?
    Picture,
    /// A full audit on a fresh list from the appeal's own seed.
    Whole,
}

/// A demand for a larger committee. `position` counts the task's frames from 0; fields that the
/// question does not use are 0.
#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub struct Appeal {
    pub task: u32,
    pub question: Question,
    pub position: u32,
    pub tile: u32,
}

/// What an appeal came to for who raised it. Undecided: its committee had no majority, so the
/// provisional verdict stands and the appeal bond returns.
#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub enum AppealOutcome {
    None,
    Won,
    Lost,
    Undecided,
}

/// Computed from stored blocks, times and votes; never stored.
#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub enum TaskState {
    /// May be claimed (unless the job is paused, closed or past its deadline).
    Open,
    Claimed,
    /// The lease ended without a submission; may be claimed over, released or closed.
    Lapsed,
    /// Submitted; the seed block cannot be read yet.
    Submitted,
    /// The seed can be read: draw may be called.
    Drawable,
    Committing,
    Revealing,
    /// Provisional verdict (or not drawn); the appeal window runs.
    Provisional,
    /// An appeal was raised; its seed block cannot be read yet. Afterwards its round is drawable,
    /// committing and revealing like any other.
    Appealed,
    /// settle may be called.
    Settleable,
    Paid,
    /// Refunded for good: closed by the requester, after three rejects, or without verdict.
    Closed,
}

/// What the deciding round, or the lack of one, came to, and after an appeal, what is final.
#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub enum Outcome {
    Undecided,
    NotDrawn,
    Accepted,
    Rejected,
    Unavailable,
    NoVerdict,
}

#[derive(Drop, Serde, PartialEq, Debug)]
pub struct TaskView {
    pub task: u32,
    pub state: TaskState,
    /// 0 for the first claim; grows with every reject, release, lapse or give-back.
    pub attempt: u32,
    /// Rejected or released so far; the third closes the task.
    pub failures: u8,
    pub worker: ContractAddress,
    pub claim_block: u64,
    pub lease_until: u64,
    pub result: Cid,
    pub submit_block: u64,
    /// 0, 1 or 2: the round that runs or has decided; in Submitted and Drawable the one to be
    /// drawn next. 3 from the moment an appeal is raised; what follows is the appeal's then.
    pub round: u8,
    /// The block whose hash seeds the draw of `round`; 0 before a submission.
    pub seed_block: u64,
    pub audit_seed: felt252,
    /// The provisional outcome until Settleable, then the final one.
    pub outcome: Outcome,
    /// What the rejects of the deciding round's majority name, appealed or not; None and 0 where its
    /// majority did not reject.
    pub ground: Ground,
    pub index: u32,
    /// Slots drawn for `round`; NO_SEAT (0xFFFFFFFF) stands for an empty one.
    pub seats: Array<u32>,
    pub committed: Array<bool>,
    pub revealed: Array<Option<Verdict>>,
    /// The block in which the current window ends (exclusive); 0 when none runs.
    pub window_ends_block: u64,
    /// Of the current attempt.
    pub appeal: Option<AppealView>,
}

/// An appeal, and the round that it was raised against.
#[derive(Drop, Serde, PartialEq, Debug)]
pub struct AppealView {
    pub appellant: ContractAddress,
    pub against: Outcome,
    pub question: Question,
    pub position: u32,
    pub tile: u32,
    pub raised_block: u64,
    pub first_round: u8,
    /// 0 when the task was not drawn.
    pub first_seed: felt252,
    pub first_seats: Array<u32>,
    pub first_verdicts: Array<Option<Verdict>>,
}

#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub struct JobView {
    pub job_id: u64,
    pub requester: ContractAddress,
    pub manifest: u256,
    pub task_count: u32,
    pub terms: Terms,
    pub created_block: u64,
    pub paused: bool,
    pub closed: bool,
    pub paid: u32,
    pub refunded: u32,
}

#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub struct Seat {
    pub owner: ContractAddress,
    pub bond: u128,
    pub since_block: u64,
    /// 0 while active.
    pub leaving_block: u64,
    /// The slot is free: the next seat may take it. Until then `owner` is who had it last.
    pub collected: bool,
}

#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub struct Balances {
    pub withdrawable: u128,
    /// Locked in live claims.
    pub worker_bonds: u128,
    /// Locked in appeals.
    pub appeal_bonds: u128,
    /// Locked in seats.
    pub seat_bonds: u128,
}

/// escrow + bonds + withdrawable + forfeited = the contract's token balance, always.
#[derive(Copy, Drop, Serde, PartialEq, Debug)]
pub struct Totals {
    pub escrow: u128,
    pub bonds: u128,
    pub withdrawable: u128,
    pub forfeited: u128,
}
