"""What a role must remember across kill -9.

A journal holds one small JSON record per (kind, key). Writes are durable when the call
returns. One process owns a journal at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

Record = Mapping[str, object]


class Journal(Protocol):
    def put(self, kind: str, key: str, record: Record) -> None:
        """Replaces the record; atomic and durable."""
        ...

    def get(self, kind: str, key: str) -> Record | None: ...

    def all(self, kind: str) -> dict[str, Record]:
        """Every record of this kind by key, in order of first writing."""
        ...

    def remove(self, kind: str, key: str) -> None:
        """Idempotent."""
        ...
