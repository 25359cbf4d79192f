"""Processor time of short commands, each in a fresh process, beside that of a bare Python.

    python -m benchmarks.cli

Starts a devnet of its own with one job on it, and runs help, the version, ``client list`` and
``client status`` in turn. Nothing is compared with a clock: a busy machine stretches both, so that the
ratio to bare Python is what one machine can tell another. Prints a table; the last line is JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from tileproof.adapters.starknet.ledger import connect
from tileproof.config import load
from tileproof.domain.cid import Cid
from tileproof.domain.job import Terms
from tileproof.domain.money import parse_strk
from tileproof.localnet.devnet import running_devnet
from tileproof.localnet.prepare import REQUESTER, prepare
from tileproof.provision.locate import locate
from tileproof.provision.table import DEVNET

RUNS = 9
GOALS = {"help": 0.2, "client list": 0.5}
"""Seconds of processor time on a quiet machine of two cores."""
NO_IPFS = "/ip4/127.0.0.1/tcp/9"


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        log = home / "devnet.log"
        with running_devnet(locate(DEVNET, load().cache), log=log, block_seconds=None) as devnet:
            folder = home / "localnet"
            prepared = prepare(folder, rpc_url=devnet.rpc_url, ipfs_api=NO_IPFS, workers=(), verifiers=())
            with connect(devnet.rpc_url, prepared.contract, prepared.signers[REQUESTER]) as ledger:
                job, _ = ledger.create_job(
                    Cid.of_raw_block(b"no manifest"), 1, terms(ledger.head().timestamp)
                )
            return measure(home, job)


def terms(now: int) -> Terms:
    return Terms(
        reward=parse_strk("2"), audit_fee=parse_strk("0.3"), worker_bond=parse_strk("6"),
        committee_size=1, audit_rate_bps=10_000, lease_seconds=600, commit_blocks=100, reveal_blocks=100,
        appeal_blocks=100, deadline=now + 20_000,
    )  # fmt: skip


def measure(home: Path, job: int) -> int:
    tileproof = ("-m", "tileproof.cli", "--home", str(home), "--network", "localnet", "--account", REQUESTER)
    commands: Mapping[str, Sequence[str]] = {
        "bare python": ("-c", "pass"),
        "help": ("-m", "tileproof.cli", "--help"),
        "version": ("-m", "tileproof.cli", "--version"),
        "client list": (*tileproof, "client", "list"),
        "client status": (*tileproof, "client", "status", str(job)),
    }
    seconds: dict[str, list[float]] = {what: [] for what in commands}
    for _ in range(RUNS):  # in turns, so that all meet the same machine
        for what, arguments in commands.items():
            seconds[what].append(cpu_seconds(arguments))
    figures = {what: (min(all_of), median(all_of)) for what, all_of in seconds.items()}
    bare = figures["bare python"][1]
    print(f"{'':<14} {'least':>8} {'median':>8} {'of bare':>8}  seconds of processor time, {RUNS} runs")
    for what, (least, middle) in figures.items():
        print(f"{what:<14} {least:8.3f} {middle:8.3f} {middle / bare:8.1f}")
    missed = [what for what, goal in GOALS.items() if figures[what][0] > goal]
    document = {
        what.replace(" ", "_"): {
            "cpu_seconds_least": round(least, 3),
            "cpu_seconds_median": round(middle, 3),
            "of_bare_python": round(middle / bare, 1),
        }
        for what, (least, middle) in figures.items()
    }
    print(json.dumps({"runs": RUNS, **document, "goals": GOALS, "missed": missed}))
    return 1 if missed else 0


def cpu_seconds(arguments: Sequence[str]) -> float:
    """Returns what the process took of the processor. Raises CalledProcessError where it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=dict(os.environ))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
