"""What each call of a job costs on a Starknet chain, next to a plain token transfer.

    python -m benchmarks.gas_per_step

Starts a devnet of its own, deploys the committed contract, and walks one job of 1 task and one of 24
through every call, with a committee of three. Devnet charges what Starknet charges (its gas tables);
its prices are its own, so compare gas and ratios, not fees. Prints a table; the last line is JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import httpx
from starknet_py.hash.selector import get_selector_from_name
from starknet_py.net.account.account import Account
from starknet_py.net.client_models import Call
from tileproof.adapters.starknet.accounts import Signer, predeployed
from tileproof.adapters.starknet.deploy import LOCAL_BOUNDS, STRK, deploy_registry
from tileproof.adapters.starknet.ledger import StarknetLedger, connect
from tileproof.adapters.starknet.node import open_node
from tileproof.adapters.starknet.sender import FeeCaps
from tileproof.config import load
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.job import NO_SEAT, Commitment, Ground, Reveal, TaskResult, TaskState, Terms, Verdict
from tileproof.domain.money import Fri, parse_strk
from tileproof.domain.sampling import RoundId, verdict_commitment
from tileproof.localnet.devnet import Devnet, running_devnet
from tileproof.provision.locate import locate
from tileproof.provision.table import DEVNET

SIZES = (1, 24)
SEATS = 4
REQUESTER, WORKER, PASSER_BY, FIRST_VERIFIER = 0, 1, 2, 3
MANIFEST, RESULT = Cid(Codec.RAW, bytes(range(32))), Cid(Codec.DAG_PB, bytes(range(32)))
CAPS = FeeCaps(per_tx=parse_strk("100"), per_day=parse_strk("10000"))
SECONDS_FOR_A_CLAIM_TO_LAPSE = 700


@dataclass(frozen=True, slots=True)
class Step:
    """One transaction. ``tasks`` is how many tasks or votes it moved; 0 where it moves none."""

    step: str
    job_tasks: int
    tasks: int
    l2_gas: int
    l1_data_gas: int
    fee_fri: int
    ratio: float = 0.0


def main() -> int:
    program = locate(DEVNET, load().cache)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "devnet.log"
        with running_devnet(program, log=log, block_seconds=None) as devnet, stage(devnet) as bench:
            bench.run()
            steps = bench.compared()
    print(table(steps))
    print(json.dumps({"committee": 3, "seats": SEATS, "steps": [asdict(step) for step in steps]}))
    return 0


@contextmanager
def stage(devnet: Devnet) -> Iterator[Bench]:
    signers = predeployed(devnet.rpc_url)
    contract = deploy_registry(devnet.rpc_url, signers[-1], bounds=LOCAL_BOUNDS)
    with ExitStack() as connections:
        ledgers = [
            connections.enter_context(connect(devnet.rpc_url, contract, signer, caps=CAPS))
            for signer in signers[: FIRST_VERIFIER + SEATS]
        ]
        yield Bench(devnet, signers, ledgers)


class Bench:
    """The cast, and what its transactions cost so far."""

    def __init__(self, devnet: Devnet, signers: Sequence[Signer], ledgers: Sequence[StarknetLedger]) -> None:
        self.devnet, self.signers, self.ledgers = devnet, signers, ledgers
        self.steps: list[Step] = []

    def run(self) -> None:
        self.transfer()
        for ledger in self.ledgers[FIRST_VERIFIER:]:
            self.took("deposit", 0, 0, ledger.deposit(parse_strk("150")).tx_hash)
            self.took("take_seat", 0, 0, ledger.take_seat()[1].tx_hash)
        self.ledgers[WORKER].deposit(parse_strk("900"))
        self.devnet.create_blocks(1)
        for size in SIZES:
            self.walk(size)
            self.abandon(size)
        self.took("withdraw", 0, 0, self.ledgers[WORKER].withdraw(parse_strk("1")).tx_hash)
        last = self.ledgers[FIRST_VERIFIER + SEATS - 1]
        [seat] = last.seats_of(last.account())
        self.took("leave_seat", 0, 0, last.leave_seat(seat.slot).tx_hash)

    def walk(self, size: int) -> None:
        """One job from its creation until every task is paid."""
        requester, worker, passer_by = self.ledgers[:FIRST_VERIFIER]
        tasks = range(size)
        job, created = requester.create_job(MANIFEST, size, self.terms())
        self.took("create_job", size, size, created.tx_hash)
        self.took("claim", size, size, worker.claim(job, tasks).tx_hash)
        submitted = worker.submit(job, [TaskResult(task, RESULT) for task in tasks])
        self.took("submit", size, size, submitted.tx_hash)
        self.devnet.create_blocks(12)
        self.took("draw", size, size, passer_by.draw(job, tasks).tx_hash)
        ballots = self.ballots(job)
        for seat, said in ballots.items():
            sealed = [self.seal(job, vote) for vote in said]
            self.took("commit", size, len(said), self.ledgers[seat].commit(job, sealed).tx_hash)
        for seat, said in ballots.items():
            self.took("reveal", size, len(said), self.ledgers[seat].reveal(job, said).tx_hash)
        self.devnet.create_blocks(self.terms().appeal_blocks + 1)
        self.took("settle", size, size, passer_by.settle(job, tasks).tx_hash)
        assert all(task.state is TaskState.PAID for task in requester.tasks(job))

    def abandon(self, size: int) -> None:
        """One job whose tasks are given back, lapse and are closed in the end."""
        requester, worker, passer_by = self.ledgers[:FIRST_VERIFIER]
        tasks = range(size)
        job, _ = requester.create_job(MANIFEST, size, self.terms())
        worker.claim(job, tasks)
        self.took("give_back", size, size, worker.give_back(job, tasks).tx_hash)
        worker.claim(job, tasks)
        self.devnet.increase_time(SECONDS_FOR_A_CLAIM_TO_LAPSE)
        self.took("release", size, size, passer_by.release(job, tasks).tx_hash)
        self.took("close_job", size, size, requester.close_job(job).tx_hash)
        assert all(task.state is TaskState.CLOSED for task in requester.tasks(job))

    def terms(self) -> Terms:
        return Terms(
            reward=parse_strk("2"),
            audit_fee=parse_strk("0.3"),
            worker_bond=parse_strk("3"),
            committee_size=3,
            audit_rate_bps=10_000,
            lease_seconds=600,
            commit_blocks=300,
            reveal_blocks=300,
            appeal_blocks=3,
            deadline=self.ledgers[REQUESTER].head().timestamp + 20_000,
        )

    def seal(self, job: int, vote: Reveal) -> Commitment:
        ledger = self.ledgers[PASSER_BY]
        view = ledger.task(job, vote.task)
        of = RoundId(ledger.chain_id(), ledger.contract(), job, vote.task, view.attempt, view.round)
        said = (vote.verdict, vote.ground, vote.index, vote.evidence, vote.salt)
        return Commitment(vote.task, vote.seat, verdict_commitment(of, vote.seat, *said))

    def ballots(self, job: int) -> dict[int, list[Reveal]]:
        """Everything that each verifier will say: accept."""
        reader = self.ledgers[PASSER_BY]
        owners = {ledger.account(): number for number, ledger in enumerate(self.ledgers)}
        said: dict[int, list[Reveal]] = {}
        for task in reader.tasks(job):
            for place, slot in enumerate(task.seats):
                if slot != NO_SEAT:
                    vote = Reveal(task.task, place, Verdict.ACCEPT, Ground.NONE, 0, RESULT, salt=place + 1)
                    said.setdefault(owners[reader.seat(slot).owner], []).append(vote)
        return said

    def transfer(self) -> None:
        """A plain transfer between two accounts that both hold tokens already."""
        signer, to = self.signers[REQUESTER], self.signers[WORKER].address
        node, chain_id = open_node(self.devnet.rpc_url)
        try:
            account = Account(
                address=signer.address.felt, client=node.client, key_pair=signer.key_pair(), chain=chain_id
            )
            call = Call(STRK.felt, get_selector_from_name("transfer"), [to.felt, 10**18, 0])
            sent = node.run(account.execute_v3(call, auto_estimate=True))
        finally:
            node.close()
        self.took("ERC-20 transfer", 0, 0, sent.transaction_hash)

    def took(self, step: str, job_tasks: int, tasks: int, tx_hash: int) -> None:
        request = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "starknet_getTransactionReceipt",
            "params": {"transaction_hash": hex(tx_hash)},
        }
        receipt = httpx.post(self.devnet.rpc_url, json=request, timeout=60).json()["result"]
        assert receipt["execution_status"] == "SUCCEEDED", receipt
        gas = receipt["execution_resources"]
        fee = Fri(int(receipt["actual_fee"]["amount"], 16)).units
        self.steps.append(Step(step, job_tasks, tasks, gas["l2_gas"], gas["l1_data_gas"], fee))

    def compared(self) -> list[Step]:
        """The dearest transaction of each step, against the transfer of the same run."""
        dearest: dict[tuple[str, int], Step] = {}
        for step in self.steps:
            key = (step.step, step.job_tasks)
            if key not in dearest or step.l2_gas > dearest[key].l2_gas:
                dearest[key] = step
        plain = dearest["ERC-20 transfer", 0].l2_gas
        return [replace(step, ratio=round(step.l2_gas / plain, 1)) for step in dearest.values()]


def table(steps: Sequence[Step]) -> str:
    lines = [
        "| call | job | tasks or votes in it | L2 gas | L1 data gas | fee, STRK | L2 gas per task "
        "| transfers |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for step in steps:
        job = f"{step.job_tasks}" if step.job_tasks else "-"
        each = f"{step.l2_gas // step.tasks:,}" if step.tasks else "-"
        lines.append(
            f"| {step.step} | {job} | {step.tasks or '-'} | {step.l2_gas:,} | {step.l1_data_gas:,} "
            f"| {step.fee_fri / 10**18:.4f} | {each} | {step.ratio} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
