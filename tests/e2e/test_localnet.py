"""A whole network from the command line: up, looked at, used, and gone without a trace.

Each is a process tree of its own, and what must not outlive it is counted by process id.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.stage import wait_until
from tests.e2e.user import User
from tests.services.blender import Tiny

SMALL = ("--workers", "1", "--verifiers", "1")
ALONE = ("--workers", "0", "--verifiers", "0")
GONE_SECONDS = 60.0

pytestmark = [pytest.mark.devnet, pytest.mark.kubo, pytest.mark.blender, pytest.mark.sandbox]


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    """A user whose network, if it is still up after the test, is ended."""
    user = User(tmp_path)
    yield user
    user.run("localnet", "down")


def up(user: User, *flags: str) -> list[psutil.Process]:
    """Every process of the network that ``localnet up --detach`` left behind."""
    done = user.run("localnet", "up", "--detach", *flags)
    assert done.returncode == 0, done.stderr
    return tree(user)


def tree(user: User) -> list[psutil.Process]:
    supervisor = psutil.Process(status(user)["processes"]["supervisor"]["pid"])
    return [supervisor, *supervisor.children(recursive=True)]


def status(user: User) -> Any:
    return user.answer("localnet", "status")


def is_rendering(supervisor: psutil.Process) -> bool:
    """Whether some Blender of the network is at work."""

    def is_blender(process: psutil.Process) -> bool:
        try:
            return any(part.endswith("inside/serve.py") for part in process.cmdline())
        except psutil.Error:
            return False

    return any(is_blender(process) for process in supervisor.children(recursive=True))


def wait_until_gone(processes: list[psutil.Process]) -> None:
    def left() -> list[psutil.Process]:
        return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]

    wait_until(lambda: not left(), GONE_SECONDS, lambda: f"still there: {left()}")


@pytest.mark.long
def test_a_network_that_is_up_renders_a_job_and_goes_down_whole(user: User, tiny: Tiny) -> None:
    processes = up(user, *SMALL)
    found = status(user)
    names = {"supervisor", "devnet", "kubo-a", "kubo-b", "worker-a", "verifier-a"}
    assert set(found["processes"]) == names
    assert found["up"] is True
    assert all(process["running"] for process in found["processes"].values())

    before = user.files()
    for command in (["localnet", "up"], ["localnet", "up", "--detach"]):
        done = user.run(*command)
        assert done.returncode == 3
        assert "localnet.already_up" in done.stderr
    assert status(user) == found, "the first goes on undisturbed"
    assert set(user.files()) == set(before)

    requester = ("--network", "localnet", "--account", "requester", "client")
    done = user.run(
        *(*requester, "submit", str(tiny("plain")), "--reward", "1", "--frames", "2", "--wait"),
        *("--out", "frames"),
    )
    assert done.returncode == 0, done.stderr
    assert "1 frame in frames: every file checked" in done.stdout
    assert (user.folder / "frames" / "0002.png").is_file()

    done = user.run("localnet", "down")
    assert (done.returncode, done.stdout) == (0, "network down; nothing is left running\n")
    wait_until_gone(processes)
    assert status(user)["up"] is False
    assert user.run("localnet", "down").stdout == "nothing was running\n"
    assert user.run("localnet", "reset").returncode == 0
    assert not (user.home / "localnet").exists()


@pytest.mark.long
def test_ctrl_c_leaves_no_process(user: User) -> None:
    with subprocess.Popen(
        [*user.command("localnet", "up"), *SMALL],
        cwd=user.folder,
        env=user.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as supervisor:
        wait_until(lambda: bool(status(user)["up"]), 120, "the network is not up")
        processes = tree(user)
        assert len(processes) >= 6
        os.killpg(supervisor.pid, signal.SIGINT)  # as a terminal sends it
        out, err = supervisor.communicate(timeout=GONE_SECONDS)
    assert supervisor.returncode == 0, err
    assert err.endswith("network down; nothing is left running\n")
    assert "Traceback" not in out + err
    wait_until_gone(processes)


def test_ctrl_c_while_it_starts_does_not_wait_until_it_is_up(user: User) -> None:
    with subprocess.Popen(
        [*user.command("localnet", "up"), *SMALL],
        cwd=user.folder,
        env=user.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as supervisor:
        wait_until(lambda: bool(status(user)["starting"]), 60, "it never said that it starts")
        process = psutil.Process(supervisor.pid)
        wait_until(lambda: bool(process.children()), 60, "devnet never started")
        processes = [process, *process.children(recursive=True)]
        supervisor.send_signal(signal.SIGINT)
        out, err = supervisor.communicate(timeout=GONE_SECONDS)
    assert supervisor.returncode == 0, err
    assert out == "", "it was never up"
    wait_until_gone(processes)


@pytest.mark.long
def test_a_killed_supervisor_takes_everybody_with_it_in_the_middle_of_a_job(user: User, tiny: Tiny) -> None:
    up(user, *SMALL)
    requester = ("--network", "localnet", "--account", "requester", "client")
    user.answer(*requester, "submit", str(tiny("adaptive")), "--reward", "1", "--frames", "1-9")
    supervisor = psutil.Process(status(user)["processes"]["supervisor"]["pid"])
    wait_until(lambda: is_rendering(supervisor), 120, "no worker took the job")
    processes = [supervisor, *supervisor.children(recursive=True)]
    supervisor.kill()
    wait_until_gone(processes)
    found = status(user)
    assert (found["up"], found["ended"]) == (False, "its supervisor was killed")
    assert user.run("localnet", "down").stdout == "nothing was running\n"
    up(user, *ALONE)


def test_a_service_that_dies_is_noticed_and_the_rest_is_stopped(user: User) -> None:
    processes = up(user, *ALONE)
    os.kill(status(user)["processes"]["kubo-b"]["pid"], signal.SIGKILL)
    wait_until_gone(processes)
    found = status(user)
    assert found["up"] is False
    assert "kubo ended with status -9" in found["ended"]
    assert "ended by itself: kubo ended" in user.run("localnet", "status").stdout


def test_a_port_that_somebody_holds_is_named_before_anything_starts(user: User) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        for detach in ([], ["--detach"]):
            done = user.run("localnet", "up", "--port", str(port), *detach)
            assert done.returncode == 3
            assert f"localnet.port_taken: port {port} cannot be used" in done.stderr
    assert not (user.home / "localnet").exists()


def test_a_machine_without_devnet_is_told_how_to_get_it(user: User) -> None:
    done = user.run("localnet", "up", TILEPROOF_CACHE=str(user.folder / "empty"), PATH="/usr/bin:/bin")
    assert done.returncode == 4
    assert "provision.missing: devnet 0.10.1" in done.stderr
    assert "tileproof setup devnet" in done.stderr
    assert status(user)["up"] is False
