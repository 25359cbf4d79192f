"""A look at results while they may still be contested: fetched within caps, decoded in the limited
child, screened, and laid out on one sheet with the odd ones marked. What a verifier's report found
odd is shown beside: it had small renders to hold every frame against.

Nothing here is a verdict. A still scene repeats honestly and a night is black: what is odd is
shown, and whether to appeal is the requester's own choice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

from ..audit.report import AuditReport
from ..audit.screen import Finding, FrameFacts, among_neighbours, facts_of, screen
from ..domain.errors import EvidenceError, InputError, ServiceError, disk_full_named
from ..domain.manifest import Manifest
from ..domain.result import frame_file, has_picture, passes_file
from ..domain.tiles import Tile
from ..ports.content import ContentStore
from ..ports.images import ImageDecoder, ImageFormat, Pixels
from .appeal import Pixel
from .contact_sheet import Cell, write_contact_sheet
from .fetch import MAKE_ROOM, Missing, bring, failed
from .status import JobStatus, has_accepted_result, may_be_contested

Looking = Callable[[int, int, int], None]
"""Called with (task, results looked at, results to look at)."""


@dataclass(frozen=True, slots=True)
class Odd:
    """Something worth a person's look. ``what`` is an oddity of the screen or an error's code;
    ``at`` is the pixel to start an appeal from."""

    task: int
    frame: int
    what: str
    detail: str
    at: Pixel


@dataclass(frozen=True, slots=True)
class Preview:
    """What was looked at. ``previewed`` are pictures that a verifier says it held against small
    renders of its own; ``missing`` are results that could not be had, and why."""

    tasks: tuple[int, ...]
    pictures: int
    previewed: int
    odd: tuple[Odd, ...]
    missing: tuple[Missing, ...]
    contact_sheet: Path | None


def preview(
    status: JobStatus,
    manifest: Manifest,
    asked: Sequence[int] | None,
    sheet: Path,
    *,
    store: ContentStore,
    decoder: ImageDecoder,
    cache: Path,
    timeout: float,
    reports: Callable[[int], AuditReport | None] = lambda number: None,
    progress: Looking | None = None,
) -> Preview:
    """Looks at the results of the tasks ``asked`` for, or of all that may be contested now.

    Pictures just before and after theirs are fetched as well, where there are any, to compare
    with. Results stay in ``cache``, from which a later fetch takes them. ``reports`` gives a report
    of a task's present attempt, where there is one.

    Raises InputError ``preview.nothing`` when none of them may be contested; ServiceError when the
    IPFS node itself cannot be reached; MachineError ``machine.disk_full``.
    """
    numbers = tuple(
        t.task for t in status.tasks if may_be_contested(t) and (asked is None or t.task in asked)
    )
    if not numbers:
        raise _nothing(status, asked)
    look = _Look(status, manifest, store, decoder, cache, timeout)
    beside = neighbours(manifest, numbers, frozenset(_accepted(status)) - set(numbers))
    todo = (*numbers, *beside)
    for done, number in enumerate(todo):
        if progress is not None:
            progress(number, done, len(todo))
        with disk_full_named(cache, MAKE_ROOM):
            look.at(number)
    if progress is not None:
        progress(todo[-1], len(todo), len(todo))
    odd = [*look.faults, *findings(manifest, look.facts, numbers)]
    seen_too = {number: report for number in numbers if (report := reports(number)) is not None}
    odd += [o for number, report in seen_too.items() for o in _told(manifest, number, report.findings, odd)]
    shown = tuple(sorted((o for o in odd if o.task in numbers), key=lambda o: (o.task, o.frame)))
    with disk_full_named(sheet.parent, MAKE_ROOM):
        written = look.draw(numbers, shown, sheet)
    return Preview(
        tasks=numbers,
        pictures=sum(number in numbers for number, _ in look.facts),
        previewed=sum(report.previewed for report in seen_too.values()),
        odd=shown,
        missing=tuple(m for m in look.missing if m.task in numbers),
        contact_sheet=sheet if written else None,
    )


def neighbours(manifest: Manifest, numbers: Sequence[int], there: frozenset[int]) -> tuple[int, ...]:
    """The tasks among ``there`` that hold the picture just before or after one of these tasks', of
    the same region."""
    wanted: set[int] = set()
    for row in _in_time(manifest):
        for (_, one), (_, other) in pairwise(row):
            wanted |= {other} if one in numbers else set()
            wanted |= {one} if other in numbers else set()
    return tuple(sorted((wanted & there) - set(numbers)))


def findings(
    manifest: Manifest, facts: Mapping[tuple[int, int], FrameFacts], numbers: Sequence[int]
) -> tuple[Odd, ...]:
    """What the screen finds odd among pictures, each region for itself; ``facts`` by (task, frame).

    Of two pictures that are alike, that of one of ``numbers`` is the odd one. Neighbours are those
    of the job: across a gap nothing is compared.
    """
    odd = []
    for row in _in_time(manifest):
        task_of = dict(row)
        seen = [facts[number, frame] for frame, number in row if (number, frame) in facts]
        found = [*screen(sorted(seen, key=lambda each: task_of[each.frame] in numbers))]
        for is_there, run in groupby(row, key=lambda each: (each[1], each[0]) in facts):
            if is_there:
                found += among_neighbours([facts[number, frame] for frame, number in run])
        for finding in found:
            number = task_of[finding.frame]
            at = middle(manifest, number, finding.frame)
            odd.append(Odd(number, finding.frame, finding.oddity.value, finding.detail, at))
    return tuple(odd)


def _told(manifest: Manifest, number: int, told: Sequence[Finding], known: Sequence[Odd]) -> list[Odd]:
    """What a report found odd and we did not, as its word."""
    seen = {(each.task, each.frame, each.what) for each in known}
    return [
        Odd(
            number,
            finding.frame,
            finding.oddity.value,
            f"{finding.detail}, says a verifier",
            middle(manifest, number, finding.frame),
        )
        for finding in told
        if finding.frame in manifest.tasks[number].frames
        and (number, finding.frame, finding.oddity.value) not in seen
    ]


def _in_time(manifest: Manifest) -> list[list[tuple[int, int]]]:
    """For each region its (frame, task) pairs in the order of frames."""
    rows: dict[Tile, list[tuple[int, int]]] = defaultdict(list)
    for number, spec in enumerate(manifest.tasks):
        rows[spec.region] += [(frame, number) for frame in spec.frames]
    return [sorted(row) for row in rows.values()]


def middle(manifest: Manifest, number: int, frame: int) -> Pixel:
    """The pixel in the middle of a task's region: where to begin when the whole picture is odd."""
    region = manifest.tasks[number].region
    return Pixel(frame, (region.x0 + region.x1) // 2, (region.y0 + region.y1) // 2)


class _Look:
    """What was seen so far."""

    def __init__(
        self,
        status: JobStatus,
        manifest: Manifest,
        store: ContentStore,
        decoder: ImageDecoder,
        cache: Path,
        timeout: float,
    ) -> None:
        self._status, self._manifest = status, manifest
        self._store, self._decoder = store, decoder
        self._cache, self._timeout = cache, timeout
        self._folders: dict[int, Path] = {}
        self.facts: dict[tuple[int, int], FrameFacts] = {}
        self.faults: list[Odd] = []
        self.missing: list[Missing] = []

    def at(self, number: int) -> None:
        try:
            folder = bring(
                self._status,
                self._manifest,
                number,
                store=self._store,
                cache=self._cache,
                timeout=self._timeout,
            )
        except EvidenceError as error:
            self._fault(number, self._manifest.tasks[number].frames[0], error)
            return
        except ServiceError as error:
            if error.code == "content.unreachable":
                raise
            self.missing.append(failed(number, self._manifest, error))
            return
        self._folders[number] = folder
        for frame in self._manifest.tasks[number].frames:
            try:
                self.facts[number, frame] = facts_of(frame, self._pixels(number, frame))
            except EvidenceError as error:
                self._fault(number, frame, error)

    def draw(self, numbers: Sequence[int], odd: Sequence[Odd], sheet: Path) -> bool:
        """The sheet, if there is a picture to put on it."""
        marked = {(each.task, each.frame) for each in odd}
        seen = sorted((frame, number) for number, frame in self.facts if number in numbers)
        whole = self._manifest.settings.full_frame
        cells, pictures = [], {}
        for frame, number in seen:
            path = self._file(number, frame)
            pictures[path] = (number, frame)
            is_whole = self._manifest.tasks[number].region == whole
            label = str(frame) if is_whole else f"{frame}, task {number}"
            cells.append(Cell(label, path, marked=(number, frame) in marked))
        if cells:
            sheet.parent.mkdir(parents=True, exist_ok=True)
            write_contact_sheet(cells, lambda path: self._pixels(*pictures[path]), sheet)
        return bool(cells)

    def _pixels(self, number: int, frame: int) -> Pixels:
        settings, spec = self._manifest.settings, self._manifest.tasks[number]
        wanted = ImageFormat.of if has_picture(settings, spec) else ImageFormat.audited
        return self._decoder.decode(self._file(number, frame), wanted(settings, spec.region))

    def _file(self, number: int, frame: int) -> Path:
        """The picture; where a frame is finished from several tasks' passes, those of this one."""
        finished = has_picture(self._manifest.settings, self._manifest.tasks[number])
        return self._folders[number] / (frame_file(frame) if finished else passes_file(frame))

    def _fault(self, number: int, frame: int, error: EvidenceError) -> None:
        at = middle(self._manifest, number, frame)
        self.faults.append(Odd(number, frame, error.code, error.message, at))


def _accepted(status: JobStatus) -> list[int]:
    return [task.task for task in status.tasks if has_accepted_result(task, provisional=True)]


def _nothing(status: JobStatus, asked: Sequence[int] | None) -> InputError:
    job_id = status.job.job_id
    which = "no task" if asked is None else "task " + ", ".join(map(str, asked))
    return InputError(
        "preview.nothing",
        f"{which} of job {job_id} is accepted, or not drawn, with its appeal window open",
        remedy=f"`tileproof client status {job_id}` shows where each task stands; what is paid is brought "
        f"by `tileproof client fetch {job_id}`",
        job=job_id,
    )
