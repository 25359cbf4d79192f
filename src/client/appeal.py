"""A requester's appeal: one tile of an accepted, or not drawn, result before a larger committee.

Planned first: everything that the contract would refuse, and the price, is said before any money
moves.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from ..domain.errors import InputError
from ..domain.job import Appeal, Outcome, Question, Task, TaskState
from ..domain.log_context import working_on
from ..domain.manifest import Manifest
from ..domain.money import ZERO, Fri
from ..domain.sampling import SampleTile, sample_tiles
from ..domain.tiles import Tile, sample_grid
from ..ports.ledger import Ledger, Receipt
from .account import missing_of
from .history import in_words
from .status import JobStatus, may_be_contested

log = logging.getLogger("tileproof.client")

_PIXEL = re.compile(r"(\d{1,9}):(\d{1,6}),(\d{1,6})")
_TOO_LATE = (TaskState.SETTLEABLE, TaskState.PAID, TaskState.CLOSED)


@dataclass(frozen=True, slots=True)
class Pixel:
    """One pixel of a whole frame, counted from its top left corner, whatever the task's region."""

    frame: int
    x: int
    y: int

    def __str__(self) -> str:
        return f"{self.frame}:{self.x},{self.y}"


def parse_pixel(text: str) -> Pixel:
    """``12:640,360``. Raises InputError ``appeal.malformed``."""
    found = _PIXEL.fullmatch(text.strip())
    if found is None:
        raise InputError(
            "appeal.malformed",
            f"{text!r} is not a pixel of a frame",
            remedy="write FRAME:X,Y with pixels from the frame's top left corner, such as 12:640,360",
            text=text,
        )
    return Pixel(*map(int, found.groups()))


@dataclass(frozen=True, slots=True)
class AppealPlan:
    """What an appeal asks and takes. ``missing`` is deposited first: the rest of the bond is
    withdrawable already."""

    job_id: int
    appeal: Appeal
    against: Outcome
    shown: SampleTile
    bond: Fri
    missing: Fri
    committee_size: int
    block: int
    window_ends_block: int


def plan_appeal(
    status: JobStatus, number: int, where: Pixel | int, manifest: Manifest, *, ledger: Ledger
) -> AppealPlan:
    """The appeal against one task of the account's own job, or why there is none; sends nothing.

    ``where`` is a pixel of the tile that is wrong, or its index in the audited list. A tile that
    the first committee has judged is asked by its index, so that whoever accepted it answers for
    it.

    Raises InputError: ``appeal.unknown_task``, ``appeal.already``, ``appeal.too_early``,
    ``appeal.too_late``, ``appeal.not_against_you``, ``appeal.no_list``, ``appeal.no_such_tile``,
    ``appeal.no_such_frame``, ``appeal.outside_region``, ``money.balance_too_small``.
    """
    task = _contestable(status, number)
    listed = () if task.audit_seed is None else sample_tiles(task.audit_seed, manifest, number)
    if task.outcome is Outcome.NOT_DRAWN:
        listed = ()
    if isinstance(where, int):
        appeal, shown = _by_index(task, where, listed)
    else:
        appeal, shown = _by_pixel(task, where, listed, manifest)
    terms = status.job.terms
    return AppealPlan(
        job_id=task.job_id,
        appeal=appeal,
        against=task.outcome,
        shown=shown,
        bond=terms.appeal_bond,
        missing=missing_of(terms.appeal_bond, ledger),
        committee_size=2 * terms.committee_size + 1,
        block=ledger.head().block,
        window_ends_block=task.window_ends_block,
    )


def raise_appeal(plan: AppealPlan, *, ledger: Ledger) -> Receipt:
    """Deposits what is missing of the bond, then appeals. Run again after a crash it deposits and
    sends only what is not there yet: the contract takes one appeal of a verdict.

    Raises LedgerRejected as the contract does; what was deposited stays withdrawable.
    """
    with working_on(plan.job_id, plan.appeal.task):
        if plan.missing != ZERO:
            ledger.deposit(plan.missing)
        receipt = ledger.appeal(plan.job_id, [plan.appeal])
        log.info("appealed job=%d task=%d tx=%#x", plan.job_id, plan.appeal.task, receipt.tx_hash)
    return receipt


