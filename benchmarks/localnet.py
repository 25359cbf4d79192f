"""The memory of a local network's chain after a day of a block a second.

    python -m benchmarks.localnet [--quick | --blocks N]

Starts the devnet that ``localnet up`` starts and makes 86,400 blocks as fast as it can. Every 1,000 blocks
a job of ten tasks is claimed, submitted, drawn, judged, settled and paid. ``--quick`` makes 3,000 blocks.
Prints a table of the memory; the last line is JSON. Exit status 1 means more than 500 MiB.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
from tileproof.adapters.starknet.accounts import mint
from tileproof.adapters.starknet.caps import FeeCaps
from tileproof.adapters.starknet.ledger import connect
from tileproof.config import load
from tileproof.domain.money import parse_strk
from tileproof.localnet.devnet import OwnDevnet, running_devnet
from tileproof.localnet.prepare import DEPLOYER, PREDEPLOYED, REQUESTER, VERIFIERS, WORKERS, prepare
from tileproof.provision.locate import locate
from tileproof.provision.table import DEVNET

from benchmarks.gas_figures import IN_TASKS, Case
from benchmarks.gas_meter import Meter, Progress
from benchmarks.gas_walk import Cast, Walk

BLOCKS, QUICK_BLOCKS, JOB_BLOCKS = 86_400, 3_000, 1_000
LOOK_BLOCKS = 250
"""Between two looks at the memory."""
MOST_MIB = 500
PLAY_MONEY, DEPOSIT = parse_strk("100000"), parse_strk("500")
CAPS = FeeCaps(per_tx=parse_strk("100"), per_day=parse_strk("100000"))


@dataclass(frozen=True, slots=True)
class Memory:
    """The devnet's resident memory at one number of blocks."""

    blocks: int
    rss_mib: float


class NoMeter(Meter):
    """Measures no transaction: this benchmark is about the chain as a whole."""

    def took(self, case: Case, call: str, tx_hash: int) -> None:
        pass


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.localnet", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_BLOCKS} blocks")
    parser.add_argument("--blocks", type=int, default=BLOCKS, help=f"{BLOCKS} if not given")
    options = parser.parse_args()
    blocks = QUICK_BLOCKS if options.quick else options.blocks
    program = locate(DEVNET, load().cache)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "devnet.log"
        with running_devnet(program, log=log, block_seconds=None, accounts=PREDEPLOYED) as devnet:
            looks, jobs = play(devnet, Path(folder), blocks)
            made = devnet.block_number()
    most = max(look.rss_mib for look in looks)
    print(table(looks))
    figures = {
        "blocks": made,
        "jobs": jobs,
        "rss_mib_max": round(most, 1),
        "rss_mib_first": round(looks[0].rss_mib, 1),
        "rss_mib_last": round(looks[-1].rss_mib, 1),
        "minutes": round((time.monotonic() - began) / 60, 1),
    }
    print(json.dumps(figures))
    return 0 if most <= MOST_MIB else 1


def play(devnet: OwnDevnet, folder: Path, blocks: int) -> tuple[list[Memory], int]:
    """Makes so many blocks; returns looks at the memory, and the number of jobs that were paid."""
    ready = prepare(folder, rpc_url=devnet.rpc_url, ipfs_api="", workers=WORKERS[:1])
    process = psutil.Process(devnet.child.pid)
    looks, jobs = [look_at(devnet, process)], 0
    progress = Progress("localnet", blocks // JOB_BLOCKS)
    with ExitStack() as connections, NoMeter(devnet) as meter:
        ledgers = {}
        for name in ready.signers:
            mint(devnet.rpc_url, ready.signers[name].address, PLAY_MONEY)
            opened = connect(devnet.rpc_url, ready.contract, ready.signers[name], caps=CAPS)
            ledgers[name] = connections.enter_context(opened)
        ledgers[WORKERS[0]].deposit(DEPOSIT)
        cast = Cast(
            devnet=devnet,
            requester=ledgers[REQUESTER],
            worker=ledgers[WORKERS[0]],
            passer_by=ledgers[DEPLOYER],
            verifiers=tuple(ledgers[name] for name in VERIFIERS),
            newcomers=(),
        )
        while (head := devnet.block_number()) < blocks:
            until = min(blocks, (head // JOB_BLOCKS + 1) * JOB_BLOCKS)
            try:
                Walk(cast, meter, IN_TASKS).run()
                jobs += 1
            except AssertionError as error:  # no seat was found for a place, which a draw may come to
                print(f"a job was not paid: {error}", file=sys.stderr)
            looks.append(look_at(devnet, process))
            while (left := until - devnet.block_number()) > 0:
                devnet.create_blocks(min(left, LOOK_BLOCKS))
                looks.append(look_at(devnet, process))
            progress.step()
    return looks, jobs


def look_at(devnet: OwnDevnet, process: psutil.Process) -> Memory:
    return Memory(devnet.block_number(), process.memory_info().rss / 2**20)


def table(looks: list[Memory]) -> str:
    """Returns some twenty of the looks, the first and the last among them."""
    step = max(1, len(looks) // 20)
    rows = [*looks[:-1:step], looks[-1]]
    lines = [f"| {look.blocks:,} | {look.rss_mib:.0f} |" for look in rows]
    return "\n".join(["| blocks | MiB |", "| ---: | ---: |", *lines])


if __name__ == "__main__":
    sys.exit(main())
