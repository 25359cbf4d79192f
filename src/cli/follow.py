"""Watching a job and fetching from it, as several commands do, with their bars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import show, show_job
from .console import bars, if_interrupted
from .wiring import Ports

if TYPE_CHECKING:
    from ..client.fetch import Fetched
    from ..client.status import JobStatus
    from ..client.watch import Sight
    from ..domain.job import Task
    from ..domain.manifest import Manifest
    from ..domain.money import Fri

INCOMPLETE = 8
"""Exit status when a fetch worked and pictures are missing."""

SHOWN_TASKS = 16
"""Jobs with more tasks show one bar for all of them."""


def watch_job(ports: Ports, job: int) -> JobStatus:
    from ..client.status import may_be_contested
    from ..client.watch import LIFE, steps_done
    from ..client.watch import watch as follow

    goes_on = (
        f"job {job} goes on without you: `tileproof client watch {job}` looks again, "
        f"`tileproof client fetch {job}` brings what is paid"
    )
    with if_interrupted(goes_on), bars() as shown:

        def look(sight: Sight) -> None:
            tasks, bond = sight.status.tasks, sight.status.job.terms.appeal_bond
            ended = sum(task.state.is_final for task in tasks)
            for task in tasks if len(tasks) <= SHOWN_TASKS else ():
                who = f", {task.worker.short()}" if task.worker else ""
                again = f", attempt {task.attempt + 1}" if task.attempt else ""
                steps = steps_done(task)
                window = _window(task, bond)
                live = _window_left(task, sight.block, ports.settings.block_seconds)
                state = show_job.state_in_words(task)
                text = f"{state}{who}{again}{window}"
                shown.update(f"task {task.task}", steps, len(LIFE) - 1, text, live=live)
            left = "" if ended == len(tasks) else _left(sight.seconds_left)
            mean = "" if sight.mean_seconds is None else f", {show.duration(sight.mean_seconds)} a task"
            counts = show_job.counted(sight.status)
            if any(may_be_contested(task) for task in tasks):
                counts += f"; `tileproof client preview {job}` shows what may be appealed"
            shown.update(f"job {job}", ended, len(tasks), counts, live=f"{mean}{left}")

        return follow(
            job, ledger=ports.reader, clock=ports.clock, poll_seconds=ports.settings.poll_seconds, show=look
        )


def fetch_job(
    ports: Ports, status: JobStatus, out: Path | None, *, provisional: bool, overwrite: bool
) -> Fetched:
    from ..client.fetch import fetch as bring
    from ..client.finishing import Finisher
    from ..client.status import read_manifest

    job, timeout = status.job.job_id, ports.settings.fetch_seconds
    manifest = read_manifest(status.job, store=ports.store, timeout=timeout)
    cache = ports.settings.state / "fetching" / f"job-{job}"
    finisher = Finisher(
        manifest,
        store=ports.store,
        clock=ports.clock,
        decoder=ports.decoder,
        renderer=lambda: ports.renderer,
        cache=cache,
        timeout=timeout,
        threads=ports.settings.render_threads,
        memory_bytes=round(ports.settings.memory_gib * 2**30),
    )
    again = f"what is whole already is kept: `tileproof client fetch {job}` resumes"
    with if_interrupted(again), finisher, bars() as shown:

        def progress(task: int, done: int, total: int) -> None:
            shown.update("fetching", done, total, f"{done} of {total} results")

        return bring(
            status,
            manifest,
            out or Path(f"job-{job}"),
            store=ports.store,
            decoder=ports.decoder,
            cache=cache,
            timeout=timeout,
            finisher=finisher,
            provisional=provisional,
            overwrite=overwrite,
            progress=progress,
        )


def manifest_if_there(ports: Ports, status: JobStatus) -> Manifest | None:
    """The manifest when IPFS has it at hand: a status is worth showing without."""
    from ..client.status import read_manifest
    from ..domain.errors import EvidenceError, ServiceError

    try:
        return read_manifest(status.job, store=ports.store, timeout=5)
    except (EvidenceError, ServiceError):
        return None


def _window(task: Task, bond: Fri) -> str:
    from ..client.history import in_words
    from ..client.status import may_be_contested

    if not may_be_contested(task):
        return ""
    return f", {in_words(task.outcome)}: an appeal takes {bond} until block {task.window_ends_block}"


def _window_left(task: Task, block: int, block_seconds: float) -> str:
    """Returns how long an appeal may still be raised. Only a bar shows it: it changes with each block."""
    from ..client.status import may_be_contested
    from ..domain.block_time import from_now

    left = from_now(task.window_ends_block, block, block_seconds) if may_be_contested(task) else ""
    return f" ({left})" if left else ""


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f", about {show.duration(seconds)} left" if seconds >= 1 else ", done any moment"
