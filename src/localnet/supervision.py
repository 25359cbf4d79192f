"""Keeping a local network up, looking at it from another process, and taking it down."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING

import psutil
from filelock import FileLock, Timeout

from ..domain.errors import ConfigError, ServiceError, TileproofError

if TYPE_CHECKING:
    from .network import LocalNetwork, Shape

_STATE, _LOCK, _ENDED = "supervisor.json", "supervisor.lock", "ended.txt"
_LOOK_SECONDS = 0.5
_STOPPING = [number for name in ("SIGTERM", "SIGINT", "SIGHUP") if (number := getattr(signal, name, None))]
"""Windows has no SIGHUP."""
START_SECONDS = 180.0
STOP_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class NetworkStatus:
    """``processes`` are (name, pid, whether it runs). ``ended`` says why the last run ended by
    itself, if it did."""

    folder: Path
    is_up: bool
    is_starting: bool = False
    ended: str = ""
    rpc_url: str = ""
    contract: str = ""
    ipfs_api: str = ""
    processes: tuple[tuple[str, int, bool], ...] = ()


def run_until_stopped(
    folder: Path, cache: Path, shape: Shape, *, on_up: Callable[[NetworkStatus], None]
) -> None:
    """Starts the network and watches it until SIGTERM or Ctrl-C, then stops all of it.

    Raises ConfigError as ``check_can_start``; ServiceError ``localnet.died`` when a service ends
    by itself; as ``running_network``.
    """
    from .network import running_network  # here, so that looking and stopping load no Starknet library

    check_can_start(folder, shape.rpc_port)
    with _only_one(folder):
        (folder / _ENDED).unlink(missing_ok=True)
        (folder / "network.toml").unlink(missing_ok=True)  # of a run that was killed
        _write_state(folder, {"supervisor": os.getpid()})
        try:
            with _until_signalled() as signals, running_network(folder, cache, shape) as network:
                _write_state(folder, _pids(network))
                signals.is_up = True
                on_up(read_status(folder))
                while not signals.stopped.wait(_LOOK_SECONDS):
                    _check_services(network)
        except _StoppedEarlyError:
            return
        except TileproofError as error:
            (folder / _ENDED).write_text(f"{error.message}; {error.remedy}")
            raise
        finally:
            (folder / _STATE).unlink(missing_ok=True)


def check_can_start(folder: Path, rpc_port: int | None) -> None:
    """Raises ConfigError ``localnet.already_up``, ``localnet.port_taken``."""
    found = read_status(folder)
    if found.is_up or found.is_starting:
        raise _already_up(folder)
    if rpc_port is None:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", rpc_port))
        except OSError as error:
            # Asked for before devnet starts: another devnet there would answer in its place.
            raise ConfigError(
                "localnet.port_taken",
                f"port {rpc_port} cannot be used: {error.strerror}",
                remedy="choose another with --port, or leave it out to get a free one",
                port=rpc_port,
            ) from error


def start_detached(
    folder: Path, home: Path | None, flags: Sequence[str], *, rpc_port: int | None = None
) -> NetworkStatus:
    """Starts ``tileproof localnet up`` in the background and waits until it is up.

    Raises ConfigError as ``check_can_start``; ServiceError ``localnet.not_ready`` with what it said.
    """
    check_can_start(folder, rpc_port)
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "supervisor.log"
    with log.open("wb") as out:
        child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tileproof.cli",
                *(() if home is None else ("--home", str(home))),
                "localnet",
                "up",
                *flags,
            ],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    try:
        while time.monotonic() < deadline and child.poll() is None:
            status = read_status(folder)
            if status.is_up:
                return status
            Event().wait(_LOOK_SECONDS / 2)
    except KeyboardInterrupt:
        _end(child)
        raise
    _end(child)
    raise ServiceError(
        "localnet.not_ready",
        f"the local network did not come up: {log.read_text(errors='replace')[-1500:]}",
        remedy=f"look at {log} and {folder / 'logs'}",
    )


def read_status(folder: Path) -> NetworkStatus:
    """What the network's own files and the process table say."""
    try:
        state = json.loads((folder / _STATE).read_text())
    except (OSError, ValueError):
        ended = folder / _ENDED
        return NetworkStatus(folder, is_up=False, ended=ended.read_text() if ended.is_file() else "")
    processes = tuple(
        (name, int(pid), _is(int(pid), float(started))) for name, (pid, started) in state.items()
    )
    if not any(name == "supervisor" and running for name, _, running in processes):
        return NetworkStatus(folder, is_up=False, ended="its supervisor was killed", processes=processes)
    try:
        network = tomllib.loads((folder / "network.toml").read_text())
    except (OSError, ValueError):
        network = {}
    if not network or len(processes) == 1:
        return NetworkStatus(folder, is_up=False, is_starting=True, processes=processes)
    return NetworkStatus(
        folder,
        is_up=True,
        rpc_url=str(network["rpc_url"]),
        contract=str(network["contract"]),
        ipfs_api=str(network["ipfs_api"]),
        processes=processes,
    )


