//! Every reason for which a call is refused. The text is what a transaction's revert reason shows.

// Jobs and terms.
pub const JOB_UNKNOWN: felt252 = 'JOB_UNKNOWN';
pub const TASK_UNKNOWN: felt252 = 'TASK_UNKNOWN';
/// A call names 1..MAX_BATCH tasks.
pub const BATCH_SIZE: felt252 = 'BATCH_SIZE';
pub const NOT_REQUESTER: felt252 = 'NOT_REQUESTER';
pub const JOB_PAUSED: felt252 = 'JOB_PAUSED';
pub const JOB_NOT_PAUSED: felt252 = 'JOB_NOT_PAUSED';
pub const JOB_CLOSED: felt252 = 'JOB_CLOSED';
/// Only tasks of a closed job, or of one past its deadline, can be closed.
pub const JOB_STILL_OPEN: felt252 = 'JOB_STILL_OPEN';
pub const MANIFEST_ZERO: felt252 = 'MANIFEST_ZERO';
pub const TASK_COUNT: felt252 = 'TASK_COUNT';
pub const REWARD_ZERO: felt252 = 'REWARD_ZERO';
/// A reward, fee or bond of 2^96 fri or more.
pub const AMOUNT_TOO_LARGE: felt252 = 'AMOUNT_TOO_LARGE';
pub const COMMITTEE_SIZE: felt252 = 'COMMITTEE_SIZE';
/// Below 1/65,536 of the seat bond.
pub const AUDIT_FEE_TOO_LOW: felt252 = 'AUDIT_FEE_TOO_LOW';
/// Above 1/64 of the seat bond.
pub const AUDIT_FEE_TOO_HIGH: felt252 = 'AUDIT_FEE_TOO_HIGH';
/// Below max(R x (1/q - 1), (3n + 1) x f).
pub const WORKER_BOND_TOO_LOW: felt252 = 'WORKER_BOND_TOO_LOW';
pub const AUDIT_RATE: felt252 = 'AUDIT_RATE';
pub const LEASE: felt252 = 'LEASE';
pub const WINDOW: felt252 = 'WINDOW';
/// Too far away, or too near for one lease.
pub const DEADLINE: felt252 = 'DEADLINE';

// Deployment.
pub const TOKEN_ZERO: felt252 = 'TOKEN_ZERO';
pub const BAD_BOUNDS: felt252 = 'BAD_BOUNDS';
/// The exit of a seat must outlast the longest audit.
pub const EXIT_TOO_SHORT: felt252 = 'EXIT_TOO_SHORT';

// Claims and submissions.
pub const TASK_NOT_OPEN: felt252 = 'TASK_NOT_OPEN';
pub const TASK_NOT_CLAIMED: felt252 = 'TASK_NOT_CLAIMED';
pub const TASK_NOT_LAPSED: felt252 = 'TASK_NOT_LAPSED';
pub const NOT_CLAIMANT: felt252 = 'NOT_CLAIMANT';
pub const LEASE_OVER: felt252 = 'LEASE_OVER';
/// No room for another lease before the deadline.
pub const DEADLINE_TOO_NEAR: felt252 = 'DEADLINE_TOO_NEAR';
/// Fewer than 3n + 1 active seats: what a committee and the one of an appeal, which shares nobody
/// with it, need. The requester's and the claimant's, and those of the same block, do not count.
pub const TOO_FEW_SEATS: felt252 = 'TOO_FEW_SEATS';
pub const INVALID_CID: felt252 = 'INVALID_CID';
/// The VeriFrame calls serve jobs of one task only.
pub const NOT_A_ONE_TASK_JOB: felt252 = 'NOT_A_ONE_TASK_JOB';

// Audits.
/// The hash of the seed block cannot be read yet: call again later.
pub const SEED_TOO_YOUNG: felt252 = 'SEED_TOO_YOUNG';
pub const TASK_NOT_DRAWABLE: felt252 = 'TASK_NOT_DRAWABLE';
/// The commitment is for another attempt, or another round, than the one that is committing.
pub const WRONG_ROUND: felt252 = 'WRONG_ROUND';
pub const NOT_COMMITTING: felt252 = 'NOT_COMMITTING';
pub const NOT_REVEALING: felt252 = 'NOT_REVEALING';
pub const NOT_YOUR_SEAT: felt252 = 'NOT_YOUR_SEAT';
pub const ALREADY_COMMITTED: felt252 = 'ALREADY_COMMITTED';
pub const NOT_COMMITTED: felt252 = 'NOT_COMMITTED';
pub const ALREADY_REVEALED: felt252 = 'ALREADY_REVEALED';
pub const COMMITMENT_MISMATCH: felt252 = 'COMMITMENT_MISMATCH';
/// A reject names a ground, any other verdict names none and index 0.
pub const BAD_GROUND: felt252 = 'BAD_GROUND';
pub const TASK_NOT_SETTLEABLE: felt252 = 'TASK_NOT_SETTLEABLE';

// Appeals.
/// There is no provisional verdict: not yet, not any more, or it has been appealed.
pub const NOT_PROVISIONAL: felt252 = 'NOT_PROVISIONAL';
/// Only whom the provisional verdict hurts appeals: the worker a reject or unavailable, the requester
/// an accept or a task that was not drawn. Nobody appeals a missing verdict.
pub const NOT_APPELLANT: felt252 = 'NOT_APPELLANT';
/// The question does not fit the verdict, or not what its rejects name.
pub const BAD_QUESTION: felt252 = 'BAD_QUESTION';

// Seats.
pub const SEAT_UNKNOWN: felt252 = 'SEAT_UNKNOWN';
pub const NOT_SEAT_OWNER: felt252 = 'NOT_SEAT_OWNER';
pub const SEAT_LEAVING: felt252 = 'SEAT_LEAVING';
pub const SEAT_NOT_LEAVING: felt252 = 'SEAT_NOT_LEAVING';
pub const SEAT_EXIT_RUNNING: felt252 = 'SEAT_EXIT_RUNNING';
pub const SEAT_COLLECTED: felt252 = 'SEAT_COLLECTED';

// Money.
pub const AMOUNT_ZERO: felt252 = 'AMOUNT_ZERO';
pub const BALANCE_TOO_LOW: felt252 = 'BALANCE_TOO_LOW';
/// The contract holds less than 2^122 in all.
pub const HOLDS_TOO_MUCH: felt252 = 'HOLDS_TOO_MUCH';
pub const TOKEN_REFUSED: felt252 = 'TOKEN_REFUSED';
/// The token said yes and moved another amount.
pub const TOKEN_MISCOUNTED: felt252 = 'TOKEN_MISCOUNTED';
pub const REENTERED: felt252 = 'REENTERED';
