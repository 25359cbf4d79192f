"""The Ledger port over a Starknet node and the registry contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ...domain.cid import Cid
from ...domain.errors import ConfigError, InputError, LedgerRejected, ServiceError
from ...domain.job import (
    Address,
    Appeal,
    Balances,
    Bounds,
    Commitment,
    Job,
    Reveal,
    Seat,
    Task,
    TaskResult,
    Terms,
    Totals,
)
from ...domain.money import Fri, parse_strk
from ...ports.journal import Journal
from ...ports.ledger import EventPage, GasPrices, Head, JobCreated, Receipt
from ...ports.trail import Trail
from ..retry import retried
from . import codec
from .account_state import check_deployed, check_key
from .accounts import Signer
from .caps import AtRisk, FeeCaps, nothing_at_risk
from .codec import Felts
from .event_pages import READINGS, Counts, EventPages
from .events import RawEvent, decode, selector
from .node import Node, open_node
from .rpc import Block, BlockId, selector_of

if TYPE_CHECKING:
    from .library import Call, TransactionReceiptWithBlockInfo
    from .sender import Sender

T = TypeVar("T")
READ_BUDGET_SECONDS = 20.0
PAGE_TASKS = 64
"""The contract's MAX_BATCH: tasks per get_tasks."""
CONTRACT_NOT_FOUND = "20"
UNREVEALED = 4
"""Audit fees that a seat loses when it commits and does not reveal: the contract's settlement."""
DEFAULT_CAPS = FeeCaps(per_tx=parse_strk("1"), per_day=parse_strk("50"))


def connect(
    rpc_url: str,
    contract: Address,
    signer: Signer | None,
    *,
    expected_chain_id: int | None = None,
    deployment_block: int = 0,
    journal: Journal | None = None,
    caps: FeeCaps = DEFAULT_CAPS,
) -> StarknetLedger:
    """The ledger at this address, checked once, for ``signer`` or only for reading; ``rpc_url``
    may name several endpoints, with commas between them.

    What an earlier process sent without seeing it confirmed is reconciled before this returns.

    Raises:
        ServiceError: ``ledger.unreachable``, ``ledger.not_a_node``.
        ConfigError: ``ledger.wrong_spec``, ``ledger.wrong_chain``, ``ledger.no_contract``,
            ``ledger.wrong_contract``, ``ledger.bad_url``; ``account.not_deployed``, ``account.wrong_key``,
            ``account.not_an_account`` for a signer that cannot act.
    """
    node, chain_id = open_node(rpc_url, expected_chain_id=expected_chain_id)
    try:
        _check_contract(node, contract)
        ledger = StarknetLedger(node, chain_id, contract, signer, journal, caps, deployment_block)
        ledger.bounds()
        if signer is not None:
            check_deployed(node, signer.address)
            check_key(node, signer)
        ledger.reconcile()
        return ledger
    except ServiceError as error:
        node.close()
        if error.code in ("ledger.malformed_answer", "ledger.refused"):
            raise _wrong_contract(contract) from error
        raise
    except BaseException:
        node.close()
        raise


