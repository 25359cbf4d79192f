"""Appeals, and what may be appealed, as people and scripts read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..domain.block_time import from_now
from ..domain.frames import format_frames
from .console import facts, say
from .show import many

if TYPE_CHECKING:
    from ..client.appeal import AppealPlan
    from ..client.preview import Odd, Preview
    from ..client.status import JobStatus
    from ..domain.job import Task, Terms

LISTED = 6
"""More tasks than this with an open window are counted, not listed."""


def window_json(task: Task, terms: Terms) -> dict[str, object] | None:
    """The window in which the requester may appeal, while it is open."""
    from ..client.status import may_be_contested

    if not may_be_contested(task):
        return None
    return {"ends_block": task.window_ends_block, "bond_fri": str(terms.appeal_bond.units)}


def show_windows(status: JobStatus, block: int, only: int | None = None, *, block_seconds: float) -> None:
    """Which tasks may be appealed until when and for how much, and which appeals run; nothing
    where there are none."""
    from ..audit.appealed import describe_appeal
    from ..client.history import in_words
    from ..client.status import may_be_contested

    job_id, bond = status.job.job_id, status.job.terms.appeal_bond
    tasks = [task for task in status.tasks if only in (None, task.task)]
    open_now = [task for task in tasks if may_be_contested(task)]
    appealed = [task for task in tasks if task.appeal is not None and not task.state.is_final]
    if open_now or appealed:
        say()
    if len(open_now) > LISTED:
        first, last = (end(task.window_ends_block for task in open_now) for end in (min, max))
        say(f"{len(open_now)} tasks may still be appealed: the windows close at blocks {first} to {last}")
        say(f"{'':<2}the first {from_now(first, block, block_seconds)}; it is block {block}")
    for task in open_now if len(open_now) <= LISTED else ():
        window = _until(task.window_ends_block, block, block_seconds)
        say(f"task {task.task}: {in_words(task.outcome)}; {window}")
    if open_now:
        say(f"an appeal takes a bond of {bond} a task: back if it is won, lost if it fails")
        say(f"what looks odd: tileproof client preview {job_id}")
    for task in appealed:
        assert task.appeal is not None
        for sentence in describe_appeal(task.appeal):
            say(f"task {task.task}: {sentence}")


def plan_json(plan: AppealPlan) -> dict[str, object]:
    return {
        "job_id": plan.job_id,
        "task": plan.appeal.task,
        "against": plan.against.value,
        "question": plan.appeal.question.value,
        "position": plan.appeal.position,
        "tile": plan.appeal.tile,
        "frame": plan.shown.frame,
        "pixels": str(plan.shown.tile),
        "bond_fri": str(plan.bond.units),
        "deposit_fri": str(plan.missing.units),
        "committee_size": plan.committee_size,
        "block": plan.block,
        "window_ends_block": plan.window_ends_block,
    }


def show_plan(plan: AppealPlan, *, block_seconds: float) -> None:
    from ..client.history import in_words
    from ..domain.job import Question

    judged = "which the first committee has judged"
    how = judged if plan.appeal.question is Question.LISTED_TILE else "which no committee has judged"
    whence = f", {plan.missing} of it from the wallet" if plan.missing.units else ""
    facts(
        {
            "appeal": f"task {plan.appeal.task} of job {plan.job_id}, {in_words(plan.against)}",
            "tile": f"{plan.shown.tile} of frame {plan.shown.frame}, {how}",
            "judges": f"{plan.committee_size} seats, none of an owner who judged it before",
            "bond": f"{plan.bond}{whence}",
            "won": "the bond comes back, the worker loses its own, and the task is open again",
            "lost": "the bond pays the judges, the rest of it is forfeited, and the worker is paid",
            "undecided": f"the bond comes back, and it stays {in_words(plan.against)}",
            "window": _until(plan.window_ends_block, plan.block, block_seconds),
        }
    )


def preview_json(found: Preview, status: JobStatus) -> dict[str, object]:
    return {
        "job_id": status.job.job_id,
        "tasks": [
            {"task": number, **(window_json(status.tasks[number], status.job.terms) or {})}
            for number in found.tasks
        ],
        "pictures": found.pictures,
        "previewed": found.previewed,
        "odd": [
            {
                "task": odd.task,
                "frame": odd.frame,
                "what": odd.what,
                "detail": odd.detail,
                "appeal": command_for(status.job.job_id, odd),
            }
            for odd in found.odd
        ],
        "missing": [
            {"task": m.task, "frames": format_frames(m.frames), "code": m.code, "why": m.why}
            for m in found.missing
        ],
        "contact_sheet": str(found.contact_sheet) if found.contact_sheet else None,
    }


def show_preview(found: Preview, status: JobStatus, block: int, *, block_seconds: float) -> None:
    results = many(len(found.tasks), "result")
    say(f"{many(found.pictures, 'picture')} of {results} that may still be appealed")
    if found.contact_sheet:
        marks = ", the odd ones framed red" if found.odd else ""
        say(f"contact sheet: {found.contact_sheet}{marks}")
    for missing in found.missing:
        say(f"missing: task {missing.task} (frames {format_frames(missing.frames)}) {missing.why}")
    if found.previewed:
        say(f"verifiers held {many(found.previewed, 'picture')} against small renders of their own")
    if not found.odd:
        like = "its neighbours or a small render" if found.previewed else "its neighbours"
        say(f"nothing looks odd: no picture is blank, repeated or unlike {like}")
    for odd in found.odd:
        say(f"task {odd.task}, frame {odd.frame}: {odd.what.replace('_', ' ')}, {odd.detail}")
    _show_commands(status.job.job_id, found.odd)
    for number in found.tasks if len(found.tasks) <= LISTED else ():
        say(f"task {number}: {_until(status.tasks[number].window_ends_block, block, block_seconds)}")


def command_for(job_id: int, odd: Odd) -> str:
    """The command line that contests this picture, from the middle of it."""
    return f"tileproof client appeal {job_id} {odd.task} --tile {odd.at}"


def _show_commands(job_id: int, odd: Sequence[Odd]) -> None:
    if not odd:
        return
    say("odd is not wrong: look first. To appeal, put in a pixel that is wrong (FRAME:X,Y) and run")
    for task, frame in dict.fromkeys((each.task, each.frame) for each in odd):
        first = next(each for each in odd if (each.task, each.frame) == (task, frame))
        say(f"  {command_for(job_id, first)}")


def _until(window_ends_block: int, block: int, block_seconds: float) -> str:
    left = from_now(window_ends_block, block, block_seconds)
    return f"may be appealed until block {window_ends_block} ({left})"
