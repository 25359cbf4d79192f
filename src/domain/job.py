"""The ledger's records as Python sees them; spelled as in ``contracts/src/types.cairo``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from .cid import Cid
from .money import ZERO, Fri

NO_SEAT = 0xFFFF_FFFF
"""Stands in a committee for a place that no seat was found for."""
APPEAL_ROUND = 3
"""The round of an appeal; rounds before it are 0, 1 and 2."""


@dataclass(frozen=True, order=True, slots=True)
class Address:
    """A Starknet account or contract: a felt, written as 0x and 64 hex digits."""

    felt: int

    def __post_init__(self) -> None:
        if not 0 <= self.felt < 2**251:
            raise ValueError(f"not a Starknet address: {self.felt!r}")

    def __str__(self) -> str:
        return f"0x{self.felt:064x}"

    def short(self) -> str:
        """First and last digits, for tables."""
        text = str(self)
        return f"{text[:6]}…{text[-4:]}"


class Verdict(Enum):
    """A seat's judgement; values are the Cairo enum's variant names."""

    ACCEPT = "Accept"
    REJECT = "Reject"
    INCONCLUSIVE = "Inconclusive"
    UNAVAILABLE = "Unavailable"


class Ground(Enum):
    """Why a verdict rejects."""

    NONE = "None"
    TILE = "Tile"
    MISSING = "Missing"
    UNDECODABLE = "Undecodable"
    WRONG_FORMAT = "WrongFormat"


class Lane(Enum):
    """What a reject rests on: pixels equal to the last bit, or likeness by perceptual hashes,
    which withholds pay and slashes nobody."""

    EXACT = "Exact"
    HASH = "Hash"


class Question(Enum):
    """What an appeal asks its committee.

    ``LISTED_TILE``: one tile of the appealed round's own list. ``NAMED_TILE``: any one tile of
    the task. ``PICTURE``: whether a picture is there and as the manifest says. ``WHOLE``: a full
    audit on a fresh list.
    """

    LISTED_TILE = "ListedTile"
    NAMED_TILE = "NamedTile"
    PICTURE = "Picture"
    WHOLE = "Whole"


class AppealOutcome(Enum):
    """What an appeal came to for who raised it. ``UNDECIDED``: its committee had no majority, the
    provisional verdict stands and the appeal bond returns."""

    NONE = "None"
    WON = "Won"
    LOST = "Lost"
    UNDECIDED = "Undecided"


class TaskState(Enum):
    """Computed by the contract from stored blocks, times and votes."""

    OPEN = "Open"
    CLAIMED = "Claimed"
    LAPSED = "Lapsed"
    SUBMITTED = "Submitted"
    DRAWABLE = "Drawable"
    COMMITTING = "Committing"
    REVEALING = "Revealing"
    PROVISIONAL = "Provisional"
    APPEALED = "Appealed"
    SETTLEABLE = "Settleable"
    PAID = "Paid"
    CLOSED = "Closed"

    @property
    def is_final(self) -> bool:
        return self in (TaskState.PAID, TaskState.CLOSED)


class Outcome(Enum):
    """What the deciding round, or the lack of one, came to."""

    UNDECIDED = "Undecided"
    NOT_DRAWN = "NotDrawn"
    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    UNAVAILABLE = "Unavailable"
    NO_VERDICT = "NoVerdict"

    @property
    def pays_worker(self) -> bool:
        """The result stands: the worker is paid, and the requester may appeal while it is provisional."""
        return self in (Outcome.ACCEPTED, Outcome.NOT_DRAWN)

    @property
    def hurts_worker(self) -> bool:
        """The result falls: the attempt has failed, and the worker may appeal while it is provisional."""
        return self in (Outcome.REJECTED, Outcome.UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a requester offers per task, and how it is audited."""

    reward: Fri
    audit_fee: Fri
    worker_bond: Fri
    committee_size: int
    audit_rate_bps: int
    lease_seconds: int
    commit_blocks: int
    reveal_blocks: int
    appeal_blocks: int
    deadline: int  # Unix seconds
    lane: Lane = Lane.EXACT

    @property
    def appeal_bond(self) -> Fri:
        """(2n + 1) x f: what raising an appeal locks."""
        return self.audit_fee * (2 * self.committee_size + 1)

    @property
    def least_seats(self) -> int:
        """3n + 1: the active seats of others without which no task is claimed, enough for a
        committee and the larger one of an appeal."""
        return 3 * self.committee_size + 1

    def escrow(self, task_count: int) -> Fri:
        """tasks x (R + n x f): what ``create_job`` pulls."""
        return (self.reward + self.audit_fee * self.committee_size) * task_count