class StarknetLedger:
    """Made by ``connect``; a context that closes the node's connection."""

    def __init__(
        self,
        node: Node,
        chain_id: int,
        contract: Address,
        signer: Signer | None,
        journal: Journal | None,
        caps: FeeCaps,
        deployment_block: int = 0,
    ) -> None:
        self._deployment_block = deployment_block
        self._node, self._chain_id, self._contract = node, chain_id, contract
        self._signer = signer
        self._sender: Sender | None = None
        if signer is not None:
            from .sender import Sender  # here, so that reading loads no starknet-py

            self._sender = Sender(node, chain_id, signer, journal, caps)
        counts = Counts(jobs=self._job_count_at, tasks=self._tasks_at)
        self._pages = EventPages(node, contract, counts, self._retried, deployment_block)
        self._token: Address | None = None
        self._bounds: Bounds | None = None

    def __enter__(self) -> StarknetLedger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._node.close()

    def reconcile(self) -> None:
        if self._sender is not None:
            self._sender.reconcile()

    # --- reading ---

    def head(self) -> Head:
        block: Block = self._retried(lambda: self._node.block("latest"))
        return Head(
            block=block.block_number,
            timestamp=block.timestamp,
            block_hash=block.block_hash,
            gas=GasPrices(l2=Fri(block.l2_gas_fri), l1_data=Fri(block.l1_data_gas_fri)),
        )

    def chain_id(self) -> int:
        return self._chain_id

    def contract(self) -> Address:
        return self._contract

    def token(self) -> Address:
        """The ERC-20 in which all is paid."""
        if self._token is None:
            self._token = self._view(Felts.address, "get_token")
        return self._token

    def bounds(self) -> Bounds:
        if self._bounds is None:
            self._bounds = self._view(codec.read_bounds, "get_bounds")
        return self._bounds

    def totals(self) -> Totals:
        return self._view(codec.read_totals, "get_totals")

    def job_count(self) -> int:
        return self._view(Felts.number, "get_job_count")

    def job(self, job_id: int) -> Job:
        return self._of_job(codec.read_job, "get_job", job_id)

    def task(self, job_id: int, task: int) -> Task:
        return self._of_job(lambda felts: codec.read_task(felts, job_id), "get_task", job_id, task)

    def tasks(self, job_id: int) -> tuple[Task, ...]:
        for _ in range(READINGS):
            try:
                return self._tasks_of(job_id, self.head().block)
            except ServiceError as error:
                # A devnet without an archive forgets a block's state when the next one comes.
                if error.retryable or error.code != "ledger.refused":
                    raise
        return self._tasks_of(job_id, None)

    def _tasks_of(self, job_id: int, block: int | None) -> tuple[Task, ...]:
        count = self._of_job(codec.read_job, "get_job", job_id, block=block).task_count

        def read_page(felts: Felts) -> tuple[Task, ...]:
            return felts.items(lambda: codec.read_task(felts, job_id))

        found: list[Task] = []
        while len(found) < count:
            page = self._of_job(read_page, "get_tasks", job_id, len(found), PAGE_TASKS, block=block)
            if not page:
                raise codec.malformed(f"{len(found)} of {count} tasks")
            found += page
        return tuple(found)

    def balances(self, account: Address) -> Balances:
        stored = self._view(codec.read_balances, "get_balances", account.felt)
        wallet = Felts(self._call(self.token(), "balance_of", account.felt)).u256()
        return Balances(
            wallet=Fri(wallet),
            withdrawable=stored.withdrawable,
            worker_bonds=stored.worker_bonds,
            appeal_bonds=stored.appeal_bonds,
            seat_bonds=stored.seat_bonds,
        )

    def seats_of(self, account: Address) -> tuple[Seat, ...]:
        slots = self._view(lambda felts: felts.items(felts.number), "get_seats_of", account.felt)
        return tuple(self.seat(slot) for slot in slots)

    def seat(self, slot: int) -> Seat:
        return self._view(lambda felts: codec.read_seat(felts, slot), "get_seat", slot)

    def active_seats(self) -> int:
        return self._view(Felts.number, "get_active_seat_count")

    def block_hash(self, block: int) -> int:
        try:
            found: Block = self._retried(lambda: self._node.block(block))
        except ServiceError as error:
            if error.code != "ledger.refused":
                raise
            raise ServiceError(
                "ledger.block_unknown", f"the node has no block {block} yet", retryable=True, block=block
            ) from error
        return found.block_hash

    def events(self, cursor: int = 0, *, job_id: int | None = None, trail: Trail | None = None) -> EventPage:
        return self._pages.page(cursor, job_id, trail)

    # --- writing ---

    def account(self) -> Address:
        return self._signed().address

    def create_job(self, manifest: Cid, task_count: int, terms: Terms) -> tuple[int, Receipt]:
        escrow = terms.escrow(task_count)
        call = self._own(
            "create_job", [*codec.write_u256(manifest.digest_int), task_count, *codec.write_terms(terms)]
        )
        receipt = self._send("create_job", self._approve(escrow), call)
        for event in self._of_receipt(receipt):
            if isinstance(event, JobCreated):
                return event.job_id, _receipt(receipt)
        raise codec.malformed("create_job left no JobCreated event")

    def find_job(self, manifest: Cid) -> int | None:
        keys = [[selector("JobCreated")], [], [self.account().felt]]
        found = [decode(raw) for raw in self._pages.raw(keys, self._deployment_block, self.head().block)]
        jobs = [e.job_id for e in found if isinstance(e, JobCreated) and e.manifest == manifest]
        return max(jobs, default=None)

    def pause_job(self, job_id: int) -> Receipt:
        return self._write("pause_job", [job_id])

    def resume_job(self, job_id: int) -> Receipt:
        return self._write("resume_job", [job_id])

    def close_job(self, job_id: int) -> Receipt:
        return self._write("close_job", [job_id])

    def close_tasks(self, job_id: int, tasks: Sequence[int]) -> Receipt:
        return self._write("close_tasks", [job_id, *_numbers(tasks)])

    def claim(self, job_id: int, tasks: Sequence[int]) -> Receipt:
        return self._write("claim", [job_id, *_numbers(tasks)])

    def give_back(self, job_id: int, tasks: Sequence[int]) -> Receipt:
        return self._write("give_back", [job_id, *_numbers(tasks)])

    def submit(self, job_id: int, results: Iterable[TaskResult]) -> Receipt:
        return self._write("submit", [job_id, *codec.write_span(map(codec.write_result, results))])

    def draw(self, job_id: int, tasks: Sequence[int]) -> Receipt:
        return self._write("draw", [job_id, *_numbers(tasks)])

    def appeal(self, job_id: int, appeals: Sequence[Appeal]) -> Receipt:
        def at_risk() -> Fri:
            job = self.job(job_id)
            each = job.terms.reward if job.requester == self.account() else job.terms.worker_bond
            return each * len(appeals)

        calldata = [job_id, *codec.write_span(map(codec.write_appeal, appeals))]
        return self._write("appeal", calldata, at_risk=at_risk)

    def settle(self, job_id: int, tasks: Sequence[int]) -> Receipt:
        return self._write("settle", [job_id, *_numbers(tasks)])

    def release(self, job_id: int, tasks: Sequence[int]) -> Receipt:
        return self._write("release", [job_id, *_numbers(tasks)])

    def take_seat(self) -> tuple[int, Receipt]:
        receipt = self._send("take_seat", self._own("take_seat", []))
        taken = selector("SeatTaken")
        for event in receipt.events:
            if event.from_address == self._contract.felt and event.keys[0] == taken:
                return Felts(event.data).number(), _receipt(receipt)
        raise codec.malformed("take_seat left no SeatTaken event")

    def leave_seat(self, slot: int) -> Receipt:
        return self._write("leave_seat", [slot])

    def collect_seat(self, slot: int) -> Receipt:
        return self._write("collect_seat", [slot])

    def commit(self, job_id: int, commitments: Sequence[Commitment]) -> Receipt:
        return self._write("commit", [job_id, *codec.write_span(map(codec.write_commitment, commitments))])

    def reveal(self, job_id: int, reveals: Sequence[Reveal]) -> Receipt:
        def at_risk() -> Fri:
            return self.job(job_id).terms.audit_fee * (UNREVEALED * len(reveals))

        calldata = [job_id, *codec.write_span(map(codec.write_reveal, reveals))]
        return self._write("reveal", calldata, at_risk=at_risk)

    def deposit(self, amount: Fri) -> Receipt:
        return _receipt(self._send("deposit", self._approve(amount), self._own("deposit", [amount.units])))

    def withdraw(self, amount: Fri) -> Receipt:
        return self._write("withdraw", [amount.units])

    # --- how ---

    def _signed(self) -> Signer:
        if self._signer is None:
            raise ConfigError(
                "account.not_set",
                "no account is chosen",
                remedy="give --account NAME, or set STARKNET_ACCOUNT",
            )
        return self._signer

    def _send(
        self, what: str, *calls: Call, at_risk: AtRisk = nothing_at_risk
    ) -> TransactionReceiptWithBlockInfo:
        self._signed()
        assert self._sender is not None
        return self._sender.send(what, calls, at_risk=at_risk)

    def _write(self, function: str, calldata: list[int], *, at_risk: AtRisk = nothing_at_risk) -> Receipt:
        return _receipt(self._send(function, self._own(function, calldata), at_risk=at_risk))

    def _own(self, function: str, calldata: list[int]) -> Call:
        return _call_of(self._contract, function, calldata)

    def _approve(self, amount: Fri) -> Call:
        calldata = [self._contract.felt, *codec.write_u256(amount.units)]
        return _call_of(self.token(), "approve", calldata)

    def _view(self, read: Callable[[Felts], T], function: str, *calldata: int, block: int | None = None) -> T:
        felts = Felts(self._call(self._contract, function, *calldata, block=block))
        answer = read(felts)
        felts.end()
        return answer

    def _of_job(
        self, read: Callable[[Felts], T], function: str, job_id: int, *rest: int, block: int | None = None
    ) -> T:
        if not 0 < job_id < 2**64:
            raise _no_job(job_id)
        try:
            return self._view(read, function, job_id, *rest, block=block)
        except LedgerRejected as error:
            if error.reason == "JOB_UNKNOWN":
                raise _no_job(job_id) from error
            raise

    def _call(self, contract: Address, function: str, *calldata: int, block: int | None = None) -> list[int]:
        at: BlockId = "latest" if block is None else block
        return list(self._retried(lambda: self._node.call(contract, function, calldata, at)))

    def _retried(self, call: Callable[[], Any]) -> Any:
        return retried(call, budget_seconds=READ_BUDGET_SECONDS)

    def _job_count_at(self, block: int) -> int | None:
        try:
            return self._view(Felts.number, "get_job_count", block=block)
        except ServiceError as error:
            if error.retryable or error.code != "ledger.refused":
                raise
            return 0 if error.data.get("rpc_code") == CONTRACT_NOT_FOUND else None

    def _tasks_at(self, job_id: int, block: int) -> tuple[Task, ...] | None:
        try:
            return self._tasks_of(job_id, block)
        except InputError:
            return ()
        except ServiceError as error:
            if error.retryable or error.code != "ledger.refused":
                raise
            return () if error.data.get("rpc_code") == CONTRACT_NOT_FOUND else None

    def _of_receipt(self, receipt: TransactionReceiptWithBlockInfo) -> list[object]:
        own = [e for e in receipt.events if e.from_address == self._contract.felt]
        block = receipt.block_number or 0
        return [decode(RawEvent(block, receipt.transaction_hash, e.keys, e.data)) for e in own]


