"""A role's own log file beside its journal, and the lines of one job from all such files.

Roles append JSON lines; a full file makes room for a new one. Reading goes on while roles write:
a line that is cut off, too long or no log line is left out and counted.
"""

from __future__ import annotations

import heapq
import json
import logging
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, BinaryIO

from ..domain.canonical import MAX_DEPTH, nests_too_deep
from .log_lines import NAMES, JsonFormatter

FILE = "log.jsonl"
MAX_FILE_BYTES, OLDER_FILES = 8 << 20, 4
MAX_LINE_BYTES = 64 << 10
SORTED_IN_MEMORY = 20_000
"""Lines that are sorted at once; more go through temporary files."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_LEVELS = frozenset({"debug", "info", "warning", "error", "critical"})

Line = Mapping[str, object]


class _RoleLogHandler(RotatingFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        """Does nothing: a full disk must not end a role, and stderr still has the line."""


@contextmanager
def role_log(home: Path) -> Iterator[None]:
    """Copies what this process logs, from INFO on, to ``home``'s log file until the block ends."""
    home.mkdir(parents=True, exist_ok=True)
    handler = _RoleLogHandler(
        home / FILE, maxBytes=MAX_FILE_BYTES, backupCount=OLDER_FILES, encoding="utf-8", delay=True
    )
    handler.setLevel(logging.INFO)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger("tileproof")
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


@dataclass(frozen=True, slots=True)
class JobLines:
    """A job's lines by task, attempt and time; ``unreadable`` counts what was left out."""

    lines: Iterator[Line]
    files: int
    unreadable: int


@contextmanager
def lines_of_job(state: Path, job: int, task: int | None = None) -> Iterator[JobLines]:
    """Gives the lines of a job, or of one of its tasks, from every role's log below ``state``.

    A line that names no job or no task belongs to it by a transaction that another of its lines
    names. Memory is bounded.
    """
    with ExitStack() as stack:
        opened = _opened(state, stack)
        transactions: set[str] = set()
        for _, file in opened:
            for line in _parsed(file, b'"transaction"'):
                if line is not None and "transaction" in line and _is_of(line, job, task, set()):
                    transactions.add(str(line["transaction"]))
        unreadable = 0

        def wanted() -> Iterator[dict[str, object]]:
            nonlocal unreadable
            for role, file in opened:
                for line in _parsed(file):
                    if line is None:
                        unreadable += 1
                    elif _is_of(line, job, task, transactions):
                        yield {**role, **line}

        chunks: list[Iterator[dict[str, object]]] = []
        found = wanted()
        while chunk := list(islice(found, SORTED_IN_MEMORY)):
            chunk.sort(key=_order)
            chunks.append(iter(chunk) if len(chunk) < SORTED_IN_MEMORY else _spilled(chunk, stack))
        yield JobLines(heapq.merge(*chunks, key=_order), len(opened), unreadable)


def _opened(state: Path, stack: ExitStack) -> list[tuple[dict[str, object], BinaryIO]]:
    """Opens every log file once, the oldest of a role first: a rotation meanwhile changes nothing."""
    opened: dict[tuple[int, int], tuple[dict[str, object], BinaryIO]] = {}
    for home in sorted(state.glob("*/*")):
        for number in range(OLDER_FILES, -1, -1):
            try:
                file = (home / (f"{FILE}.{number}" if number else FILE)).open("rb")
            except OSError:
                continue
            stack.enter_context(file)
            status = os.fstat(file.fileno())
            opened[status.st_dev, status.st_ino] = ({"role": home.parent.name, "account": home.name}, file)
    return list(opened.values())


def _parsed(file: BinaryIO, having: bytes = b"") -> Iterator[dict[str, object] | None]:
    """Yields each line of the file with ``having`` in it; None in place of one that cannot be used."""
    file.seek(0)
    while data := file.readline(MAX_LINE_BYTES):
        if not data.endswith(b"\n"):
            if len(data) < MAX_LINE_BYTES:
                return  # the end of the file: its role is writing it, or was killed
            while (rest := file.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield None
            continue
        if having in data:
            yield _line(data)


def _line(data: bytes) -> dict[str, object] | None:
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and nests_too_deep(data):
        return None
    try:
        line = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(line, dict):
        return None
    texts = [line.get(name) for name in ("time", "level", "logger", "message")]
    texts.append(line.get("transaction", ""))
    numbers = [line[name] for name in NAMES[:3] if name in line]
    if not all(isinstance(text, str) for text in texts):
        return None
    if not _TIME.fullmatch(line["time"]) or line["level"] not in _LEVELS:
        return None
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
        return None
    return line


def _is_of(line: Line, job: int, task: int | None, transactions: set[str]) -> bool:
    if line.get("job") == job and (task is None or line.get("task") == task):
        return True
    shared = line.get("job", job) == job and "task" not in line  # it may serve several tasks
    return shared and str(line.get("transaction")) in transactions


def _order(line: Line) -> tuple[int, int, str]:
    task, attempt = line.get("task", -1), line.get("attempt", -1)
    assert isinstance(task, int)
    assert isinstance(attempt, int)
    return task, attempt, str(line["time"])


@contextmanager
def _temporary() -> Iterator[IO[str]]:
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        yield file


def _spilled(chunk: Sequence[Line], stack: ExitStack) -> Iterator[dict[str, object]]:
    file = stack.enter_context(_temporary())
    file.writelines(f"{json.dumps(line)}\n" for line in chunk)
    file.seek(0)
    return (json.loads(text) for text in file)
