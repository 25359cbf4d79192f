"""From what an audit saw to what a seat says: pure rules, the same for every honest verifier.

The rules lean one way on purpose: a reject costs somebody a bond, so it needs evidence that
anyone can reproduce, and whatever falls short of that is inconclusive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

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


class Standing(Enum):
    """How a submitted tile stands to its re-render by the job's lane, the worst last."""

    EQUAL = "equal"  # to the last bit
    WITHIN = "within"  # the gate of a lane that has one
    BETWEEN = "between"  # outside the gate, and too near to accuse anybody
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One failing tile, rendered twice more by fresh processes.

    The three are digests of decoded pixels: of the audit's own render, and of both fresh ones.
    ``alike`` says how the fresh ones stand to the audit's own in the hash lane, where honest
    renders of one machine need not repeat to the last bit; None in the others, where they must.
    """

    index: int
    audited: str
    fresh: tuple[str, str]
    alike: tuple[Standing, Standing] | None = None

    @property
    def agrees(self) -> bool:
        if self.alike is not None:
            return all(each in (Standing.EQUAL, Standing.WITHIN) for each in self.alike)
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


def judge_tiles(tiles: Sequence[Standing], confirmation: Confirmation | None) -> Judgement:
    """The verdict on the whole list of sample tiles, in its order, in any lane.

    Every tile equal or within the gate: accept. Otherwise the first different tile must have
    been rendered twice more: all three renders alike mean that the scene repeats and the
    submission is false, so reject; any difference among them means that the scene does not
    repeat. No tile different, but one between gate and accusation: inconclusive.

    Raises ValueError for an empty list, or when the confirmation is not of the first
    different tile: a caller that judges less than it should is a bug.
    """
    if not tiles:
        raise ValueError("a verdict needs at least one sample tile")
    if Standing.DIFFERENT in tiles:
        return _judge_difference(tiles, confirmation)
    if Standing.BETWEEN in tiles:
        between = sum(tile is Standing.BETWEEN for tile in tiles)
        return inconclusive(
            f"{_some(between, tiles, 'is', 'are')} outside the gate, and too near to it to accuse anybody"
        )
    all_equal = all(tile is Standing.EQUAL for tile in tiles)
    how = "equal to the last bit" if all_equal else "within the gate"
    words = "the one tile is" if len(tiles) == 1 else f"all {len(tiles)} sample tiles are"
    return Judgement(Verdict.ACCEPT, Ground.NONE, 0, f"{words} {how}")


def _judge_difference(tiles: Sequence[Standing], confirmation: Confirmation | None) -> Judgement:
    failing = tiles.index(Standing.DIFFERENT)
    if confirmation is None or confirmation.index != failing:
        raise ValueError(f"tile {failing} differs and was not rendered again")
    words = _some(sum(tile is Standing.DIFFERENT for tile in tiles), tiles, "differs", "differ")
    which = "of it" if len(tiles) == 1 else f"of tile {failing}"
    if not confirmation.agrees:
        return inconclusive(
            f"{words}, but renders {which} by fresh processes differ from one another: "
            "the scene does not repeat"
        )
    return Judgement(
        Verdict.REJECT,
        Ground.TILE,
        failing,
        f"{words}; two fresh renders {which} agree with the audit's and not with the submission",
    )


def _some(count: int, tiles: Sequence[Standing], one: str, many: str) -> str:
    return f"the one tile {one}" if len(tiles) == 1 else f"{count} of {len(tiles)} sample tiles {many}"
