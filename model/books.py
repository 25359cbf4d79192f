"""What the contract and its token store. Records are frozen: who tries a call copies the books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from tileproof.domain.cid import Cid
from tileproof.domain.job import (
    NO_SEAT,
    Address,
    Bounds,
    Ground,
    Job,
    Outcome,
    Question,
    Seat,
    TaskState,
    Verdict,
)
from tileproof.ports.ledger import Event


class Token(Enum):
    """What the token does when it is asked to move an amount."""

    HONEST = "moves it"
    REFUSES = "says no and moves nothing"
    TAKES_A_FEE = "says yes and moves one unit less"
    REENTERS = "calls the contract back before it moves anything"


@dataclass(frozen=True, slots=True)
class Charge:
    """What a reject names."""

    ground: Ground
    index: int


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a drawn committee."""

    slot: int
    sealed: int | None = None
    verdict: Verdict | None = None
    charge: Charge | None = None
    """What a REJECT names; None otherwise."""

    @property
    def is_empty(self) -> bool:
        return self.slot == NO_SEAT


@dataclass(frozen=True, slots=True)
class Round:
    """A draw, and what its committee did. Not audited: nobody sits and nothing follows."""

    number: int
    seed_block: int
    seed: int
    draw_block: int
    audited: bool
    places: tuple[Place, ...] = ()
    sealed_block: int = 0
    """The block of the latest commit, which dates a phase that ended early."""
    opened_block: int = 0
    """The block of the latest reveal."""

    def with_place(self, index: int, place: Place) -> Round:
        return replace(self, places=(*self.places[:index], place, *self.places[index + 1 :]))


@dataclass(frozen=True, slots=True)
class AppealRecord:
    """An appeal against a provisional outcome; ``round`` once its committee is drawn."""

    appellant: Address
    against: Outcome
    question: Question
    position: int
    tile: int
    raised_block: int
    round: Round | None = None

    @property
    def seed_block(self) -> int:
        return self.raised_block + 1


@dataclass(frozen=True, slots=True)
class Cell:
    """What is stored of a task; everything else is computed.

    ``state`` is the last step taken: OPEN, CLAIMED, SUBMITTED, PAID or CLOSED. ``round`` is the
    latest round drawn of 0, 1 and 2; an appeal keeps its own beside it.
    """

    state: TaskState = TaskState.OPEN
    attempt: int = 0
    failures: int = 0
    outcome: Outcome = Outcome.UNDECIDED
    worker: Address | None = None
    claim_block: int = 0
    lease_until: int = 0
    slots_at_claim: int = 0
    result: Cid | None = None
    submit_block: int = 0
    round: Round | None = None
    appeal: AppealRecord | None = None

    @property
    def live(self) -> Round | None:
        """The round that runs or has spoken last: the appeal's once there is an appeal."""
        return self.round if self.appeal is None else self.appeal.round

    def with_live(self, changed: Round) -> Cell:
        if self.appeal is None:
            return replace(self, round=changed)
        return replace(self, appeal=replace(self.appeal, round=changed))

    def reopened(self, failures: int) -> Cell:
        """The task's next attempt."""
        return Cell(attempt=self.attempt + 1, failures=failures)


@dataclass(slots=True)
class Books:
    """All of it. Amounts are in fri; ``wallets`` is the token's own book."""

    bounds: Bounds
    jobs: tuple[Job, ...] = ()
    swept: dict[int, int] = field(default_factory=dict)
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    seats: tuple[Seat, ...] = ()
    free_slots: tuple[int, ...] = ()
    """Collected and not taken again; the last one is taken first."""
    withdrawable: dict[Address, int] = field(default_factory=dict)
    worker_bonds: dict[Address, int] = field(default_factory=dict)
    appeal_bonds: dict[Address, int] = field(default_factory=dict)
    forfeited: int = 0
    wallets: dict[Address, int] = field(default_factory=dict)
    token: Token = Token.HONEST
    events: tuple[Event, ...] = ()

    def copy(self) -> Books:
        return replace(
            self,
            swept=dict(self.swept),
            cells=dict(self.cells),
            withdrawable=dict(self.withdrawable),
            worker_bonds=dict(self.worker_bonds),
            appeal_bonds=dict(self.appeal_bonds),
            wallets=dict(self.wallets),
        )


def slots_of(places: Sequence[Place]) -> tuple[int, ...]:
    """The slots that sit, without the empty places."""
    return tuple(place.slot for place in places if not place.is_empty)
