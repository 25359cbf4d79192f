"""A journal in memory: it outlives the role that wrote it, as a file outlives a process."""

from __future__ import annotations

import json

from tileproof.ports.journal import Record


class FakeJournal:
    """Records are kept as JSON text, so what a file could not keep is refused here too."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], str] = {}

    def put(self, kind: str, key: str, record: Record) -> None:
        self._kept[kind, key] = json.dumps(dict(record), allow_nan=False)

    def get(self, kind: str, key: str) -> Record | None:
        body = self._kept.get((kind, key))
        return None if body is None else _loaded(body)

    def all(self, kind: str) -> dict[str, Record]:
        return {key: _loaded(body) for (its, key), body in self._kept.items() if its == kind}

    def remove(self, kind: str, key: str) -> None:
        self._kept.pop((kind, key), None)

    @property
    def is_empty(self) -> bool:
        return not self._kept


def _loaded(body: str) -> Record:
    record: dict[str, object] = json.loads(body)
    return record
