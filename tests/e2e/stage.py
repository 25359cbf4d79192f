"""What the end-to-end tests stand on: a local network whose roles are real processes, and a user
who types ``tileproof`` commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from signal import SIGKILL
from threading import Event

from tileproof.adapters.starknet.ledger import StarknetLedger, connect
from tileproof.domain.job import Task, TaskAppeal, TaskState
from tileproof.localnet.child import Child
from tileproof.localnet.network import LocalNetwork, Shape

VERIFIERS = tuple(Shape().verifiers)
TASK_SECONDS = 150.0
STARTED = "started account="
STOP_SECONDS = 30.0
SEED_AGE_BLOCKS = 10
"""How old a block must be before a contract can read its hash (Starknet's rule)."""
SEEDING = (TaskState.SUBMITTED, TaskState.APPEALED)
WAITING = (*SEEDING, TaskState.PROVISIONAL)
"""Nobody can do anything but let blocks pass."""
AT_WORK = (TaskState.COMMITTING, TaskState.REVEALING)
"""Somebody's window is running."""


@dataclass
class Stage:
    """A running network and what tests do on it."""

    network: LocalNetwork
    scenes: Callable[[str], Path]
    out: Path
    honest: dict[str, Child] = field(default_factory=dict)
    said: str = ""
    """What the last command that had to succeed wrote to stderr."""

    def tileproof(self, account: str, *arguments: str) -> dict[str, object]:
        """The JSON of one command that must succeed."""
        done = self.attempt(account, *arguments)
        self.said = done.stderr
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

    def submit_under(self, variant: str, *flags: str, **terms: int) -> int:
        """A job of one frame under terms that no flag of the client's offers."""
        with self.acting_as("requester") as requester:
            model = self.submit(variant, "--frames", "1", *flags)
            requester.close_job(model)
            job = requester.job(model)
            job_id, _ = requester.create_job(job.manifest, 1, replace(job.terms, **terms))  # type: ignore[arg-type]
        return job_id

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

    def cast(self, *names: str) -> None:
        """From now on exactly these roles run, each as its users run it."""
        self.clear(*names)
        self._start({name: lambda name=name: self._honest(name) for name in names})  # type: ignore[misc]

    def clear(self, *stay: str) -> None:
        """Stops every role but the honest ones among ``stay``."""
        roles = self.network.roles
        going = {
            name: child
            for name, child in roles.items()
            if name not in stay or child is not self.honest.get(name)
        }
        for child in going.values():
            child.ask_to_stop()
        for name, child in going.items():
            child.stop(STOP_SECONDS)
            del roles[name]

    def seated_at(self, slot: int) -> str:
        """The name of the account whose seat this is."""
        with self.reader() as ledger:
            owner = ledger.seat(slot).owner
        return next(name for name, signer in self.network.signers.items() if signer.address == owner)

    def wait_for_draw(self, ledger: StarknetLedger, job_id: int) -> Counter[str]:
        """Who sits on the committee of a job's one task, each with their places, once it is drawn.
        Where no verifier runs to draw it, its worker does."""
        (task,) = self.wait_for_tasks(ledger, job_id, TaskState.COMMITTING)
        return Counter(self.seated_at(slot) for slot in task.seats)

    def wait_for_appeal(self, ledger: StarknetLedger, job_id: int) -> TaskAppeal:
        """The appeal of a job's one task, once there is one; the appeal window lasts as long as ever."""
        (task,) = self.wait_for_tasks(ledger, job_id, TaskState.PROVISIONAL, TaskState.APPEALED)
        found = [task.appeal]

        def look() -> bool:
            found.append(ledger.task(job_id, 0).appeal)
            return found[-1] is not None

        wait_until(look, TASK_SECONDS, lambda: f"job {job_id} is not appealed\n{self.tails()}")
        assert found[-1] is not None
        return found[-1]

    def start(self, *names: str) -> None:
        """Roles beside those that run."""
        self._start({name: lambda name=name: self._honest(name) for name in names})  # type: ignore[misc]

    def start_dressed(self, *names: str, entry: str) -> None:
        """Roles with a renderer of the gallery put into them."""
        self._start({name: self._as_module("dressed_role", name, entry) for name in names})

    def start_mortal(self, *names: str, at: str, after: str | None = None) -> None:
        """Roles that are killed, as by ``kill -9``, at the log line that matches ``at``; with
        ``after``, only once a line has matched that."""
        extra = (at,) if after is None else (at, after)
        self._start({name: self._as_module("mortal_role", name, *extra) for name in names})

    def wait_for_death(self, name: str) -> None:
        """Until a mortal role was killed."""
        child = self.network.roles[name]
        wait_until(lambda: not child.is_running, TASK_SECONDS, lambda: f"{name} lives\n{self.tails()}")
        assert child.exit_status == -SIGKILL, f"{name} ended with {child.exit_status}\n{self.tails()}"

    def stop(self, name: str) -> None:
        """Asks the role to stop, as an operator would, and waits until it has."""
        self.network.roles[name].stop(STOP_SECONDS)

    def _honest(self, name: str) -> Child:
        child = self.honest.get(name)
        if child is None or not child.is_running:
            self.honest[name] = self.network.start_role(name)
        return self.honest[name]

    def _as_module(self, module: str, name: str, *arguments: str) -> Callable[[], Child]:
        program = [sys.executable, "-m", f"tests.e2e.{module}", str(self.network.network_file), name]
        return lambda: self.network.start_role(name, [*program, *arguments])

    def _start(self, starts: dict[str, Callable[[], Child]]) -> None:
        """All at once; returns when each role that was not there before has started."""
        before = {name: self._times_started(name) for name in starts}
        running = dict(self.network.roles)
        for name, start in starts.items():
            child = start()
            if running.get(name) is child:
                del before[name]
        for name, count in before.items():
            self.network.roles[name].wait_until(
                lambda name=name, count=count: self._times_started(name) > count,  # type: ignore[misc]
                seconds=90,
                what="its role has not started",
            )

    def _times_started(self, name: str) -> int:
        log = self.network.log(name)
        return log.read_text(errors="replace").count(STARTED) if log.exists() else 0

    def let_pass(self, blocks: int) -> None:
        """Blocks and their seconds, so that blocks seem as long as ever to who measures them."""
        if blocks > 0:
            self.network.devnet.increase_time(blocks)
            self.network.devnet.create_blocks(blocks - 1)

    def wait_for_log(self, name: str, pattern: str, job_id: int, *, seconds: float = TASK_SECONDS) -> str:
        """The first line of a role's log that matches; blocks pass faster while the job's tasks
        only wait for them."""
        found: list[str] = []
        with self.reader() as ledger:

            def look() -> bool:
                text = self.network.log(name).read_text(errors="replace")
                match = re.search(f"^.*{pattern}.*$", text, re.MULTILINE)
                if match is not None:
                    found.append(match[0])
                else:
                    self._hurry(ledger, ledger.tasks(job_id))
                return match is not None

            wait_until(look, seconds, lambda: f"{name} never logged {pattern!r}\n{self.tails()}")
        return found[0]

    def wait_for_tasks(
        self, ledger: StarknetLedger, job_id: int, *states: TaskState, seconds: float = TASK_SECONDS
    ) -> tuple[Task, ...]:
        """All tasks of the job, once each is in one of ``states`` (paid, when none is given);
        blocks pass faster while tasks only wait for them."""
        wanted = states or (TaskState.PAID,)
        seen: list[tuple[Task, ...]] = []

        def look() -> bool:
            seen.append(ledger.tasks(job_id))
            if all(task.state in wanted for task in seen[-1]):
                return True
            self._hurry(ledger, seen[-1])
            return False

        def told() -> str:
            now = [(t.task, t.state.value, t.attempt, t.outcome.value) for t in seen[-1]]
            return f"job {job_id} is at {now}\n{self.tails()}"

        wait_until(look, seconds, told)
        return seen[-1]

    def _hurry(self, ledger: StarknetLedger, tasks: tuple[Task, ...]) -> None:
        if any(task.state in AT_WORK for task in tasks):
            return
        head = ledger.head().block
        ends = [
            task.seed_block + SEED_AGE_BLOCKS if task.state in SEEDING else task.window_ends_block
            for task in tasks
            if task.state in WAITING
        ]
        self.let_pass(min((end - head for end in ends), default=0))

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
