"""Jobs, their history and what was fetched, as people and scripts read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..domain.frames import format_frames
from .console import facts, note, say, table
from .show import many, pictures_json, short, terms_json, transaction_url
from .show_appeal import window_json

if TYPE_CHECKING:
    from ..client.fetch import Fetched
    from ..client.history import Entry
    from ..client.status import JobLine, JobStatus
    from ..domain.job import Task
    from ..domain.manifest import Manifest


def status_json(status: JobStatus, manifest: Manifest | None) -> dict[str, object]:
    from ..audit.appealed import appeal_json

    job = status.job
    return {
        "job_id": job.job_id,
        "requester": str(job.requester),
        "manifest": str(job.manifest),
        "created_block": job.created_block,
        "paused": job.paused,
        "closed": job.closed,
        "paid": job.paid,
        "refunded": job.refunded,
        "is_final": status.is_final,
        "counts": {state.value: count for state, count in status.counts.items()},
        "terms": terms_json(job.terms),
        "pictures": pictures_json(manifest) if manifest else None,
        "tasks": [
            {
                "task": task.task,
                "state": task.state.value,
                "outcome": task.outcome.value,
                "attempt": task.attempt,
                "failures": task.failures,
                "worker": str(task.worker) if task.worker else None,
                "lease_until": task.lease_until,
                "result": str(task.result) if task.result else None,
                "round": task.round,
                "seats": list(task.seats),
                "revealed": [verdict.value if verdict else None for verdict in task.revealed],
                "window_ends_block": task.window_ends_block,
                "ground": task.ground.value,
                "index": task.index,
                "appeal": None if task.appeal is None else appeal_json(task.appeal),
                "appeal_window": window_json(task, job.terms),
                "frames": format_frames(manifest.tasks[task.task].frames) if manifest else None,
                "region": str(manifest.tasks[task.task].region) if manifest else None,
            }
            for task in status.tasks
        ],
    }


def show_status(status: JobStatus, manifest: Manifest | None) -> None:
    from ..client.history import in_words

    job = status.job
    flags = [word for word, is_set in (("paused", job.paused), ("closed", job.closed)) if is_set]
    name = f"  {manifest.name}" if manifest else ""
    say(f"job {job.job_id}{name}  {counted(status)}{'  ' + ', '.join(flags) if flags else ''}")
    facts({"requester": job.requester, "reward": f"{job.terms.reward} a task", "manifest": job.manifest})
    say()
    columns = ["task", "state", "attempt", "worker", "outcome", "result"]
    if manifest:
        columns[1:1] = ["frames", "region"]
    rows: list[list[object]] = []
    for task in status.tasks:
        row: list[object] = [
            task.task,
            state_in_words(task),
            task.attempt,
            task.worker.short() if task.worker else "-",
            "-" if task.outcome.value == "Undecided" else in_words(task.outcome),
            short(task.result) if task.result else "-",
        ]
        if manifest:
            spec = manifest.tasks[task.task]
            row[1:1] = [format_frames(spec.frames), spec.region]
        rows.append(row)
    table(columns, rows, right=("task", "attempt"))
    if manifest is None:
        note("frames are not shown: the manifest could not be read from IPFS just now")


def state_in_words(task: Task) -> str:
    """Returns the task's state, and that it is an appeal's where it is."""
    from ..domain.job import TaskState

    state = task.state.value.lower()
    if task.appeal is None or task.state.is_final or task.state is TaskState.APPEALED:
        return state
    return f"{state}, appealed"


def counted(status: JobStatus) -> str:
    parts = [f"{count} {state.value.lower()}" for state, count in status.counts.items()]
    return f"{many(len(status.tasks), 'task')}: " + ", ".join(parts)


def jobs_json(lines: Sequence[JobLine]) -> dict[str, object]:
    jobs = [
        {
            "job_id": line.job.job_id,
            "manifest": str(line.job.manifest),
            "tasks": line.job.task_count,
            "paid": line.job.paid,
            "refunded": line.job.refunded,
            "paused": line.job.paused,
            "closed": line.job.closed,
            "is_final": line.is_final,
            "reward_fri": str(line.job.terms.reward.units),
        }
        for line in lines
    ]
    return {"jobs": jobs}


def show_jobs(lines: Sequence[JobLine]) -> None:
    if not lines:
        say("no jobs yet: `tileproof client submit --help` shows how to make one")
        return
    rows = []
    for line in lines:
        job = line.job
        state = (
            "ended" if line.is_final else "paused" if job.paused else "closing" if job.closed else "running"
        )
        rows.append(
            [job.job_id, state, job.task_count, job.paid, job.refunded, job.terms.reward, short(job.manifest)]
        )
    columns = ["job", "state", "tasks", "paid", "refunded", "reward", "manifest"]
    table(columns, rows, right=("job", "tasks", "paid", "refunded"))


def history_json(entries: Sequence[Entry], explorer_url: str | None) -> dict[str, object]:
    told = [
        {
            "task": entry.task,
            "attempt": entry.attempt,
            "block": entry.block,
            "tx_hash": hex(entry.tx_hash),
            "url": transaction_url(explorer_url, entry.tx_hash),
            "what": entry.what,
            "cid": entry.cid or None,
        }
        for entry in entries
    ]
    return {"entries": told}


def show_history(entries: Sequence[Entry]) -> None:
    if not entries:
        say("nothing has happened yet: no worker has claimed a task")
        return
    last = (-1, -1)
    for entry in entries:
        if (entry.task, entry.attempt) != last:
            last = (entry.task, entry.attempt)
            say(f"task {entry.task}, attempt {entry.attempt}")
        say(f"  block {entry.block:<7} {entry.what}")
        if entry.cid:
            say(f"  {'':<13} {entry.cid}")


def fetched_json(fetched: Fetched) -> dict[str, object]:
    return {
        "folder": str(fetched.folder),
        "frames": list(fetched.frames),
        "new": list(fetched.new),
        "contact_sheet": str(fetched.contact_sheet) if fetched.contact_sheet else None,
        "is_whole": fetched.is_whole,
        "missing": [
            {"task": m.task, "frames": format_frames(m.frames), "code": m.code, "why": m.why}
            for m in fetched.missing
        ],
    }


def show_fetched(fetched: Fetched) -> None:
    for missing in fetched.missing:
        say(f"missing: task {missing.task} (frames {format_frames(missing.frames)}) {missing.why}")
    if fetched.frames:
        new = len(fetched.new)
        fresh = "" if new in (0, len(fetched.frames)) else f", {new} of them new"
        say(f"{many(len(fetched.frames), 'frame')} in {fetched.folder}{fresh}: every file checked")
    if fetched.contact_sheet:
        say(f"contact sheet: {fetched.contact_sheet}")
    if any(missing.code != "closed" for missing in fetched.missing):
        say("fetch again to resume: what is whole is kept")
