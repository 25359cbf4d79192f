"""The Journal port in memory: for a connection that nobody gave a file."""

from __future__ import annotations

import json
import threading

from ...ports.journal import Record


class MemoryJournal:
    """Ends with its process. Records are kept as JSON text, so what a file could not keep is
    refused here too."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], str] = {}
        self._guard = threading.Lock()

    def put(self, kind: str, key: str, record: Record) -> None:
        body = json.dumps(dict(record), allow_nan=False)
        with self._guard:
            self._kept[kind, key] = body

    def get(self, kind: str, key: str) -> Record | None:
        with self._guard:
            body = self._kept.get((kind, key))
        return None if body is None else _loaded(body)

    def all(self, kind: str) -> dict[str, Record]:
        with self._guard:
            kept = list(self._kept.items())
        return {key: _loaded(body) for (its, key), body in kept if its == kind}

    def remove(self, kind: str, key: str) -> None:
        with self._guard:
            self._kept.pop((kind, key), None)


def _loaded(body: str) -> Record:
    record: dict[str, object] = json.loads(body)
    return record
