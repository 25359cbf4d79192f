"""The log lines of one job, of every role of this machine, as people and scripts read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .console import note, say, show_json

if TYPE_CHECKING:
    from ..adapters.role_log import Line

_LEVELS = {"debug": "  ", "info": "  ", "warning": "! ", "error": "!!", "critical": "!!"}
"""What marks a line, so that trouble is found at a glance."""


def show_logs(state: Path, job: int, task: int | None, *, as_json: bool) -> None:
    """Prints the job's lines from the roles' log files below ``state``."""
    from ..adapters.role_log import lines_of_job

    with lines_of_job(state, job, task) as found:
        if as_json:
            counts = {"files": found.files, "unreadable": found.unreadable}
            show_json({"job_id": job, **counts}, rows=("lines", found.lines))
            return
        if not found.files:
            say(f"no role of this network has logged anything below {state}")
        elif not _show(found.lines):
            say(f"none of the roles on this machine has logged a line of job {job}")
        if found.unreadable:
            note(f"left out: {found.unreadable} lines that are no log lines")


def _show(lines: Iterator[Line]) -> bool:
    """Prints the lines under a heading per attempt; returns False if there was none."""
    from ..adapters.log_lines import escaped

    last: tuple[object, object] | None = None
    for line in lines:
        here = (line.get("task"), line.get("attempt"))
        if here != last:
            last = here
            say(_heading(*here))
        who = f"{line['role']} {_short(str(line['account']))}"
        say(f"  {line['time']} {_LEVELS[str(line['level'])]} {who}  {escaped(str(line['message']))}")
    return last is not None


def _heading(task: object, attempt: object) -> str:
    if task is None:
        return "the whole job"
    return f"task {task}" if attempt is None else f"task {task}, attempt {attempt}"


def _short(account: str) -> str:
    return f"{account[:6]}…{account[-4:]}" if len(account) > 12 else account
