"""Two processes on one account take turns by a lock that is held for one send, and that nobody
can take to the grave: real processes, a real chain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from tileproof.adapters.starknet.intents import INTENT
from tileproof.adapters.store.journal import SqliteJournal

from tests.services.devnet import Deployment
from tests.services.rpc_proxy import Answer, Fault, Proxy, proxied

pytestmark = pytest.mark.devnet
SEND, NONCE = "starknet_addInvokeTransaction", "starknet_getNonce"
ME = 6
SECONDS = 60.0


class Stage:
    """Depositors of one account: each a process with a journal and a wire of its own."""

    def __init__(self, deployment: Deployment, folder: Path, stack: ExitStack) -> None:
        self._deployment, self._folder, self._stack = deployment, folder, stack
        self._signer = deployment.signers[ME]
        self.wires: dict[str, Proxy] = {}

    def wire(self, name: str) -> Proxy:
        if name not in self.wires:
            self.wires[name] = self._stack.enter_context(proxied(self._deployment.rpc_url))
        return self.wires[name]

    def depositor(self, name: str) -> subprocess.Popen[str]:
        arguments = [self.wire(name).url, str(self._deployment.contract), str(self._signer.address)]
        child = subprocess.Popen(
            [
                sys.executable, "-m", "tests.integration.sender_child", "deposit",
                *arguments, str(self.journal(name)), "never",
            ],
            env={**os.environ, "STARKNET_PRIVATE_KEY": hex(self._signer.private_key)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        self._stack.callback(child.wait)
        self._stack.callback(child.kill)
        return child

    def journal(self, name: str) -> Path:
        return self._folder / name / "journal.sqlite"

    def deposited(self) -> int:
        return self._deployment.connect(0).balances(self._signer.address).withdrawable.units


@pytest.fixture
def stage(deployment: Deployment, tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(deployment, tmp_path, stack)


def wait_until_it_waits_for_a_lock(child: subprocess.Popen[str]) -> None:
    """Returns once the child says so in its log."""
    assert child.stderr is not None
    assert any("waiting for another process" in line for line in child.stderr), "it ended instead of waiting"


@pytest.mark.parametrize("end", ["goes on", "is killed"])
def test_while_one_process_sends_another_waits_and_then_has_its_turn(end: str, stage: Stage) -> None:
    holds, let_go = threading.Event(), threading.Event()

    def rule(method: str, params: Any) -> Answer:
        if method != SEND:
            return None
        holds.set()
        assert let_go.wait(SECONDS)
        return None if end == "goes on" else Fault.CUT

    stage.wire("first").rule = rule
    first = stage.depositor("first")
    assert holds.wait(SECONDS)
    second = stage.depositor("second")
    wait_until_it_waits_for_a_lock(second)
    assert NONCE not in stage.wire("second").calls
    if end == "is killed":
        first.kill()
        assert first.wait(SECONDS) == -signal.SIGKILL
        told, _ = second.communicate(timeout=SECONDS)  # while what the first one sent is held up
        let_go.set()
    else:
        let_go.set()
        assert first.communicate(timeout=SECONDS)[0] == "connected\ndeposited\n"
        told, _ = second.communicate(timeout=SECONDS)
    assert (second.returncode, told) == (0, "connected\ndeposited\n")
    assert stage.deposited() == (2 if end == "goes on" else 1)


def test_what_a_killed_process_had_sent_is_kept_for_it_while_others_send(stage: Stage) -> None:
    """Its request arrives after its death and before the other one's turn is over."""
    heard, dead = threading.Event(), threading.Event()

    def rule(method: str, params: Any) -> Answer:
        if method == SEND:
            heard.set()
            assert dead.wait(SECONDS)
        return None

    stage.wire("first").rule = rule
    first = stage.depositor("first")
    assert heard.wait(SECONDS)
    second = stage.depositor("second")
    wait_until_it_waits_for_a_lock(second)

    def late(method: str, params: Any) -> Answer:
        if method == SEND and not dead.is_set():
            dead.set()
            assert arrived.wait(SECONDS)
        return None

    arrived = threading.Event()
    stage.wire("first").after = lambda method: arrived.set() if method == SEND else None
    stage.wire("second").rule = late
    first.kill()
    assert second.wait(SECONDS) == 1, "its nonce was taken, though by the same call"
    assert stage.deposited() == 1
    with closing(SqliteJournal(stage.journal("second"))) as kept:
        assert kept.all(INTENT) == {}
    again = stage.depositor("second")
    assert again.wait(SECONDS) == 0
    assert stage.deposited() == 2
    with closing(SqliteJournal(stage.journal("first"))) as kept:
        assert len(kept.all(INTENT)) == 1, "the killed one will learn of it"