def _contestable(status: JobStatus, number: int) -> Task:
    job_id = status.job.job_id
    if number >= len(status.tasks):
        raise InputError(
            "appeal.unknown_task",
            f"job {job_id} has tasks 0 to {len(status.tasks) - 1}, and no task {number}",
            remedy=f"`tileproof client status {job_id}` lists them",
            job=job_id,
            task=number,
        )
    task = status.tasks[number]
    if may_be_contested(task):
        return task
    logs = f"`tileproof client logs {job_id} --task {number}` tells what happened"
    if task.appeal is not None:
        code, why = "appeal.already", f"was appealed by {task.appeal.appellant.short()}"
    elif task.state in _TOO_LATE:
        code, why = "appeal.too_late", "can be appealed no more: the window is over"
    elif task.state is TaskState.PROVISIONAL:
        code, why = "appeal.not_against_you", f"is {in_words(task.outcome)}: only its worker may appeal"
    else:
        code, why = "appeal.too_early", f"has no verdict yet ({task.state.value.lower()})"
    raise InputError(
        code,
        f"task {number} of job {job_id} {why}",
        remedy=logs,
        job=job_id,
        task=number,
        state=task.state.value,
    )


def _by_index(task: Task, index: int, listed: tuple[SampleTile, ...]) -> tuple[Appeal, SampleTile]:
    if task.outcome is Outcome.NOT_DRAWN:
        raise InputError(
            "appeal.no_list",
            f"task {task.task} was not drawn for an audit, so there is no list of tiles",
            remedy="name the wrong tile by one of its pixels with --tile",
            task=task.task,
        )
    if index >= len(listed):
        raise InputError(
            "appeal.no_such_tile",
            f"the audit of task {task.task} has tiles 0 to {len(listed) - 1}, and no tile {index}",
            remedy="the audit's report lists them; any other tile is named by a pixel with --tile",
            task=task.task,
            index=index,
        )
    return Appeal(task.task, Question.LISTED_TILE, tile=index), listed[index]


def _by_pixel(
    task: Task, pixel: Pixel, listed: tuple[SampleTile, ...], manifest: Manifest
) -> tuple[Appeal, SampleTile]:
    spec = manifest.tasks[task.task]
    point = Tile(pixel.x, pixel.y, pixel.x + 1, pixel.y + 1)
    if pixel.frame not in spec.frames:
        raise _elsewhere("appeal.no_such_frame", f"renders no frame {pixel.frame}", task, pixel, manifest)
    if not spec.region.contains(point):
        why = f"renders {spec.region} of each frame, and not the pixel {pixel.x},{pixel.y}"
        raise _elsewhere("appeal.outside_region", why, task, pixel, manifest)
    grid = sample_grid(spec.region, manifest.audit.tile_px)
    number = next(n for n, tile in enumerate(grid.tiles()) if tile.contains(point))
    shown = SampleTile(pixel.frame, grid.tile(number))
    if shown in listed:
        return Appeal(task.task, Question.LISTED_TILE, tile=listed.index(shown)), shown
    return Appeal(task.task, Question.NAMED_TILE, spec.frames.index(pixel.frame), number), shown


def _elsewhere(code: str, why: str, task: Task, pixel: Pixel, manifest: Manifest) -> InputError:
    """The refusal, with the task that the pixel is of, if there is one."""
    point = Tile(pixel.x, pixel.y, pixel.x + 1, pixel.y + 1)
    of = next(
        (
            number
            for number, spec in enumerate(manifest.tasks)
            if pixel.frame in spec.frames and spec.region.contains(point)
        ),
        None,
    )
    size = manifest.settings
    return InputError(
        code,
        f"task {task.task} of job {task.job_id} {why}",
        remedy=f"it is of task {of}"
        if of is not None
        else f"no task has it: frames are {size.width_px}x{size.height_px}, pixels are counted from 0",
        task=task.task,
        tile=str(pixel),
    )
