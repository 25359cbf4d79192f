"""The end of hop 12: what was paid for is fetched, checked, and put together.

Every byte comes from a worker. A result is taken only when it is no larger than it
honestly can be, its files are those its own list names, each with its SHA-256, and every
picture decodes to exactly its task's region. A file of a whole frame is kept as it came;
regions are joined pixel by pixel, and where frames are finished their joined passes are finished
once.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..domain.errors import EvidenceError, ServiceError, TileproofError, disk_full_named
from ..domain.hops import Hop
from ..domain.job import Task, TaskState
from ..domain.manifest import Manifest
from ..domain.result import (
    RESULT_FILE,
    ResultManifest,
    audited_file,
    check_account,
    decode,
    frame_file,
    has_picture,
    max_result_bytes,
)
from ..domain.tiles import Grid
from ..ports.content import ContentStore
from ..ports.images import ImageDecoder, ImageFormat, Pixels
from .contact_sheet import Cell, write_contact_sheet
from .finishing import Finisher
from .folder import CONTACT_SHEET, Folder, sha256_of
from .status import JobStatus, has_accepted_result

log = logging.getLogger("tileproof.client")

MAKE_ROOM = "make room and fetch again: what is whole already is kept"

_UNDER_APPEAL = "is under appeal: a larger committee judges it"
Fetching = Callable[[int, int, int], None]
"""Called with (task, tasks fetched, tasks to fetch)."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A task whose pictures are not there, and why; ``code`` is a state or an error's code."""

    task: int
    frames: tuple[int, ...]
    code: str
    why: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the folder holds now."""

    folder: Path
    frames: tuple[int, ...]  # whole and checked
    new: tuple[int, ...]  # written by this call
    missing: tuple[Missing, ...]
    contact_sheet: Path | None

    @property
    def is_whole(self) -> bool:
        return not self.missing


def fetch(
    status: JobStatus,
    manifest: Manifest,
    out: Path,
    *,
    store: ContentStore,
    decoder: ImageDecoder,
    cache: Path,
    timeout: float,
    finisher: Finisher | None = None,
    provisional: bool = False,
    overwrite: bool = False,
    progress: Fetching | None = None,
) -> Fetched:
    """Brings every accepted frame of the job into ``out`` and says what is missing.

    Frames that ``out`` already holds, unchanged, are not fetched again; fetched results wait
    in ``cache`` until the frames they belong to are whole, so an interrupted or partial fetch
    resumes. One task's false or missing result never stops the others. ``finisher`` is needed
    where frames are split over tasks and finished.

    Raises InputError ``fetch.other_job``, ``fetch.would_overwrite``; MachineError
    ``machine.disk_full``, as ``Finisher.finish``; ServiceError when the IPFS node itself cannot be reached.
    """
    folder = Folder(out, manifest)
    todo = [n for n, spec in enumerate(manifest.tasks) if not all(map(folder.holds, spec.frames))]
    ready = [n for n in todo if has_accepted_result(status.tasks[n], provisional=provisional)]
    missing = {n: _not_accepted(status.tasks[n], manifest) for n in todo if n not in ready}
    for done, number in enumerate(ready):
        if progress is not None:
            progress(number, done, len(ready))
        try:
            with disk_full_named(cache, MAKE_ROOM):
                bring(status, manifest, number, store=store, cache=cache, timeout=timeout)
        except (EvidenceError, ServiceError) as error:
            if error.code == "content.unreachable":
                raise
            missing[number] = failed(number, manifest, error)
    if progress is not None and ready:
        progress(ready[-1], len(ready), len(ready))
    new, broken = _assemble(
        status,
        manifest,
        folder,
        missing,
        decoder=decoder,
        cache=cache,
        overwrite=overwrite,
        finisher=finisher,
    )
    missing.update(broken)
    frames = tuple(f for f in folder.frames if any(f in spec.frames for spec in manifest.tasks))
    with disk_full_named(folder.path, MAKE_ROOM):
        sheet = _contact_sheet(manifest, folder, decoder) if folder.frames else None
    if not missing:
        shutil.rmtree(cache, ignore_errors=True)
    log.info(
        "hop=%d settled job=%d frames=%d missing=%d",
        Hop.SETTLED,
        status.job.job_id,
        len(frames),
        len(missing),
    )
    return Fetched(out, frames, tuple(new), tuple(missing[n] for n in sorted(missing)), sheet)


def bring(
    status: JobStatus, manifest: Manifest, number: int, *, store: ContentStore, cache: Path, timeout: float
) -> Path:
    """The folder in the cache that holds the task's result, every file equal to its own list's
    SHA-256.

    Raises EvidenceError as ``ContentStore.fetch``, ``check_files`` and ``domain.result``;
    ServiceError ``content.not_found``.
    """
    task, spec = status.tasks[number], manifest.tasks[number]
    kept = _kept(cache, task)
    if not kept.exists():
        assert task.result is not None
        cache.mkdir(parents=True, exist_ok=True)
        store.fetch(task.result, kept, max_bytes=max_result_bytes(manifest.settings, spec), timeout=timeout)
    try:
        check_files(kept, _account(kept, status.job.job_id, task, manifest))
    except EvidenceError:
        shutil.rmtree(kept, ignore_errors=True)
        raise
    return kept


def check_files(folder: Path, account: ResultManifest) -> None:
    """Says nothing when every listed file is there with its size and SHA-256.

    Raises EvidenceError ``result.file_differs``.
    """
    for file in account.files:
        path = folder / file.name
        if sha256_of(path) != file.sha256 or path.stat().st_size != file.size:
            raise EvidenceError(
                "result.file_differs",
                f"{file.name} of task {account.task} is not the file that its {RESULT_FILE} lists",
                remedy="fetch again; if it stays, the worker pinned a broken result",
                task=account.task,
                file=file.name,
            )


def _account(kept: Path, job_id: int, task: Task, manifest: Manifest) -> ResultManifest:
    path = kept / RESULT_FILE
    if not path.is_file():
        raise EvidenceError(
            "result.malformed", f"task {task.task}'s result has no {RESULT_FILE}", task=task.task
        )
    account = decode(path.read_bytes())
    check_account(account, job_id, task.task, task.attempt, manifest.settings, manifest.tasks[task.task])
    return account


def _assemble(
    status: JobStatus,
    manifest: Manifest,
    folder: Folder,
    missing: dict[int, Missing],
    *,
    decoder: ImageDecoder,
    cache: Path,
    overwrite: bool,
    finisher: Finisher | None,
) -> tuple[list[int], dict[int, Missing]]:
    """Every frame whose regions are all in the cache, written to the folder."""
    parts: dict[int, list[int]] = {}
    for number, spec in enumerate(manifest.tasks):
        for frame in spec.frames:
            parts.setdefault(frame, []).append(number)
    order = Grid(manifest.settings.full_frame, manifest.split_columns, manifest.split_rows).tiles()
    new: list[int] = []
    broken: dict[int, Missing] = {}
    for frame, numbers in sorted(parts.items()):
        if folder.holds(frame) or any(n in missing or n in broken for n in numbers):
            continue
        numbers.sort(key=lambda n: order.index(manifest.tasks[n].region))
        made = cache / f"made-{frame_file(frame)}"
        try:
            with disk_full_named(cache, MAKE_ROOM):
                kept = {n: _kept(cache, status.tasks[n]) for n in numbers}
                _make_frame(manifest, frame, kept, made, decoder=decoder, finisher=finisher)
        except EvidenceError as error:
            at_fault = error.data.get("task", numbers[0])
            number = at_fault if isinstance(at_fault, int) else numbers[0]
            broken[number] = failed(number, manifest, error)
            continue
        with disk_full_named(folder.path, MAKE_ROOM):
            results = tuple(str(status.tasks[n].result) for n in numbers)
            folder.put(frame, made, results, overwrite=overwrite)
        new.append(frame)
    return new, broken


def _make_frame(
    manifest: Manifest,
    frame: int,
    kept: Mapping[int, Path],
    made: Path,
    *,
    decoder: ImageDecoder,
    finisher: Finisher | None,
) -> None:
    """The frame's picture at ``made``, of the results of its tasks: one task's file as it came, or
    several put together."""
    settings = manifest.settings
    parts = {number: manifest.tasks[number].region for number in kept}
    number = min(parts)
    if has_picture(settings, manifest.tasks[number]) and parts[number] == settings.full_frame:
        picture = kept[number] / frame_file(frame)
        _decoded(decoder, picture, ImageFormat.of(settings, settings.full_frame), number)
        shutil.copyfile(picture, made)
        return
    full = settings.full_frame
    form = ImageFormat.audited(settings, full)
    canvas: Pixels | None = None
    for number, region in parts.items():
        file = kept[number] / audited_file(settings, frame)
        pixels = _decoded(decoder, file, ImageFormat.audited(settings, region), number)
        if canvas is None:
            canvas = np.zeros((full.height, full.width, form.channels), dtype=pixels.dtype)
        canvas[region.y0 : region.y1, region.x0 : region.x1] = pixels
    assert canvas is not None
    if not settings.has_passes:
        decoder.encode_png(canvas, made)
        return
    if finisher is None:
        raise ValueError("frames that are split over tasks and finished need a finisher")
    finisher.finish(frame, canvas, made)


def _decoded(decoder: ImageDecoder, file: Path, expected: ImageFormat, task: int) -> Pixels:
    try:
        return decoder.decode(file, expected)
    except EvidenceError as error:
        error.data["task"] = task
        raise


def _contact_sheet(manifest: Manifest, folder: Folder, decoder: ImageDecoder) -> Path:
    settings = manifest.settings
    form = ImageFormat.of(settings, settings.full_frame)
    target = folder.path / CONTACT_SHEET
    write_contact_sheet(
        [Cell(str(frame), folder.frame_path(frame)) for frame in folder.frames],
        lambda path: decoder.decode(path, form),
        target,
    )
    return target


def _kept(cache: Path, task: Task) -> Path:
    return cache / f"task-{task.task}-{task.result}"


def _not_accepted(task: Task, manifest: Manifest) -> Missing:
    why = {
        TaskState.OPEN: "waits for a worker",
        TaskState.LAPSED: "its worker's lease ran out; it waits for another",
        TaskState.CLAIMED: "is being rendered",
        TaskState.PROVISIONAL: "has a verdict that may still be appealed; --provisional fetches it now",
        TaskState.APPEALED: _UNDER_APPEAL,
        TaskState.CLOSED: "was closed and refunded; `tileproof client retry` renders it again",
    }.get(task.state, "is being audited" if task.appeal is None else _UNDER_APPEAL)
    return Missing(task.task, manifest.tasks[task.task].frames, task.state.value.lower(), why)


def failed(number: int, manifest: Manifest, error: TileproofError) -> Missing:
    return Missing(number, manifest.tasks[number].frames, error.code, error.message)
