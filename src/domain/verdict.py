"""From what an audit saw to what a seat says: pure rules, the same for every honest verifier.

The rules lean one way on purpose: a reject costs somebody a bond, so it needs evidence that
anyone can reproduce, and whatever falls short of that is inconclusive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .job import Ground, Verdict

FAULTS = (Ground.MISSING, Ground.UNDECODABLE, Ground.WRONG_FORMAT)


@dataclass(frozen=True, slots=True)
class FileFault:
    """A picture of the result that cannot be judged at all, whatever it shows.

    ``position`` counts the task's frames from 0.
    """

    position: int
    ground: Ground

    def __post_init__(self) -> None:
        if self.ground not in FAULTS or self.position < 0:
            raise ValueError(f"no fault of a file: {self}")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One failing tile, rendered twice more by fresh processes.

    The three are digests of decoded pixels: of the audit's own render, and of both fresh ones.
    """

    index: int
    audited: str
    fresh: tuple[str, str]

    @property
    def agrees(self) -> bool:
        return self.fresh[0] == self.fresh[1] == self.audited


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a seat commits to, and why in words."""

    verdict: Verdict
    ground: Ground
    index: int
    reason: str


def unavailable(reason: str) -> Judgement:
    """The bytes did not come before the deadline."""
    return Judgement(Verdict.UNAVAILABLE, Ground.NONE, 0, reason)


def inconclusive(reason: str) -> Judgement:
    """No judgement is possible here: this machine, its time, or the scene itself."""
    return Judgement(Verdict.INCONCLUSIVE, Ground.NONE, 0, reason)


def nothing_wrong(reason: str) -> Judgement:
    """What an appeal asks about is as it should be without a tile to render, or does not exist."""
    return Judgement(Verdict.ACCEPT, Ground.NONE, 0, reason)


def judge_files(faults: Sequence[FileFault]) -> Judgement | None:
    """A reject that names the earliest faulty picture; None when every picture can be judged."""
    if not faults:
        return None
    first = min(faults, key=lambda fault: fault.position)
    words = {
        Ground.MISSING: "is missing",
        Ground.UNDECODABLE: "cannot be decoded",
        Ground.WRONG_FORMAT: "has the wrong size or format",
    }
    return Judgement(
        Verdict.REJECT,
        first.ground,
        first.position,
        f"the picture at position {first.position} of the task's frames {words[first.ground]}",
    )


def judge_tiles(equal: Sequence[bool], confirmation: Confirmation | None) -> Judgement:
    """The exact lane's verdict on the whole list of sample tiles, in its order.

    Every tile equal: accept. Otherwise the first tile that differs must have been rendered
    twice more: all three renders alike mean that the scene repeats and the submission is
    false, so reject; any difference among them means that the scene does not repeat.

    Raises ValueError for an empty list, or when the confirmation is not of the first
    differing tile: a caller that judges less than it should is a bug.
    """
    if not equal:
        raise ValueError("a verdict needs at least one sample tile")
    failing = next((at for at, same in enumerate(equal) if not same), None)
    if failing is None:
        tiles = "the one tile is" if len(equal) == 1 else f"all {len(equal)} sample tiles are"
        return Judgement(Verdict.ACCEPT, Ground.NONE, 0, f"{tiles} equal to the last bit")
    if confirmation is None or confirmation.index != failing:
        raise ValueError(f"tile {failing} differs and was not rendered again")
    different = sum(not same for same in equal)
    tiles, which = f"{different} of {len(equal)} sample tiles differ", f"of tile {failing}"
    if len(equal) == 1:
        tiles, which = "the one tile differs", "of it"
    if not confirmation.agrees:
        return inconclusive(
            f"{tiles}, but renders {which} by fresh processes differ from one another: "
            "the scene does not repeat"
        )
    return Judgement(
        Verdict.REJECT,
        Ground.TILE,
        failing,
        f"{tiles}; two fresh renders {which} agree with the audit's and not with the submission",
    )
