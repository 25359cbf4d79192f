"""What each call of a job costs on a Starknet chain, next to a plain token transfer and next to the
naive contract of ``benchmarks/naive``.

    make bench-gas        (or python -m benchmarks.gas)

Starts a devnet of its own, deploys both contracts from their committed artifacts and walks a job of
1, 24 and 240 frames as one task, one of 240 frames in tasks of 24, in batches and with every task and
vote sent apart, and the same frames through the naive contract, each of its transactions sent. A job of
one frame and the one in ten tasks are walked twice more, with an appeal of every task that is lost and
one that is won.
Devnet charges what Starknet charges (its gas tables); its prices are its own, so compare gas and
ratios, not fees. Gas is the receipt's: validation, execution and fee transfer. New cells come from
the state diffs. Two runs on one devnet version give the same numbers.

Prints tables and ratios; the last line is JSON. Exit status: 0 measured, whether the goals are met
or not; 1 a cell that a task makes has no name in ``gas_cells.py``.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from tileproof.adapters.starknet.accounts import Signer, predeployed
from tileproof.adapters.starknet.caps import FeeCaps
from tileproof.adapters.starknet.codec import write_bounds
from tileproof.adapters.starknet.deploy import LOCAL_BOUNDS, STRK, deploy_class
from tileproof.adapters.starknet.ledger import connect
from tileproof.adapters.starknet.node import open_node
from tileproof.config import load
from tileproof.domain.job import Address
from tileproof.domain.money import parse_strk
from tileproof.localnet.devnet import Devnet, running_devnet
from tileproof.provision.locate import locate
from tileproof.provision.table import DEVNET

from benchmarks import gas_figures as figures
from benchmarks.gas_cells import UNNAMED, CellCount, Names, count_cells
from benchmarks.gas_meter import Meter
from benchmarks.gas_naive import NaiveFarm, Wallet, transfer
from benchmarks.gas_walk import COMMITTEE, SEATS, Cast, Walk, leave_seat, take_more_seats, take_seats

REQUESTER, WORKER, PASSER_BY, FIRST_VERIFIER = 0, 1, 2, 3
FIRST_NEWCOMER = FIRST_VERIFIER + SEATS
ACCOUNTS = FIRST_NEWCOMER + SEATS
CAPS = FeeCaps(per_tx=parse_strk("100"), per_day=parse_strk("10000"))


class Cells(NamedTuple):
    """The new cells of the case that the goals are about."""

    of_life: list[CellCount]
    of_appeal: list[CellCount]


def main() -> int:
    program = locate(DEVNET, load().cache)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "devnet.log"
        with (
            running_devnet(program, log=log, block_seconds=None, accounts=ACCOUNTS, archive=True) as devnet,
            Meter(devnet) as meter,
        ):
            signers = predeployed(devnet.rpc_url)
            walk_naive(devnet, meter, signers)
            cells = walk_registry(devnet, meter, signers)
    rows = figures.rows_of(meter.spent)
    print(figures.table(rows))
    print(f"\nNew cells of {figures.IN_TASKS}, batched:\n")
    print(figures.cell_table(cells.of_life, figures.IN_TASKS.tasks))
    print(f"\nNew cells of an appeal of {figures.IN_TASKS}, batched:\n")
    print(figures.cell_table(cells.of_appeal, figures.IN_TASKS.tasks))
    print()
    print(figures.verdict_lines(figures.figures_of(rows)))
    about = {"committee": COMMITTEE, "seats": SEATS, "devnet": DEVNET.version}
    print(json.dumps(figures.report(rows, cells.of_life, cells.of_appeal, about)))
    unnamed = [cell for part in cells for cell in part if cell.name == UNNAMED.name]
    if unnamed:
        print("benchmarks/gas.py: cells without a name; name them in gas_cells.py", file=sys.stderr)
    return 1 if unnamed else 0


def walk_naive(devnet: Devnet, meter: Meter, signers: tuple[Signer, ...]) -> None:
    node, chain_id = open_node(devnet.rpc_url)
    try:
        requester, worker = (Wallet(node, chain_id, signers[at]) for at in (REQUESTER, WORKER))
        farm = NaiveFarm(devnet.rpc_url, signers[PASSER_BY], requester, worker)
        transfer(meter, requester, worker.address)
        for case in figures.NAIVE_WALKS:
            farm.walk(meter, case)
    finally:
        node.close()


def walk_registry(devnet: Devnet, meter: Meter, signers: tuple[Signer, ...]) -> Cells:
    constructor = [STRK.felt, *write_bounds(LOCAL_BOUNDS)]
    artifacts = resources.files("tileproof.contract_artifacts")
    contract = deploy_class(devnet.rpc_url, signers[PASSER_BY], artifacts, "registry", constructor, salt=0)

    def cells_of(walk: Walk, calls: Collection[str]) -> list[CellCount]:
        accounts = [signer.address.felt for signer in signers]
        tasks = figures.IN_TASKS.tasks
        names = Names.of_job(contract.felt, walk.job_id, tasks=tasks, committee=COMMITTEE, accounts=accounts)
        return count_cells([one for one in meter.made[figures.IN_TASKS] if one[0] in calls], names)

    with cast_of(devnet, contract, signers) as cast:
        take_seats(cast, meter)
        for case in figures.WALKS:
            walk = Walk(cast, meter, case)
            walk.run()
            if case == figures.IN_TASKS:
                of_life = cells_of(walk, ("create", *figures.LIFE, figures.SEATS_WITHDRAW))
        for case in (figures.ONE, figures.IN_TASKS):
            Walk(cast, meter, case).abandon()
        take_more_seats(cast)
        leave_seat(cast, meter)
        for case in (figures.ONE, figures.IN_TASKS):
            walk = Walk(cast, meter, case)
            walk.contest(wins=False)
            Walk(cast, meter, case).contest(wins=True)
        of_appeal = cells_of(walk, figures.APPEAL_LIFE)
    return Cells(of_life, of_appeal)


@contextmanager
def cast_of(devnet: Devnet, contract: Address, signers: tuple[Signer, ...]) -> Iterator[Cast]:
    with ExitStack() as connections:
        ledgers = [
            connections.enter_context(connect(devnet.rpc_url, contract, signer, caps=CAPS))
            for signer in signers[:ACCOUNTS]
        ]
        yield Cast(
            devnet=devnet,
            requester=ledgers[REQUESTER],
            worker=ledgers[WORKER],
            passer_by=ledgers[PASSER_BY],
            verifiers=tuple(ledgers[FIRST_VERIFIER:FIRST_NEWCOMER]),
            newcomers=tuple(ledgers[FIRST_NEWCOMER:]),
        )


if __name__ == "__main__":
    sys.exit(main())
