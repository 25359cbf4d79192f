"""How long a block takes, as this process has seen it: windows count blocks, renders seconds."""

from __future__ import annotations

from ..ports.ledger import Head

_LEAST_BLOCKS = 5
_CAUTION = 0.8


class Pace:
    """A cautious estimate (four fifths of the mean) from the chain's own timestamps."""

    def __init__(self, assumed_seconds: float) -> None:
        self._assumed = assumed_seconds
        self._first: Head | None = None
        self._last: Head | None = None

    def observe(self, head: Head) -> None:
        if self._first is None or head.block < self._first.block:
            self._first = head
        self._last = head

    @property
    def seconds_per_block(self) -> float:
        if self._first is None or self._last is None:
            return self._assumed
        blocks = self._last.block - self._first.block
        if blocks < _LEAST_BLOCKS:
            return self._assumed * _CAUTION
        return max(0.05, (self._last.timestamp - self._first.timestamp) / blocks * _CAUTION)