def _call_of(contract: Address, function: str, calldata: list[int]) -> Call:
    from .library import Call

    return Call(contract.felt, selector_of(function), calldata)


def _receipt(receipt: TransactionReceiptWithBlockInfo) -> Receipt:
    return Receipt(
        tx_hash=receipt.transaction_hash,
        block=receipt.block_number or 0,
        fee=Fri(receipt.actual_fee.amount),
        gas_l2=receipt.execution_resources.l2_gas,
    )


def _numbers(tasks: Sequence[int]) -> list[int]:
    return [len(tasks), *tasks]


def _no_job(job_id: int) -> InputError:
    return InputError(
        "job.unknown",
        f"there is no job {job_id}",
        remedy="`tileproof client list` shows this account's jobs",
        job=job_id,
    )


def _check_contract(node: Node, contract: Address) -> None:
    try:
        node.expect_contract(contract)
    except ServiceError as error:
        if error.code != "ledger.refused":
            raise
        raise ConfigError(
            "ledger.no_contract",
            f"there is no contract at {contract}",
            remedy="correct JOB_REGISTRY_ADDRESS, or deploy one with `tileproof contract deploy`",
            contract=contract,
        ) from error


def _wrong_contract(contract: Address) -> ConfigError:
    return ConfigError(
        "ledger.wrong_contract",
        f"the contract at {contract} is not a Tileproof registry of this version",
        remedy="correct JOB_REGISTRY_ADDRESS",
        contract=contract,
    )