@dataclass(frozen=True, slots=True)
class Bounds:
    """Fixed at deployment; ``create_job`` refuses terms outside them."""

    max_tasks: int
    max_committee_size: int
    min_audit_rate_bps: int
    min_lease_seconds: int
    max_lease_seconds: int
    min_window_blocks: int
    max_window_blocks: int
    max_deadline_seconds: int
    seat_bond: Fri
    seat_exit_blocks: int
    lapse_share_bps: int


@dataclass(frozen=True, slots=True)
class Job:
    job_id: int
    requester: Address
    manifest: Cid
    task_count: int
    terms: Terms
    created_block: int
    paused: bool
    closed: bool
    paid: int
    refunded: int


@dataclass(frozen=True, slots=True)
class TaskAppeal:
    """The appeal of a task's current attempt, and the round that it was raised against.

    ``tile`` is an index in that round's list for LISTED_TILE and a tile number of the picture at
    ``position`` among the task's frames for NAMED_TILE. ``first_seed`` is None where the task had
    not been drawn.
    """

    appellant: Address
    against: Outcome
    question: Question
    position: int
    tile: int
    raised_block: int
    first_round: int
    first_seed: int | None
    first_seats: tuple[int, ...]
    first_verdicts: tuple[Verdict | None, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """One task as the ledger computes it at the moment of reading."""

    job_id: int
    task: int
    state: TaskState
    attempt: int
    failures: int
    worker: Address | None
    claim_block: int
    lease_until: int
    result: Cid | None
    submit_block: int
    round: int
    seed_block: int
    audit_seed: int | None
    outcome: Outcome
    ground: Ground = field(default=Ground.NONE, kw_only=True)
    index: int = field(default=0, kw_only=True)
    """What the majority's reject names; NONE and 0 otherwise."""
    seats: tuple[int, ...]
    committed: tuple[bool, ...]
    revealed: tuple[Verdict | None, ...]
    window_ends_block: int
    appeal: TaskAppeal | None = None


@dataclass(frozen=True, slots=True)
class Seat:
    slot: int
    owner: Address
    bond: Fri
    since_block: int
    leaving_block: int | None
    collected: bool


@dataclass(frozen=True, slots=True)
class Balances:
    """Everything the ledger and the token hold for one account."""

    wallet: Fri
    withdrawable: Fri
    worker_bonds: Fri
    seat_bonds: Fri
    appeal_bonds: Fri = ZERO


@dataclass(frozen=True, slots=True)
class Totals:
    escrow: Fri
    bonds: Fri
    withdrawable: Fri
    forfeited: Fri


@dataclass(frozen=True, slots=True)
class TaskResult:
    task: int
    result: Cid


@dataclass(frozen=True, slots=True)
class Commitment:
    """A sealed verdict; ``seat`` is the index in the committee drawn for this round, and the ledger
    takes it for no other."""

    task: int
    attempt: int
    round: int
    seat: int
    commitment: int


@dataclass(frozen=True, slots=True)
class Appeal:
    """A demand for a larger committee; see ``TaskAppeal`` for position and tile."""

    task: int
    question: Question
    position: int = 0
    tile: int = 0


@dataclass(frozen=True, slots=True)
class Reveal:
    task: int
    seat: int
    verdict: Verdict
    ground: Ground
    index: int
    evidence: Cid
    salt: int
