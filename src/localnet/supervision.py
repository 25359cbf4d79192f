"""Keeping a local network up, looking at it from another process, and taking it down."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import FrameType

import psutil

from ..domain.errors import ConfigError, ServiceError
from .network import LocalNetwork, Shape, running_network

_STATE = "supervisor.json"
_LOOK_SECONDS = 0.5
START_SECONDS = 180.0
STOP_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class NetworkStatus:
    """``processes`` are (name, pid, whether it runs)."""

    folder: Path
    is_up: bool
    rpc_url: str = ""
    contract: str = ""
    ipfs_api: str = ""
    processes: tuple[tuple[str, int, bool], ...] = ()


def run_until_stopped(
    folder: Path, cache: Path, shape: Shape, *, on_up: Callable[[NetworkStatus], None]
) -> None:
    """Starts the network and watches it until SIGTERM or Ctrl-C, then stops all of it.

    Raises ConfigError ``localnet.already_up``; ServiceError ``localnet.died`` when a service
    ends by itself; as ``running_network``.
    """
    if read_status(folder).is_up:
        raise ConfigError(
            "localnet.already_up",
            f"a local network is up in {folder}",
            remedy="use it, or stop it with `tileproof localnet down`",
            path=folder,
        )
    stopped = Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with running_network(folder, cache, shape) as network:
            _write_state(network)
            on_up(read_status(folder))
            while not stopped.wait(_LOOK_SECONDS):
                _check_services(network)
    finally:
        (folder / _STATE).unlink(missing_ok=True)
        for number, handler in before.items():
            signal.signal(number, handler)


def start_detached(folder: Path, home: Path, flags: Sequence[str]) -> NetworkStatus:
    """Starts ``tileproof localnet up`` in the background and waits until it is up.

    Raises ServiceError ``localnet.not_ready`` with what it said.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "supervisor.log"
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "tileproof.cli", "--home", str(home), "localnet", "up", *flags],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        status = read_status(folder)
        if status.is_up:
            return status
        if child.poll() is not None:
            break
        Event().wait(_LOOK_SECONDS / 2)
    if child.poll() is None:
        child.terminate()
        child.wait(STOP_SECONDS)
    raise ServiceError(
        "localnet.not_ready",
        f"the local network did not come up: {log.read_text(errors='replace')[-1500:]}",
        remedy=f"look at {log} and {folder / 'logs'}",
    )


def read_status(folder: Path) -> NetworkStatus:
    """What the network's own files and the process table say."""
    try:
        state = json.loads((folder / _STATE).read_text())
        network = tomllib.loads((folder / "network.toml").read_text())
    except (OSError, ValueError):
        return NetworkStatus(folder, is_up=False)
    processes = tuple(
        (name, int(pid), _is(int(pid), float(started))) for name, (pid, started) in state.items()
    )
    return NetworkStatus(
        folder,
        is_up=any(name == "supervisor" and running for name, _, running in processes),
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
    if not found.is_up:
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


def _write_state(network: LocalNetwork) -> None:
    a, b = network.nodes
    pids = {
        "supervisor": os.getpid(),
        "devnet": network.devnet.child.pid,
        "kubo-a": a.child.pid,
        "kubo-b": b.child.pid,
        **{name: child.pid for name, child in network.roles.items()},
    }
    # With the start time, a process id that the system has given to another is not taken for ours.
    state = {name: (pid, psutil.Process(pid).create_time()) for name, pid in pids.items()}
    new = network.folder / f"{_STATE}.new"
    new.write_text(json.dumps(state))
    os.replace(new, network.folder / _STATE)


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
