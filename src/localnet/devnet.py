"""A Starknet devnet of one's own, on a free port."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from ..domain.errors import ServiceError
from .child import Child

READY_SECONDS = 60.0
ACCOUNTS = 10
MEMORY = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}
"""In a devnet's environment: memory that one thread has freed serves every thread, and a large piece goes
back to the system. Otherwise a devnet grows by 11 KiB with every empty block."""


@dataclass(frozen=True, slots=True)
class Devnet:
    """A devnet that answers at this URL, and what it can do beyond a real chain."""

    rpc_url: str

    def mines_per_transaction(self) -> bool:
        """Whether a block is made for each transaction and when asked for, and never else."""
        with _http() as http:
            config = self._call(http, "devnet_getConfig", {})
        return isinstance(config, dict) and config.get("block_generation_on") == "transaction"

    def block_number(self) -> int:
        """Returns the number of the newest block."""
        with _http() as http:
            number = self._call(http, "starknet_blockNumber", {})
        if not isinstance(number, int):
            raise ServiceError("ledger.refused", f"devnet's newest block is {number!r}")
        return number

    def create_blocks(self, count: int = 1) -> None:
        """Mines empty blocks; what a chain without interval mining needs for seeds to mature."""
        with _http() as http:
            for _ in range(count):
                self._call(http, "devnet_createBlock", {})

    def increase_time(self, seconds: int) -> None:
        """Moves the chain's clock on and mines a block with the new time."""
        with _http() as http:
            self._call(http, "devnet_increaseTime", {"time": seconds})

    def abort_blocks(self, first: int) -> None:
        """A reorganisation: takes back this block and all after it."""
        with _http() as http:
            self._call(http, "devnet_abortBlocks", {"starting_block_id": {"block_number": first}})

    def _call(self, http: httpx2.Client, method: str, params: dict[str, object]) -> object:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = http.post(self.rpc_url, json=request).json()
        if "result" not in answer:
            raise ServiceError("ledger.refused", f"devnet refused {method}: {answer.get('error')}")
        return answer["result"]


@dataclass(frozen=True, slots=True)
class OwnDevnet(Devnet):
    """A devnet that we started."""

    child: Child


@contextmanager
def running_devnet(
    program: Path,
    *,
    log: Path,
    block_seconds: int | None = 1,
    port: int | None = None,
    seed: int = 0,
    accounts: int = ACCOUNTS,
    archive: bool = False,
) -> Iterator[OwnDevnet]:
    """A devnet with as many funded accounts, stopped, whatever happens, when the context ends.

    With ``block_seconds`` None a block is mined for each transaction and by ``create_blocks``. With
    ``archive`` it keeps the state of every block, which ``abort_blocks`` needs, and two megabytes a block.
    """
    port = port or free_port()
    command = devnet_command(
        program,
        host="127.0.0.1",
        port=port,
        block_seconds=block_seconds,
        seed=seed,
        accounts=accounts,
        archive=archive,
    )
    child = Child("starknet-devnet", command, log=log, env=MEMORY)
    try:
        child.wait_until(
            lambda: answers(f"http://127.0.0.1:{port}/is_alive"), seconds=READY_SECONDS, what="no answer"
        )
        yield OwnDevnet(f"http://127.0.0.1:{port}/rpc", child)
    finally:
        child.stop(2.0)


def devnet_command(
    program: Path,
    *,
    host: str,
    port: int,
    block_seconds: int | None = 1,
    seed: int = 0,
    accounts: int = ACCOUNTS,
    archive: bool = False,
) -> list[str | Path]:
    """Returns the command line of a devnet with our accounts; with ``archive`` one whose state can be
    looked at, and taken back to, at every block."""
    command: list[str | Path] = [
        program,
        *("--host", host, "--port", str(port), "--seed", str(seed)),
        *("--accounts", str(accounts), "--state-archive-capacity", "full" if archive else "none"),
    ]
    if not accounts:
        command += [
            "--account-class",
            "cairo0",
        ]  # kept twice in memory, and 20 MiB smaller than the usual one
    if block_seconds is not None:
        command += ["--block-generation-on", str(block_seconds)]
    return command


def free_port() -> int:
    """A TCP port of the loopback interface that nobody holds right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _http() -> httpx2.Client:
    """For a devnet, which nobody encrypts: to load certificates takes longer than most calls."""
    return httpx2.Client(timeout=60, verify=False, trust_env=False)


def answers(url: str) -> bool:
    """Returns True if a devnet is alive there."""
    try:
        return httpx2.get(url, timeout=2, verify=False, trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False
