"""Where a program is built: its prefix, its scratch folder, its log, and commands that fill them."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..domain.errors import MachineError

Version = tuple[int, ...]
_ASK_SECONDS = 60
_LOOK_SECONDS = 0.5
_TAIL_BYTES = 4096
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Bench:
    """The folders, the log and the lock of one build.

    ``prefix`` becomes the tool. ``work`` keeps what makes another try quicker; ``shared`` keeps what
    makes the build of another tool quicker. ``tool`` is the name for messages. ``lock`` is the open
    file whose lock holds off other runs. ``tell`` receives the log's last line now and then.
    """

    tool: str
    prefix: Path
    work: Path
    shared: Path
    log: Path
    lock: int
    tell: Callable[[str], None]

    def need(self, program: str, least: Version, how: str) -> str:
        """The path of a program that builds.

        Raises MachineError ``provision.no_builder`` when it is missing or older than ``least``.
        """
        found = shutil.which(program)
        wanted = ".".join(map(str, least))
        if found is None:
            raise self._no_builder(f"{program} {wanted} or later is needed and is not on PATH", how, program)
        said = _version_line(found, "version" if program == "go" else "--version")
        match = re.search(r"(\d+)\.(\d+)", said)
        if match is None or (int(match[1]), int(match[2])) < least:
            has = match[0] if match else "of an unknown version"
            raise self._no_builder(
                f"{program} {wanted} or later is needed and {found} is {has}", how, program
            )
        return found

    def run(self, command: Sequence[str], variables: Mapping[str, str] | None = None) -> str:
        """Runs a command in the scratch folder and returns what it printed to standard output.

        Everything it prints goes to the log. It runs in a process group of its own, which ends with
        this call, and does not outlive us. Raises MachineError ``provision.build_failed`` with the
        log's name, or ``provision.disk_full`` where the log says that this is why.
        """
        started = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log, tempfile.TemporaryFile(dir=self.work) as answer:
            log.write(f"$ {shlex.join(command)}\n".encode())
            log.flush()
            process = subprocess.Popen(
                command,
                cwd=self.work,
                env={**os.environ, **(variables or {})},
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=log,
                # Whoever waits for the lock waits for what a killed build left running, too.
                pass_fds=(self.lock,),
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
            try:
                while process.poll() is None:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(_LOOK_SECONDS)
                    self.tell(_last_line(self.log))
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            answer.seek(0)
            printed = answer.read()
            log.write(printed)
        if process.returncode != 0:
            raise self._failed(command, process.returncode, started)
        return printed.decode(errors="replace")

    def _failed(self, command: Sequence[str], status: int, started: int) -> MachineError:
        with self.log.open("rb") as log:
            log.seek(started)
            said = log.read()
        if os.strerror(errno.ENOSPC).encode() in said:
            return disk_full(self.tool, self.work)
        return MachineError(
            "provision.build_failed",
            f"building {self.tool}: `{shlex.join(command)}` ended with status {status}",
            remedy=f"its output is in {self.log}; another try goes on where this one stopped",
            tool=self.tool,
            log=self.log,
            last=said[-_TAIL_BYTES:].decode(errors="replace").strip().rpartition("\n")[2],
        )

    def _no_builder(self, message: str, how: str, program: str) -> MachineError:
        return MachineError(
            "provision.no_builder",
            f"to build {self.tool}, {message}",
            remedy=f"{how}, or put {self.tool} on PATH",
            tool=self.tool,
            program=program,
        )


def disk_full(tool: str, place: Path) -> MachineError:
    """What is raised when there is no room, or not enough, for ``tool`` at ``place``."""
    free = shutil.disk_usage(place).free
    return MachineError(
        "provision.disk_full",
        f"no room for {tool}: {place} has {free / 2**30:.1f} GiB left",
        remedy="make room there, or name a roomier folder in TILEPROOF_CACHE",
        tool=tool,
        path=place,
        free_bytes=free,
    )


def _version_line(program: str, ask: str) -> str:
    """What a program says of its version; nothing when it fails or does not answer."""
    try:
        return subprocess.run(
            [program, ask],
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=True,
            stdin=subprocess.DEVNULL,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
