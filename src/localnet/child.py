"""A service or role as a child process that never outlives us."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event

from ..domain.errors import ServiceError

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.05
_TAIL_BYTES = 2000
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Ends this process when its parent is killed. Only sound if the thread that starts it lives as
    long as the child: the kernel watches the thread."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """One started process, in a group of its own, its output in a log file.

    Start it from the main thread.
    """

    def __init__(
        self, name: str, argv: Sequence[str | Path], *, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.name, self.log = name, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [str(part) for part in argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        return self._process.poll()

    def wait_until(self, ready: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Polls ``ready`` until it is true.

        Raises ServiceError ``localnet.not_ready`` when the process ends first, or after
        ``seconds``; with the log's last lines.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if ready():
                return
            if not self.is_running:
                break
            Event().wait(_POLL_SECONDS)
        state = "is not ready" if self.is_running else f"ended with status {self.exit_status}"
        raise ServiceError(
            "localnet.not_ready",
            f"{self.name} {state} after {seconds:.0f} s: {what}",
            remedy=f"look at {self.log}",
            log=self.tail(),
        )

    def wait(self, seconds: float) -> int:
        """The exit status. Raises ServiceError ``localnet.not_ready`` when it still runs."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ServiceError(
                "localnet.not_ready", f"{self.name} still runs after {seconds:.0f} s", log=self.tail()
            ) from None

    def ask_to_stop(self) -> None:
        """SIGTERM to the process itself, whose children are its own business."""
        if self.is_running:
            self._process.terminate()

    def kill(self) -> None:
        """SIGKILL to the whole group; returns when the process is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self, seconds: float = 10.0) -> None:
        """Asks, waits, and kills the group, whatever is left of it."""
        self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill()

    def tail(self) -> str:
        try:
            return self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
        except OSError:
            return ""
