"""Time, as roles need it: to stamp, to wait, to give up."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Unix seconds by the wall clock; for logs and leases."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; for durations and deadlines."""
        ...

    def wait(self, seconds: float) -> bool:
        """Waits at most ``seconds``. True when the process was asked to stop meanwhile."""
        ...

    @property
    def stopping(self) -> bool:
        """True once the process has been asked to stop (SIGTERM, Ctrl-C)."""
        ...
