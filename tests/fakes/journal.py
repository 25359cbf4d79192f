"""A journal in memory: it outlives the role that wrote it, as a file outlives a process."""

from __future__ import annotations

from tileproof.adapters.store.memory import MemoryJournal


class FakeJournal(MemoryJournal):
    """A test can ask it whether anything is left."""

    @property
    def is_empty(self) -> bool:
        return not self._kept
