"""An appeal in words, for reports and the command line."""

from __future__ import annotations

from collections.abc import Sequence

from ..domain.job import Appeal, Outcome, Question, TaskAppeal

_AGAINST = {
    Outcome.ACCEPTED: "the accept",
    Outcome.NOT_DRAWN: "that the task was not drawn for an audit",
    Outcome.REJECTED: "the reject",
    Outcome.UNAVAILABLE: "the unavailable verdict",
}


def describe_appeal(appeal: TaskAppeal, frames: Sequence[int] | None = None) -> tuple[str, str]:
    """Who appealed against what, and what the committee is asked, a sentence each without its
    full stop. ``frames`` are the task's, None while nobody could read them."""
    against = _AGAINST[appeal.against]
    if appeal.against is not Outcome.NOT_DRAWN:
        against += f" of round {appeal.first_round + 1}"
    party = "worker" if appeal.against.hurts_worker else "requester"
    return (
        f"the {party} {appeal.appellant} appealed against {against}",
        f"the question is {asked(appeal, frames)}",
    )


def asked(appeal: Appeal | TaskAppeal, frames: Sequence[int] | None = None) -> str:
    """What an appeal asks its committee, the end of a sentence: *whether tile 3 ...*."""
    picture = f"the picture at position {appeal.position} of the task's frames"
    if frames is not None and appeal.position < len(frames):
        picture += f" (frame {frames[appeal.position]})"
    match appeal.question:
        case Question.LISTED_TILE:
            return f"whether tile {appeal.tile} of that round's list is as the scene renders"
        case Question.NAMED_TILE:
            return f"whether tile {appeal.tile} of {picture} is as the scene renders"
        case Question.PICTURE:
            return f"whether {picture} is there and of the agreed size and format"
        case Question.WHOLE:
            return "the whole submission, on a fresh list of tiles"


def appeal_json(appeal: TaskAppeal) -> dict[str, object]:
    """What the ledger says of a task's appeal, and of the round that it is against, as reports and the
    command line write it; ``audit.reading`` reads it back."""
    return {
        "appellant": str(appeal.appellant),
        "against": appeal.against.value,
        "question": appeal.question.value,
        "position": appeal.position,
        "tile": appeal.tile,
        "raised_block": appeal.raised_block,
        "first_round": appeal.first_round,
        "first_seed": None if appeal.first_seed is None else hex(appeal.first_seed),
        "first_seats": list(appeal.first_seats),
        "first_verdicts": [None if said is None else said.value for said in appeal.first_verdicts],
    }
