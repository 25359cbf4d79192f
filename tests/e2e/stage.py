"""What the end-to-end tests stand on: a local network whose roles are real processes, and a user
who types ``tileproof`` commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from tileproof.adapters.starknet.ledger import StarknetLedger, connect
from tileproof.domain.job import Task, TaskState
from tileproof.localnet.child import Child
from tileproof.localnet.network import LocalNetwork

TASK_SECONDS = 150.0
STARTED = "started account="


@dataclass
class Stage:
    """A running network and what tests do on it."""

    network: LocalNetwork
    scenes: Callable[[str], Path]
    out: Path

    def tileproof(self, account: str, *arguments: str) -> dict[str, object]:
        """The JSON of one command that must succeed."""
        done = self.attempt(account, *arguments)
        assert done.returncode == 0, f"tileproof {' '.join(arguments)}:\n{done.stderr[-3000:]}"
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    def attempt(self, account: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.network.command(account, *arguments, "--json"),
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )

    def submit(self, variant: str, *flags: str, reward: str = "1") -> int:
        """Submits a variant of scenes/tiny.py; the job's id."""
        answer = self.tileproof(
            "requester", "client", "submit", str(self.scenes(variant)), "--reward", reward, *flags
        )
        sent = answer["job"]
        assert isinstance(sent, dict)
        return int(sent["job_id"])

    def fetch(self, job_id: int, folder: str) -> Path:
        target = self.out / folder
        self.tileproof("requester", "client", "fetch", str(job_id), "--out", str(target))
        return target

    def reader(self) -> StarknetLedger:
        return connect(self.network.rpc_url, self.network.contract, None)

    def acting_as(self, name: str) -> StarknetLedger:
        """The ledger for an account whose role is not running: tests that do by hand what no
        honest role does."""
        return connect(self.network.rpc_url, self.network.contract, self.network.signers[name])

    def start(self, name: str) -> Child:
        return self.wait_for_start(name, lambda: self.network.start_role(name))

    def start_dressed(self, name: str, entry: str) -> Child:
        """The role with a renderer of the gallery put into it."""
        module = "tests.e2e.dressed_role"
        command = [sys.executable, "-m", module, str(self.network.network_file), name, entry]
        return self.wait_for_start(name, lambda: self.network.start_role(name, command))

    def wait_for_start(self, name: str, start: Callable[[], Child]) -> Child:
        log = self.network.log(name)
        before = log.read_text().count(STARTED) if log.exists() else 0
        child = start()
        child.wait_until(
            lambda: log.read_text().count(STARTED) > before, seconds=90, what="its role has not started"
        )
        return child

    def stop(self, name: str) -> None:
        self.network.roles[name].stop(30)

    def wait_for_log(self, name: str, pattern: str, *, since: int = 0, seconds: float = TASK_SECONDS) -> str:
        """The first line of a role's log, from byte ``since`` on, that matches."""
        found: list[str] = []

        def look() -> bool:
            with self.network.log(name).open("rb") as file:
                file.seek(since)
                text = file.read().decode(errors="replace")
            match = re.search(f"^.*{pattern}.*$", text, re.MULTILINE)
            if match is not None:
                found.append(match[0])
            return match is not None

        wait_until(look, seconds, f"{name} never logged {pattern!r}\n{self.tails()}")
        return found[0]

    def log_size(self, name: str) -> int:
        log = self.network.log(name)
        return log.stat().st_size if log.exists() else 0

    def wait_for_tasks(
        self, ledger: StarknetLedger, job_id: int, *states: TaskState, seconds: float = TASK_SECONDS
    ) -> tuple[Task, ...]:
        """All tasks of the job, once each is in one of ``states``."""
        wanted = states or (TaskState.PAID,)
        seen: list[tuple[Task, ...]] = []

        def look() -> bool:
            seen.append(ledger.tasks(job_id))
            return all(task.state in wanted for task in seen[-1])

        def told() -> str:
            now = [(t.task, t.state.value, t.attempt, t.outcome.value) for t in seen[-1]]
            return f"job {job_id} is at {now}\n{self.tails()}"

        wait_until(look, seconds, told)
        return seen[-1]

    def tails(self) -> str:
        return "\n".join(
            f"--- {name}\n{self.network.log(name).read_text(errors='replace')[-1500:]}"
            for name in self.network.roles
        )


def wait_until(ready: Callable[[], bool], seconds: float, why: str | Callable[[], str]) -> None:
    """Polls until true; fails the test after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise AssertionError(why if isinstance(why, str) else why())
        Event().wait(0.2)
