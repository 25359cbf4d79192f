"""One account's transactions: one at a time, each written down before it is sent.

Order of things for every write: take the account's lock, settle what an earlier process left,
estimate (a call that would revert costs nothing), write intent, nonce and transaction hash
into the journal, send, wait for an accepted block, remove the intent. Whoever dies in
between leaves an intent whose hash tells the next process what became of it. A node that falls
silent is handed the same signed bytes again: one hash and one nonce have at most one effect.
"""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from starknet_py.net.account.account import Account
from starknet_py.net.client_models import (
    Call,
    EstimatedFee,
    ResourceBoundsMapping,
    TransactionExecutionStatus,
    TransactionFinalityStatus,
    TransactionReceiptWithBlockInfo,
)
from starknet_py.net.models.transaction import InvokeV3

from ...domain.errors import ConfigError, LedgerRejected, ServiceError
from ...domain.money import Fri
from ...ports.journal import Journal
from .accounts import Signer
from .node import Node, rejected

T = TypeVar("T")
log = logging.getLogger("tileproof.adapters.sender")

INTENT, SPENT = "ledger.intent", "ledger.fees"
GAS_MARGIN, PRICE_MARGIN = 1.3, 1.5
"""How far the bounds lie above the estimate: execution may meet other state, prices move."""
RECEIPT_SECONDS = 300.0
FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.1, 2.0
_TXN_HASH_NOT_FOUND = "29"
_ACCEPTED = (TransactionFinalityStatus.ACCEPTED_ON_L2, TransactionFinalityStatus.ACCEPTED_ON_L1)


@dataclass(frozen=True, slots=True)
class FeeCaps:
    """The most that one transaction, and all of one UTC day, may cost in gas."""

    per_tx: Fri
    per_day: Fri


