"""Whether to finish what was begun when asked to stop."""

from __future__ import annotations

from ..intake.fetching import Stopped
from ..ports.clock import Clock


class Ending:
    """Grants ``finish_seconds`` from when it first notices that the process was asked to stop."""

    def __init__(self, clock: Clock, finish_seconds: float) -> None:
        self._clock, self._finish_seconds = clock, finish_seconds
        self._until: float | None = None

    def check(self, left: float) -> None:
        """Says nothing while nobody asked to stop, or when ``left`` more seconds still fit.

        Raises Stopped.
        """
        if not self._clock.stopping:
            return
        now = self._clock.monotonic()
        if self._until is None:
            self._until = now + self._finish_seconds
        if now + left > self._until:
            raise Stopped


class Pace:
    """How long a number of frames will still take, by how long the first of them took."""

    def __init__(self, clock: Clock, frames: int) -> None:
        self._clock, self._frames, self._done = clock, frames, 0
        self._began = clock.monotonic()

    def next(self) -> None:
        """One more frame is done."""
        self._done += 1

    def left(self, share: float = 0.0) -> float:
        """Seconds for all frames not done, of which the first is done to ``share``; endless
        while nothing can be told."""
        done = self._done + share
        if done <= 0:
            return float("inf")
        return (self._clock.monotonic() - self._began) / done * (self._frames - done)