def stop(folder: Path) -> bool:
    """Asks the supervisor to stop and waits; False when nothing ran.

    Raises ServiceError ``localnet.not_stopped``.
    """
    found = read_status(folder)
    if not (found.is_up or found.is_starting):
        return False
    pid = next(pid for name, pid, _ in found.processes if name == "supervisor")
    supervisor = psutil.Process(pid)
    supervisor.terminate()
    try:
        supervisor.wait(STOP_SECONDS)
    except psutil.TimeoutExpired:
        raise ServiceError(
            "localnet.not_stopped",
            f"the local network's supervisor (process {pid}) still runs after {STOP_SECONDS:.0f} s",
            remedy="look at its logs, then end that process by its id",
            pid=pid,
        ) from None
    return True


def remove(folder: Path) -> None:
    """Stops the network and removes everything it kept."""
    stop(folder)
    shutil.rmtree(folder, ignore_errors=True)


class _StoppedEarlyError(BaseException):
    """Asked to stop before everything was up; no Exception, so that nothing on the way takes it."""


class _Signals:
    def __init__(self) -> None:
        self.is_up, self.stopped = False, Event()

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        first = not self.stopped.is_set()
        self.stopped.set()
        if first and not self.is_up:
            raise _StoppedEarlyError


@contextmanager
def _until_signalled() -> Iterator[_Signals]:
    signals = _Signals()
    before = {number: signal.signal(number, signals.stop) for number in _STOPPING}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Of two that start at the same moment one is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        held = FileLock(folder / _LOCK).acquire(blocking=False)
    except Timeout:
        raise _already_up(folder) from None
    with held:
        yield


def _already_up(folder: Path) -> ConfigError:
    return ConfigError(
        "localnet.already_up",
        f"a local network is up in {folder}",
        remedy="use it, or stop it with `tileproof localnet down`",
        path=folder,
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    child.wait(STOP_SECONDS)


def _pids(network: LocalNetwork) -> dict[str, int]:
    a, b = network.nodes
    return {
        "supervisor": os.getpid(),
        "devnet": network.devnet.child.pid,
        "kubo-a": a.child.pid,
        "kubo-b": b.child.pid,
        **{name: child.pid for name, child in network.roles.items()},
    }


def _write_state(folder: Path, pids: dict[str, int]) -> None:
    # With the start time, a process id that the system has given to another is not taken for ours.
    state = {name: (pid, psutil.Process(pid).create_time()) for name, pid in pids.items()}
    new = folder / f"{_STATE}.new"
    new.write_text(json.dumps(state))
    os.replace(new, folder / _STATE)


def _check_services(network: LocalNetwork) -> None:
    for child in (network.devnet.child, *(node.child for node in network.nodes)):
        if not child.is_running:
            raise ServiceError(
                "localnet.died",
                f"{child.name} ended with status {child.exit_status}",
                remedy=f"look at {child.log}",
                log=child.tail(),
            )


def _is(pid: int, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
