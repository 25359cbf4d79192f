"""Who plays in the economics: workers, seats and requesters by strategy, and what their work costs.

Amounts are shares of the reward R of one task, so that R is 1 throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from tileproof.audit.plan import detection

TILES_OF_A_FRAME = 30 * 17
"""1920 x 1080 in tiles of 64 px."""
SAMPLE_TILES = 16
FRAMES_OF_A_SHOT = 24
"""Of the one strategy that needs several frames in a task."""


class Truth(IntEnum):
    """What a submission is."""

    RIGHT = 0
    BAD = 1
    """Some tiles differ from the honest render."""
    BROKEN = 2
    """Does not decode: every audit sees it, whatever its list."""
    WITHHELD = 3


class Appeals(Enum):
    """Which verdicts against its result a worker contests."""

    WHEN_RIGHT = "when the result is right"
    NEVER = "never"
    ALWAYS = "always"


class Move(Enum):
    """What a worker does with a claim."""

    SUBMITS = "submits"
    LAPSES = "lets it lapse"
    COPIES = "hands in what the attempt before handed in"


@dataclass(frozen=True, slots=True)
class Worker:
    """A strategy. ``saved`` is the share of the render's work that it does not do, ``share`` the
    share of the task's tiles that come out wrong, ``seen`` the chance that the requester notices
    in the preview and appeals where the contract lets it."""

    name: str
    saved: float = 0.0
    truth: Truth = Truth.BAD
    share: float = 1.0
    seen: float = 0.0
    appeals: Appeals = Appeals.NEVER
    move: Move = Move.SUBMITS
    frames: int = 1

    @property
    def is_honest(self) -> bool:
        return self.truth is Truth.RIGHT and self.move is Move.SUBMITS

    @property
    def detection(self) -> float:
        """P of one audit: by the sample plan, and 1 where no list is needed to see it."""
        if self.truth is Truth.RIGHT:
            return 0.0
        if self.truth is not Truth.BAD:
            return 1.0
        total = TILES_OF_A_FRAME * self.frames
        return detection(total, max(1, round(self.share * total)), SAMPLE_TILES)

    @property
    def is_wrong_everywhere(self) -> bool:
        """The first tile of every list fails."""
        return self.truth is Truth.BAD and self.share == 1


HONEST = Worker("honest", truth=Truth.RIGHT, appeals=Appeals.WHEN_RIGHT)
SPAMMER = Worker("appeal spammer", saved=7 / 8, appeals=Appeals.ALWAYS)
SQUATTER = Worker("squatter", saved=1, move=Move.LAPSES)
COPIER = Worker("copier", saved=1, move=Move.COPIES)
TRAP = Worker("trap", saved=1, seen=1)
"""A requester's own bad work, from a second account; appealed when accepted."""
ONE_TILE = Worker("one tile vandalised", saved=1 / TILES_OF_A_FRAME, share=1 / TILES_OF_A_FRAME)

GALLERY = (
    Worker("fewer_samples", saved=7 / 8),
    Worker("half_resolution", saved=3 / 4),
    Worker("adaptive_switched_on", saved=0.4, share=0.5),
    Worker("stopped_early", saved=1 / 64),
    Worker("wrong_noise_seed", saved=1),
    Worker("previous_frame", saved=1),
    Worker("repeated_frame", saved=23 / 24, seen=1, frames=FRAMES_OF_A_SHOT, share=23 / 24),
    Worker("blank", saved=1, seen=1),
    Worker("one_tile_patched", saved=1 / 16, share=1 / 16, seen=0.9),
    Worker("brightened"),
    Worker("other_gamma"),
    Worker("swapped_channels", seen=0.9),
    Worker("jpeg_round_trip"),
    Worker("watermark", seen=0.3),
    Worker("truncated", truth=Truth.BROKEN, seen=1),
    Worker("withheld", truth=Truth.WITHHELD, seen=1),
)
"""The cheats of ``gallery/`` by name."""
CHEATS = (
    *GALLERY,
    ONE_TILE,
    Worker("withholds, renders nothing", saved=1, truth=Truth.WITHHELD, seen=1),
    Worker("withholds and appeals", saved=1, truth=Truth.WITHHELD, seen=1, appeals=Appeals.ALWAYS),
    SPAMMER,
    SQUATTER,
    COPIER,
)


class Seat(IntEnum):
    """How the owner of a seat judges."""

    HONEST = 0
    LAZY = 1
    """Accepts without looking."""
    SILENT = 2
    UNREVEALED = 3
    """Commits and never reveals."""
    INCONCLUSIVE = 4
    COLLUDING = 5
    """Accepts what cheats hand in and rejects what others do, all naming one made-up tile."""
    REJECTING = 6
    """Always rejects without looking, naming the first tile of the list."""
    DENYING = 7
    """Always says that the bytes are withheld, which nobody can prove wrong."""


FAMILIES: dict[str, dict[Seat, float]] = {
    "lazy": {Seat.LAZY: 1.0},
    "lying": {Seat.COLLUDING: 1.0},
    "mixed": {seat: 1 / (len(Seat) - 1) for seat in Seat if seat is not Seat.HONEST},
}
"""What the seats that are not honest are."""


def seats_of(family: str, bad_share: float) -> dict[Seat, float]:
    """The whole population of seats, in shares."""
    bad = {seat: share * bad_share for seat, share in FAMILIES[family].items()}
    return {Seat.HONEST: 1 - bad_share, **bad}


class Requester(Enum):
    """What a requester appeals among accepted and undrawn results."""

    LOOKS = "what the preview shows to be wrong"
    EVERYTHING = "everything"
    NEVER = "nothing"


@dataclass(frozen=True, slots=True)
class Costs:
    """What work costs, as shares of R."""

    render: float = 0.5
    """c: honest rendering of a task."""
    audit_of_render: float = 0.05
    """An audit's CPU as a share of the render's: the target of the design, worst case."""
    appeal_of_render: float = 0.01
    """One tile and loading the scene."""
    reward_strk: float = 1.0
    strk_usd: float = 0.10
    usd_per_million_gas: float = 0.001
    worker_gas: float = 8.62
    """Claim, submit and settle, alone, in millions of L2 gas (docs/protocol.md, Gas)."""
    claim_gas: float = 3.02
    commit_gas: float = 2.87
    reveal_gas: float = 2.13
    appeal_gas: float = 3.02
    """Not in the table yet; taken as dear as a claim."""

    def gas(self, millions: float) -> float:
        return millions * self.usd_per_million_gas / self.strk_usd / self.reward_strk

    @property
    def audit(self) -> float:
        return self.render * self.audit_of_render

    @property
    def vote(self) -> float:
        """Gas of committing and revealing one verdict, alone."""
        return self.gas(self.commit_gas + self.reveal_gas)

    def of_seat(self, seat: Seat, appeal: bool) -> float:
        """What one sitting costs the seat, whatever it earns."""
        if seat is Seat.SILENT:
            return 0.0
        if seat is Seat.UNREVEALED:
            return self.gas(self.commit_gas)
        looked = self.render * (self.appeal_of_render if appeal else self.audit_of_render)
        return self.vote + (looked if seat is Seat.HONEST else 0.0)


COSTS = Costs()
"""Those of every game."""