class Sender:
    """Sends for one account, from this and any other process, in turns."""

    def __init__(
        self, node: Node, chain_id: int, signer: Signer, journal: Journal | None, caps: FeeCaps
    ) -> None:
        self._node, self._journal, self._caps = node, journal, caps
        self._account = Account(
            address=signer.address.felt, client=node.client, key_pair=signer.key_pair(), chain=chain_id
        )
        self._chain_id = chain_id
        self._guard = threading.Lock()
        self._lock_file = _lock_folder() / f"{chain_id:x}-{signer.address.felt:064x}.lock"

    def send(self, what: str, calls: Sequence[Call]) -> TransactionReceiptWithBlockInfo:
        """The receipt of an accepted, successful transaction.

        Raises:
            LedgerRejected: the calls would revert, or did.
            ConfigError: ``fees.above_cap``, ``fees.above_daily_cap``; nothing was sent.
            ServiceError: ``ledger.unreachable`` before anything was sent;
                ``ledger.outcome_unknown`` when the node fell silent after it was. The next
                start, or the next send, finds out.
        """
        with self._turn():
            self._reconcile()
            nonce = self._node.run(self._account.get_nonce(block_number="latest"))
            bounds = self._estimate(calls, nonce).to_resource_bounds(GAS_MARGIN, PRICE_MARGIN)
            self._check_caps(what, _most(bounds))
            signed = self._node.run(
                self._account.sign_invoke_v3(list(calls), nonce=nonce, resource_bounds=bounds, tip=0)
            )
            tx_hash = signed.calculate_hash(self._chain_id)
            self._remember(what, nonce, tx_hash)
            self._hand_over(signed, tx_hash)
            log.info("sent what=%s nonce=%d tx=%#x", what, nonce, tx_hash)
            receipt = self._await(tx_hash)
            self._add_spent(Fri(receipt.actual_fee.amount))
            self._forget(tx_hash)
            return _checked(receipt)

    def reconcile(self) -> None:
        """Finds out what became of every transaction that an earlier process sent and did not
        see confirmed; sends nothing. Raises ServiceError while that cannot be told."""
        with self._turn():
            self._reconcile()

    def _reconcile(self) -> None:
        if self._journal is None:
            return
        for key, record in self._journal.all(INTENT).items():
            tx_hash = int(key, 16)
            nonce = int(str(record["nonce"]))
            if self._known(tx_hash):
                self._add_spent(Fri(self._await(tx_hash).actual_fee.amount))
                log.info("reconciled what=%s tx=%#x: it is in a block", record["what"], tx_hash)
            elif self._node.run(self._account.get_nonce(block_number="latest")) > nonce:
                log.info("reconciled what=%s tx=%#x: its nonce was used by another", record["what"], tx_hash)
            else:
                log.info("reconciled what=%s tx=%#x: it never arrived", record["what"], tx_hash)
            self._forget(tx_hash)

    def _known(self, tx_hash: int) -> bool:
        try:
            self._node.run(self._node.client.get_transaction_status(tx_hash))
        except ServiceError as error:
            if _is_unknown_hash(error):
                return False
            raise
        return True

    def _estimate(self, calls: Sequence[Call], nonce: int) -> EstimatedFee:
        async def estimate() -> EstimatedFee:
            zero = EstimatedFee(0, 0, 0, 0, 0, 0, 0, None)  # type: ignore[arg-type]
            unsigned = await self._account._prepare_invoke_v3(
                list(calls), nonce=nonce, resource_bounds=zero.to_resource_bounds(), tip=0
            )
            fee = await self._account.estimate_fee(unsigned, block_number="latest")
            assert isinstance(fee, EstimatedFee)
            return fee

        return self._node.run(estimate())

    def _check_caps(self, what: str, most: Fri) -> None:
        """``most`` is what the transaction's bounds allow it to cost."""
        if most > self._caps.per_tx:
            raise ConfigError(
                "fees.above_cap",
                f"{what} could cost {most} in gas, more than the {self._caps.per_tx} a transaction may",
                remedy="wait for lower prices, or raise TILEPROOF_FEE_PER_TX",
                fee=most.units,
            )
        if self._spent_today() + most > self._caps.per_day:
            raise ConfigError(
                "fees.above_daily_cap",
                f"{what} could bring today's gas above the {self._caps.per_day} allowed for a day",
                remedy="wait until tomorrow (UTC), or raise TILEPROOF_FEE_PER_DAY",
                fee=most.units,
            )

    def _hand_over(self, signed: InvokeV3, tx_hash: int) -> None:
        """Gives the node the signed transaction; while it falls silent, the same bytes again."""
        was_silent = False

        def taken() -> bool:
            nonlocal was_silent
            try:
                self._node.run(self._node.client.send_transaction(signed))
            except ServiceError as error:
                if error.retryable:
                    was_silent = True
                    log.warning("sending tx=%#x: the node fell silent", tx_hash)
                    raise
                if was_silent and self._known(tx_hash):
                    return True  # refused as a duplicate: an earlier try had arrived
                self._forget(tx_hash)
                raise
            except LedgerRejected:
                self._forget(tx_hash)
                raise
            return True

        self._poll(tx_hash, taken)

    def _await(self, tx_hash: int) -> TransactionReceiptWithBlockInfo:
        """The receipt, once the transaction is in an accepted block."""

        def accepted() -> TransactionReceiptWithBlockInfo | None:
            try:
                receipt = self._node.run(self._node.client.get_transaction_receipt(tx_hash))
            except ServiceError as error:
                if _is_unknown_hash(error):
                    return None
                raise
            return receipt if receipt.finality_status in _ACCEPTED else None

        return self._poll(tx_hash, accepted)

    def _poll(self, tx_hash: int, look: Callable[[], T | None]) -> T:
        """What ``look`` finds; it is asked again while it finds nothing and while the node is
        silent, until ``RECEIPT_SECONDS`` are over."""
        deadline = time.monotonic() + RECEIPT_SECONDS
        pause = FIRST_POLL_SECONDS
        while True:
            try:
                found = look()
            except ServiceError as error:
                if not error.retryable:
                    raise
                found = None
            if found:
                return found
            if time.monotonic() > deadline:
                break
            threading.Event().wait(pause)
            pause = min(LONGEST_POLL_SECONDS, pause * 1.3)
        raise ServiceError(
            "ledger.outcome_unknown",
            f"the transaction {tx_hash:#x} was sent and is not in a block after {RECEIPT_SECONDS:.0f} s",
            remedy="start again: what became of it is found out before anything else is sent",
            tx_hash=hex(tx_hash),
        )

    def _remember(self, what: str, nonce: int, tx_hash: int) -> None:
        if self._journal is not None:
            self._journal.put(INTENT, hex(tx_hash), {"what": what, "nonce": nonce})

    def _forget(self, tx_hash: int) -> None:
        if self._journal is not None:
            self._journal.remove(INTENT, hex(tx_hash))

    def _spent_today(self) -> Fri:
        record = self._journal.get(SPENT, _today()) if self._journal is not None else None
        return Fri(int(str(record["fri"]))) if record is not None else Fri(0)

    def _add_spent(self, fee: Fri) -> None:
        if self._journal is not None:
            self._journal.put(SPENT, _today(), {"fri": str((self._spent_today() + fee).units)})

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._guard, self._lock_file.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _is_unknown_hash(error: ServiceError) -> bool:
    return error.data.get("rpc_code") == _TXN_HASH_NOT_FOUND


def _most(bounds: ResourceBoundsMapping) -> Fri:
    """The most that a transaction with these bounds is charged."""
    each = (bounds.l1_gas, bounds.l1_data_gas, bounds.l2_gas)
    return Fri(sum(bound.max_amount * bound.max_price_per_unit for bound in each))


def _checked(receipt: TransactionReceiptWithBlockInfo) -> TransactionReceiptWithBlockInfo:
    if receipt.execution_status is TransactionExecutionStatus.REVERTED:
        raise rejected(receipt.revert_reason or "")
    return receipt


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _lock_folder() -> Path:
    """One place for all processes of this user, whatever their homes: the lock is the account's."""
    folder = Path(tempfile.gettempdir()) / f"tileproof-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise ConfigError(
            "config.unsafe_folder", f"{folder} belongs to someone else", remedy="remove it", path=folder
        )
    return folder
