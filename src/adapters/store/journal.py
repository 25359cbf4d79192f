"""The Journal port on SQLite: durable before the call returns, owned by one process."""

from __future__ import annotations

import errno
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ...domain.errors import MachineError
from ...ports.journal import Record

MIGRATIONS = (
    """CREATE TABLE record (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (kind, key)
    )""",
)
"""Numbered from 1; only ever added to."""


class SqliteJournal:
    """Opens, or makes, the journal at ``path``.

    Raises:
        MachineError: ``journal.in_use`` while another process owns it, ``journal.damaged``
            when the file fails SQLite's integrity check, ``journal.too_new`` when a later
            Tileproof wrote it, ``machine.disk_full``, ``journal.failed``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.RLock()
        with ExitStack() as stack:
            with self._translated():
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._own(stack)
            with self._translated():
                self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
                stack.callback(self._db.close)
                path.chmod(0o600)
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                if self._db.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                    raise self._damaged()
                self._migrate()
                for (body,) in self._db.execute("SELECT body FROM record"):
                    self._loaded(body)
            self._open = stack.pop_all()

    def _own(self, stack: ExitStack) -> None:
        # Of the process, not of a thread: another thread may close the journal.
        lock = FileLock(self._path.with_suffix(".lock"), thread_local=False)
        try:
            stack.enter_context(lock.acquire(blocking=False))
        except Timeout as error:
            raise MachineError(
                "journal.in_use",
                f"another process is using {self._path}",
                remedy="stop the other process of this role and account, or give this one another --home",
                path=self._path,
            ) from error

    def put(self, kind: str, key: str, record: Record) -> None:
        body = json.dumps(dict(record), sort_keys=True, allow_nan=False)
        with self._translated():
            self._db.execute(
                "INSERT INTO record (kind, key, body) VALUES (?, ?, ?) "
                "ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
                (kind, key, body),
            )

    def get(self, kind: str, key: str) -> Record | None:
        with self._translated():
            row = self._db.execute(
                "SELECT body FROM record WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
        return None if row is None else self._loaded(row[0])

    def all(self, kind: str) -> dict[str, Record]:
        with self._translated():
            rows = self._db.execute(
                "SELECT key, body FROM record WHERE kind = ? ORDER BY number", (kind,)
            ).fetchall()
        return {key: self._loaded(body) for key, body in rows}

    def remove(self, kind: str, key: str) -> None:
        with self._translated():
            self._db.execute("DELETE FROM record WHERE kind = ? AND key = ?", (kind, key))

    def close(self) -> None:
        with self._guard:
            self._open.close()

    def _migrate(self) -> None:
        (done,) = self._db.execute("PRAGMA user_version").fetchone()
        if done > len(MIGRATIONS):
            raise MachineError(
                "journal.too_new",
                f"{self._path} was written by a later Tileproof",
                remedy="update Tileproof",
                path=self._path,
            )
        for number, statement in enumerate(MIGRATIONS[done:], start=done + 1):
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {number}")
            self._db.execute("COMMIT")

    def _loaded(self, body: str) -> Record:
        try:
            record = json.loads(body)
        except ValueError:
            raise self._damaged() from None
        if not isinstance(record, dict):
            raise self._damaged()
        return record

    @contextmanager
    def _translated(self) -> Iterator[None]:
        with self._guard:
            try:
                yield
            except (sqlite3.DatabaseError, OSError) as error:
                if "full" in str(error) or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                    raise MachineError(
                        "machine.disk_full",
                        f"no space is left for {self._path}",
                        remedy="free some space and start again; nothing recorded so far is lost",
                        path=self._path,
                    ) from error
                if type(error) is sqlite3.DatabaseError:
                    raise self._damaged() from error
                raise MachineError(
                    "journal.failed",
                    f"{self._path}: {error}",
                    remedy="check the disk, and who may write there",
                    path=self._path,
                ) from error

    def _damaged(self) -> MachineError:
        return MachineError(
            "journal.damaged",
            f"{self._path} is damaged",
            remedy="move it away and start again; the ledger still tells what was claimed and submitted",
            path=self._path,
        )


def peek(path: Path, kind: str) -> list[Record]:
    """Returns the records of a kind without owning the journal, which another process may be using.

    A journal that cannot be read now has none.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)) as db:
            rows = db.execute("SELECT body FROM record WHERE kind = ? ORDER BY number", (kind,)).fetchall()
        records = [json.loads(body) for (body,) in rows]
    except (sqlite3.Error, ValueError):
        return []
    return [record for record in records if isinstance(record, dict)]
