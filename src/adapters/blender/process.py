"""One Blender as a child: spoken to in lines, watched, and killed as a group.

Two pipes of their own carry requests and answers. A reader thread collects what Blender prints;
a watcher thread enforces the limits. Whatever ends the child early ends the request that
waits for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from ...domain.canonical import nests_too_deep
from ...domain.errors import EvidenceError, MachineError
from ...ports.renderer import Limits
from .find import INSIDE, SOFTWARE_GL, BlenderBuild
from .limits import descendants, exceeded, written_bytes
from .log import Tail, share_done
from .sandbox import Sandbox

WATCH_SECONDS = 0.25
GOODBYE_SECONDS = 2.0
ANSWER_BYTES = 1 << 20

_MESSAGES = {
    "render.timeout": "Blender was stopped after {wall_seconds:.0f} s",
    "render.out_of_memory": "Blender used more than {memory_bytes} bytes of memory",
    "render.output_too_large": "Blender wrote more than {output_bytes} bytes",
    "render.crashed": "Blender ended without an answer",
}
_REMEDIES = {
    "render.timeout": "raise the time limit, or render fewer samples",
    "render.out_of_memory": "raise the memory limit, or use a machine with more memory",
    "render.output_too_large": "the scene writes more than its pictures; look at its log",
    "render.crashed": "look at the last lines of Blender's log",
}


class BlenderProcess:
    """A started Blender; ``close`` must be called, and leaves nothing of the group alive.

    ``script`` is started with the arguments ``arguments`` and, behind them, the descriptors of
    its two pipes (requests, answers).
    """

    def __init__(
        self,
        blender: BlenderBuild,
        sandbox: Sandbox,
        script: str,
        arguments: Sequence[str],
        *,
        read_only: Sequence[Path],
        out: Path,
        limits: Limits,
    ) -> None:
        self._out, self._limits = out, limits
        self._tail = Tail()
        self._on_share: Callable[[float], None] | None = None
        self._broken: str | None = None
        self._abandoned: Exception | None = None
        self._ended = threading.Event()
        self._deadline = time.monotonic() + limits.wall_seconds
        child_reads, self._requests = os.pipe()
        self._answers, child_writes = os.pipe()
        command = blender.command(INSIDE / script, *arguments, str(child_reads), str(child_writes))
        wrapped = sandbox.wrap(
            command, read_only=[*blender.mounts, INSIDE, *read_only], writable=out, env=_environment(limits)
        )
        try:
            self._child = subprocess.Popen(
                wrapped.argv,
                env=dict(wrapped.env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(child_reads, child_writes),
                start_new_session=True,
                cwd=out,
            )
        except OSError as error:
            for descriptor in (self._requests, self._answers):
                os.close(descriptor)
            raise MachineError(
                "blender.missing",
                f"{blender.executable} cannot be started: {error}",
                remedy="set BLENDER_PATH to a Blender that starts",
            ) from error
        finally:
            os.close(child_reads)
            os.close(child_writes)
        self._buffer = b""
        self._reader = threading.Thread(target=self._read_output, daemon=True)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._reader.start()
        self._watcher.start()

    def ask(
        self, request: dict[str, object], *, on_share: Callable[[float], None] | None = None
    ) -> dict[str, object]:
        """Sends one request and waits for its answer.

        Raises MachineError ``render.…`` when a limit or a crash came first; what ``on_share``
        raised; EvidenceError or MachineError with the child's own code when it refused.
        """
        self._on_share = on_share
        try:
            self._send(request)
            line = self._receive()
        finally:
            self._on_share = None
        if written_bytes(self._out) > self._limits.output_bytes:  # between two looks of the watcher
            self._broken = "render.output_too_large"
            raise self._failure()
        return _unpacked(line)

    def receive(self) -> dict[str, object]:
        """Waits for an answer nobody asked for: of a script that only reports."""
        return _unpacked(self._receive())

    def log_tail(self, lines: int) -> tuple[str, ...]:
        return self._tail.last(lines)

    def close(self) -> None:
        """A goodbye, a short wait, then the end of the whole group."""
        with contextlib.suppress(MachineError):
            self._send({"do": "bye"})
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(GOODBYE_SECONDS if self._broken is None else 0)
        self._kill()
        self._ended.set()
        self._watcher.join()
        self._reader.join()
        for descriptor in (self._requests, self._answers):
            os.close(descriptor)
        if self._child.stdout is not None:
            self._child.stdout.close()

    def _send(self, request: dict[str, object]) -> None:
        data = json.dumps(request).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self._requests, data) :]
        except OSError as error:  # the other end is gone
            raise self._failure() from error

    def _receive(self) -> bytes:
        while b"\n" not in self._buffer:
            readable, _, _ = select.select([self._answers], [], [], WATCH_SECONDS)
            if not readable:
                if self._child.poll() is None:
                    continue
                raise self._failure()  # a stray of the group may still hold the pipe open
            piece = os.read(self._answers, 65536)
            if not piece or len(self._buffer) > ANSWER_BYTES:
                raise self._failure()
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _failure(self) -> Exception:
        if self._abandoned is not None:
            return self._abandoned
        code = self._broken or "render.crashed"
        self._kill()
        self._child.wait()
        last = self._tail.last(12)
        values = {
            name: getattr(self._limits, name) for name in ("wall_seconds", "memory_bytes", "output_bytes")
        }
        return MachineError(
            code,
            _MESSAGES[code].format(**values),
            remedy=_REMEDIES[code],
            exit_status=self._child.returncode,
            log="\n".join(last),
        )

    def _read_output(self) -> None:
        assert self._child.stdout is not None
        for raw in iter(lambda: self._child.stdout.readline(65536), b""):  # type: ignore[union-attr]
            line = raw.decode(errors="replace")
            self._tail.add(line)
            on_share, share = self._on_share, share_done(line)
            if on_share is None or share is None:
                continue
            try:
                on_share(share)
            except Exception as stop:  # noqa: BLE001  # handed to the thread that waits for the answer
                self._abandoned, self._on_share = stop, None
                self._kill()

    def _watch(self) -> None:
        while not self._ended.wait(WATCH_SECONDS):
            if self._child.poll() is not None:
                return
            late = time.monotonic() > self._deadline
            broken = "render.timeout" if late else exceeded(self._child.pid, self._out, self._limits)
            if broken is not None:
                self._broken = broken
                self._kill()
                return

    def _kill(self) -> None:
        """Ends the group, and descendants that left it for a session of their own."""
        strays = descendants(self._child.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        for stray in strays:
            with contextlib.suppress(psutil.Error):
                stray.kill()
        self._child.wait()


def _environment(limits: Limits) -> dict[str, str]:
    threads = str(limits.threads)
    return {
        "OMP_NUM_THREADS": threads,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "BLENDER_USER_RESOURCES": "/tmp/blender",
        "LP_NUM_THREADS": threads,
        **SOFTWARE_GL,
    }


def _unpacked(line: bytes) -> dict[str, object]:
    """The child handled a stranger's scene, so its answer is a stranger's too."""
    try:
        if nests_too_deep(line):
            raise ValueError
        answer = json.loads(line)
        if "ok" in answer:
            return dict(answer["ok"])
        code, message = str(answer["error"]["code"])[:64], str(answer["error"]["message"])[:2000]
    except (ValueError, KeyError, TypeError) as error:
        raise MachineError(
            "render.crashed", "Blender answered what cannot be read", remedy=_REMEDIES["render.crashed"]
        ) from error
    if code.startswith("scene."):
        raise EvidenceError(code, message)
    raise MachineError(
        "render.crashed", f"Blender could not do it: {message}", remedy=_REMEDIES["render.crashed"]
    )
