"""The network of ``docker-compose.yml``, from an image built from this tree, does a job for real.

``IMAGE`` names an image that is built already. Otherwise ``make image`` builds it: minutes when
nothing of it is cached.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tileproof.domain.money import parse_strk
from tileproof.localnet.prepare import WORKER_DEPOSIT

from tests.services.blender import unavailable
from tests.services.docker import BUILD_SECONDS, COMMAND_SECONDS, ROOT, docker, succeeds

from .stage import STARTED, wait_until

ROLES = ("worker-a", "worker-b", "verifier-a", "verifier-b", "verifier-c")
SERVICES = ("devnet", "kubo-a", "kubo-b", *ROLES)
REWARD = parse_strk("1")
JOB_SECONDS = 240.0

pytestmark = [pytest.mark.long, pytest.mark.docker, pytest.mark.timeout(BUILD_SECONDS + 600)]


@dataclass(frozen=True)
class Containers:
    """The network, up. ``shared`` is the folder that the user's own commands work in."""

    project: str
    compose: tuple[str, ...]
    shared: Path
    image: str

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.compose, "--project-name", self.project, *arguments],
            cwd=ROOT,
            env={**os.environ, "IMAGE": self.image, "SHARED": str(self.shared)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def do(self, *arguments: str) -> str:
        """What a compose command that must succeed says."""
        done = self.attempt(*arguments)
        assert done.returncode == 0, f"{' '.join(arguments)}:\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def tileproof(self, *arguments: str) -> dict[str, object]:
        """The JSON that the requester's command answers."""
        answer: dict[str, object] = json.loads(self.run(*arguments, "--json"))
        return answer

    def run(self, *arguments: str) -> str:
        """What a command of the user's says; it works in the shared folder."""
        return self.do("run", "--rm", "-T", "tileproof", *arguments)

    def within(self, service: str, *command: str) -> str:
        return self.do("exec", "-T", service, *command).strip()

    def inspect(self, service: str) -> dict[str, object]:
        [number] = self.do("ps", "--quiet", service).split()
        [found] = json.loads(docker("inspect", number))
        assert isinstance(found, dict)
        return found

    def logs(self, *services: str) -> str:
        return self.do("logs", "--no-color", *services)


def compose_command() -> tuple[str, ...]:
    """docker-compose, or the plugin of newer Dockers."""
    if shutil.which("docker-compose"):
        return ("docker-compose",)
    if succeeds("docker", "compose", "version"):
        return ("docker", "compose")
    unavailable("there is no docker-compose; install it, or Docker's compose plugin")
    raise AssertionError


@pytest.fixture(scope="module")
def containers(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    shared = tmp_path_factory.mktemp("shared")
    shared.chmod(0o1777)  # as the head of docker-compose.yml says
    network = Containers(f"tileproof-test-{os.getpid()}", compose_command(), shared, image)
    try:
        up = network.attempt("up", "--detach")
        assert up.returncode == 0, f"{up.stderr[-3000:]}\n{network.attempt('logs', '--tail=20').stdout}"
        for role in ROLES:
            wait_until(
                lambda role=role: STARTED in network.logs(role),  # type: ignore[misc]
                JOB_SECONDS,
                lambda role=role: f"{role} did not start:\n{network.logs(role)}",  # type: ignore[misc]
            )
        yield network
    finally:
        # What containers wrote there belongs to their user.
        emptied = ("--entrypoint", "find", "tileproof", "/work", "-mindepth", "1", "-delete")
        network.attempt("run", "--rm", "-T", "--no-deps", *emptied)
        network.attempt("down", "--volumes")


def test_a_job_is_rendered_audited_paid_and_fetched_by_containers_alone(containers: Containers) -> None:
    containers.run("bpy", "/scenes/tiny.py", "--out", "tiny.blend")
    sent = containers.tileproof("client", "submit", "tiny.blend", "--frames", "1-2", "--reward", "1")["job"]
    assert isinstance(sent, dict)
    job = str(sent["job_id"])

    status: list[dict[str, object]] = []

    def is_final() -> bool:
        status.append(containers.tileproof("client", "status", job))
        return bool(status[-1]["is_final"])

    wait_until(is_final, JOB_SECONDS, lambda: f"job {job} is at {status[-1]}\n{containers.logs(*ROLES)}")
    assert status[-1]["counts"] == {"Paid": 2}

    containers.tileproof("client", "fetch", job, "--out", "frames")
    frames = {path.name: path.read_bytes() for path in (containers.shared / "frames").glob("0*.png")}
    assert sorted(frames) == ["0001.png", "0002.png"]
    assert all(picture.startswith(b"\x89PNG") for picture in frames.values())
    assert frames["0001.png"] != frames["0002.png"]  # the camera moves

    earned = 0
    for worker in ("worker-a", "worker-b"):
        account = json.loads(containers.within(worker, "tileproof", "account", "show", "--json"))
        assert int(account["worker_bonds_fri"]) == 0
        earned += int(account["withdrawable_fri"]) - WORKER_DEPOSIT.units
    assert earned == 2 * REWARD.units


def test_strangers_scenes_are_opened_in_a_sandbox(containers: Containers) -> None:
    for role in ROLES:
        [started] = [line for line in containers.logs(role).splitlines() if STARTED in line]
        if role.startswith("worker"):
            assert "sandbox=landlock" in started or "sandbox=bubblewrap" in started
        doctor = json.loads(containers.within(role, "tileproof", "doctor", "--json"))
        found = {each["what"]: each for each in doctor["findings"]}
        assert found["sandbox"]["state"] == "ok"
        assert found["sandbox"]["found"] in ("landlock", "bubblewrap")
        assert doctor["ok"]


def test_no_container_has_more_rights_than_it_needs(containers: Containers) -> None:
    for service in SERVICES:
        assert containers.within(service, "id", "-u") != "0"
        assert containers.attempt("exec", "-T", service, "touch", "/opt/stray").returncode != 0
        rights = containers.within(service, "grep", "-E", "^(CapEff|CapBnd|NoNewPrivs):", "/proc/self/status")
        assert dict(line.split() for line in rights.splitlines()) == {
            "CapEff:": "0" * 16,
            "CapBnd:": "0" * 16,
            "NoNewPrivs:": "1",
        }
        host = containers.inspect(service)["HostConfig"]
        assert isinstance(host, dict)
        assert host["ReadonlyRootfs"] is True
        assert not host["Privileged"]


def test_no_port_is_published_and_no_network_leads_out(containers: Containers) -> None:
    networks = set()
    for service in SERVICES:
        settings = containers.inspect(service)["NetworkSettings"]
        assert isinstance(settings, dict)
        assert not any((settings["Ports"] or {}).values())
        networks |= set(settings["Networks"])
    assert all(json.loads(docker("network", "inspect", name))[0]["Internal"] for name in networks)


def test_a_role_reaches_the_admin_port_of_its_own_ipfs_node_only(containers: Containers) -> None:
    knock = "import socket, sys; socket.create_connection((sys.argv[1], 5001), timeout=5).close()"
    for role, own, other in (("worker-a", "kubo-b", "kubo-a"), ("verifier-a", "kubo-a", "kubo-b")):
        containers.within(role, "python3", "-c", knock, own)
        refused = containers.attempt("exec", "-T", role, "python3", "-c", knock, other)
        assert refused.returncode != 0
        assert "gaierror" in refused.stderr  # in its networks there is no such machine


def test_up_once_more_changes_nothing(containers: Containers) -> None:
    before = containers.within("worker-a", "cat", "/network/network.toml")
    containers.do("up", "--detach")
    assert containers.within("worker-a", "cat", "/network/network.toml") == before


def test_a_worker_that_is_told_to_stop_does_so_by_itself(containers: Containers) -> None:
    [number] = containers.do("ps", "--quiet", "worker-b").split()
    began = time.monotonic()
    containers.do("stop", "worker-b")
    [stopped] = json.loads(docker("inspect", number))
    assert stopped["State"]["ExitCode"] == 0, containers.logs("worker-b")
    assert time.monotonic() - began < 60  # compose kills after a minute


def test_down_leaves_nothing_behind(containers: Containers) -> None:
    label = f"label=com.docker.compose.project={containers.project}"
    listings = (
        ("ps", "--all", "--quiet", "--filter", label),
        ("volume", "ls", "--quiet", "--filter", label),
        ("network", "ls", "--quiet", "--filter", label),
    )
    assert all(docker(*listing).split() for listing in listings)
    containers.do("down", "--volumes")
    assert not any(docker(*listing).split() for listing in listings)
