"""One account's transactions: one at a time, each written down before it is sent.

Order of things for every write: take the account's lock, settle what an earlier process left,
estimate (a call that would revert costs nothing), write intent, nonce and transaction hash
into the journal, send, wait for an accepted block, remove the intent. Whoever dies in
between leaves an intent whose hash tells the next process what became of it. A node that falls
silent is handed the same signed bytes again: one hash and one nonce have at most one effect.

An intent is over when its hash is in a block, or when its nonce is used and its hash is not. One
that is neither may still arrive, however late; it stays written down, and what is sent next has
the same nonce, so that the chain itself lets only one of the two happen.
"""

from __future__ import annotations

import logging
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from ...domain.errors import ConfigError, LedgerRejected, ServiceError
from ...domain.log_context import sending
from ...domain.money import Fri
from ...ports.journal import Journal
from ..store.memory import MemoryJournal
from .accounts import Signer
from .caps import AtRisk, FeeCaps, nothing_at_risk
from .intents import Intent, Intents
from .library import (
    Call,
    EstimatedFee,
    InvokeV3,
    ResourceBoundsMapping,
    TransactionExecutionStatus,
    TransactionFinalityStatus,
    TransactionReceiptWithBlockInfo,
)
from .node import Node, rejected
from .signing import account_of

T = TypeVar("T")
log = logging.getLogger("tileproof.adapters.sender")

GAS_MARGIN, PRICE_MARGIN = 1.3, 1.5
"""How far the bounds lie above the estimate: execution may meet other state, prices move."""
RECEIPT_SECONDS = 300.0
LOCK_POLL_SECONDS = 0.02
FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.1, 2.0
_TXN_HASH_NOT_FOUND, _DUPLICATE_TX = "29", "59"
_ACCEPTED = (TransactionFinalityStatus.ACCEPTED_ON_L2, TransactionFinalityStatus.ACCEPTED_ON_L1)


class Sender:
    """Sends for one account, from this and any other process, in turns.

    Without a ``journal`` intents and the day's fees are remembered until the process ends.
    """

    def __init__(
        self, node: Node, chain_id: int, signer: Signer, journal: Journal | None, caps: FeeCaps
    ) -> None:
        self._node, self._caps = node, caps
        self._intents = Intents(MemoryJournal() if journal is None else journal)
        self._account = account_of(node, chain_id, signer)
        self._chain_id = chain_id
        self._guard = threading.Lock()
        self._lock_file = _lock_folder() / f"{chain_id:x}-{signer.address.felt:064x}.lock"

    def send(
        self,
        what: str,
        calls: Sequence[Call],
        *,
        key: str | None = None,
        at_risk: AtRisk = nothing_at_risk,
    ) -> TransactionReceiptWithBlockInfo:
        """The receipt of an accepted, successful transaction.

        With a ``key``, the caller's own durable name for what is to happen, it happens at most
        once: asked again, in this process or after a crash, the answer is the first one's,
        receipt or revert, until the caller says ``taken``. A call may exceed the caps by what
        is ``at_risk`` without it.

        Raises:
            LedgerRejected: the calls would revert, or did.
            ConfigError: ``fees.above_cap``, ``fees.above_daily_cap``; nothing was sent.
            ServiceError: ``ledger.unreachable`` before anything was sent;
                ``ledger.nonce_taken``, retryable, when another transaction of the account came
                in between and this one has no effect; ``ledger.outcome_unknown`` when the node fell
                silent after it was sent. The next start, or the next send, finds out.
        """
        with self._turn():
            try:
                return _checked(self._sent(what, calls, key, at_risk))
            except ServiceError as error:
                if not _is_about_nonce(error):
                    raise
                self._reconcile()  # should it have been one of ours, it is told now and not again
                raise _nonce_taken(what) from error

    def taken(self, key: str) -> None:
        """The caller has written down what became of ``key`` and will not ask again."""
        for intent in self._intents.of(key):
            if intent.landed:
                self._intents.remove(intent)

    def reconcile(self) -> None:
        """Finds out what became of every transaction that an earlier process sent and did not
        see confirmed; sends nothing. Raises ServiceError while that cannot be told."""
        with self._turn():
            self._reconcile()

    def _sent(
        self, what: str, calls: Sequence[Call], key: str | None, at_risk: AtRisk
    ) -> TransactionReceiptWithBlockInfo:
        nonce = self._nonce()  # first: what is found missing now cannot have used an earlier one
        if self._reconcile() and key is None:
            raise _nonce_taken(what)  # whoever decided on this call did not know of that one
        earlier = self._outcome(key, nonce) if key is not None else None
        if earlier is not None:
            return earlier
        if any(other.nonce < nonce for other in self._intents.open()):
            raise _nonce_taken(what)  # by which of ours, the next look will tell
        bounds = _unlike_any(self._estimate(calls, nonce).to_resource_bounds(GAS_MARGIN, PRICE_MARGIN))
        self._caps.check(what, _most(bounds), self._intents.spent(_today()), at_risk)
        signed = self._node.run(
            self._account.sign_invoke_v3(list(calls), nonce=nonce, resource_bounds=bounds, tip=0)
        )
        intent = Intent(signed.calculate_hash(self._chain_id), what, nonce, key)
        self._intents.put(intent)
        with sending(intent.tx_hash):
            self._hand_over(signed, intent)
            log.info("sent what=%s nonce=%d tx=%#x", what, nonce, intent.tx_hash)
            receipt = self._await(intent.tx_hash)
        self._landed(intent, receipt)
        for other in self._intents.open():
            if other.nonce <= nonce:
                self._intents.remove(other)  # it never arrived, and now it never will
        return receipt

    def _reconcile(self) -> bool:
        """Whether an intent that was open has landed."""
        return any([self._settle(intent) is not None for intent in self._intents.open()])

    def _outcome(self, key: str, nonce: int) -> TransactionReceiptWithBlockInfo | None:
        """The receipt of what was sent under this key; None when it may be sent with ``nonce``."""
        for intent in self._intents.of(key):
            receipt = self._settle(intent)
            if receipt is not None:
                return receipt
            if intent.nonce > nonce:
                raise _unknown_outcome(
                    intent.tx_hash,
                    "was sent with a later nonce than the node shows: it lags, or lost blocks",
                    retryable=True,
                )
        return None

    def _settle(self, intent: Intent) -> TransactionReceiptWithBlockInfo | None:
        """The receipt of an intent that is in a block. One that can never be is forgotten; one
        that may still arrive stays."""
        with sending(intent.tx_hash):
            is_known, is_dead = self._look_up(intent)
            receipt = self._await(intent.tx_hash) if is_known else None
        if receipt is not None:
            self._landed(intent, receipt)
            log.info("reconciled what=%s tx=%#x: it is in a block", intent.what, intent.tx_hash)
            return receipt
        if is_dead:
            log.info("reconciled what=%s tx=%#x: its nonce was used by another", intent.what, intent.tx_hash)
            self._intents.remove(intent)
        else:
            log.info("reconciled what=%s tx=%#x: it has not arrived", intent.what, intent.tx_hash)
            if intent.landed:  # and its block is gone
                self._intents.put(replace(intent, landed=False))
        return None

    def _landed(self, intent: Intent, receipt: TransactionReceiptWithBlockInfo) -> None:
        self._intents.landed(intent, Fri(receipt.actual_fee.amount), _today())

    def _nonce(self) -> int:
        return self._node.run(self._account.get_nonce(block_number="latest"))

    def _look_up(self, intent: Intent) -> tuple[bool, bool]:
        """Whether the node has the transaction, and whether it never will: its nonce is used, by
        the word of the very endpoint that does not have it."""
        nonce = self._nonce()  # before the hash: what arrives in between must not pass for lost
        endpoint = self._node.url
        is_known = self._known(intent.tx_hash)
        is_used = nonce > intent.nonce and endpoint == self._node.url
        return is_known, is_used and not is_known

    def _known(self, tx_hash: int) -> bool:
        try:
            self._node.run(self._node.client.get_transaction_status(tx_hash))
        except ServiceError as error:
            if error.data.get("rpc_code") == _TXN_HASH_NOT_FOUND:
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

    def _hand_over(self, signed: InvokeV3, intent: Intent) -> None:
        """Gives the node the signed transaction; while it falls silent, the same bytes again."""
        was_silent = False

        def taken() -> bool:
            nonlocal was_silent
            try:
                self._node.run(self._node.client.send_transaction(signed))
            except (ServiceError, LedgerRejected) as error:
                if isinstance(error, ServiceError) and error.retryable:
                    was_silent = True
                    log.warning("sending tx=%#x: the node fell silent", intent.tx_hash)
                    raise
                if was_silent:
                    is_known, is_dead = self._look_up(intent)
                    if is_known:
                        return True  # refused as a duplicate: an earlier try had arrived
                    if not is_dead:
                        if _is_about_nonce(error) or _is_duplicate(error):
                            return False  # it has arrived, or another has: soon the blocks tell which
                        raise  # an earlier try may still arrive: the intent stays
                self._intents.remove(intent)
                raise
            return True

        self._poll(intent.tx_hash, taken)

    def _await(self, tx_hash: int) -> TransactionReceiptWithBlockInfo:
        """The receipt, once the transaction is in an accepted block."""

        def accepted() -> TransactionReceiptWithBlockInfo | None:
            try:
                receipt = self._node.run(self._node.client.get_transaction_receipt(tx_hash))
            except ServiceError as error:
                if error.data.get("rpc_code") == _TXN_HASH_NOT_FOUND:
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
        raise _unknown_outcome(tx_hash, f"was sent and is not in a block after {RECEIPT_SECONDS:.0f} s")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        lock = FileLock(self._lock_file, poll_interval=LOCK_POLL_SECONDS)
        with self._guard:
            try:
                lock.acquire(blocking=False)
            except Timeout:
                log.info("waiting for another process that sends for this account")
                lock.acquire()
            try:
                yield
            finally:
                lock.release()


def _nonce_taken(what: str) -> ServiceError:
    return ServiceError(
        "ledger.nonce_taken",
        f"{what} has no effect: another transaction of this account came in between",
        remedy="look at the ledger again, then decide; give each role an account of its own",
        retryable=True,
    )


def _is_about_nonce(error: ServiceError | LedgerRejected) -> bool:
    """The codes differ by node and by whether the call was estimated or sent; the word does not."""
    return error.code == "ledger.refused" and "nonce" in error.message


def _is_duplicate(error: ServiceError | LedgerRejected) -> bool:
    return error.data.get("rpc_code") == _DUPLICATE_TX


def _unknown_outcome(tx_hash: int, why: str, *, retryable: bool = False) -> ServiceError:
    return ServiceError(
        "ledger.outcome_unknown",
        f"the transaction {tx_hash:#x} {why}",
        remedy="start again: what became of it is found out before anything else is sent",
        retryable=retryable,
        tx_hash=hex(tx_hash),
    )


def _unlike_any(bounds: ResourceBoundsMapping) -> ResourceBoundsMapping:
    """The bounds with a bit more at random on the price, so that no two signings are the same bytes:
    two processes that want the same with the same nonce must not take one transaction for both."""
    price = bounds.l2_gas.max_price_per_unit + secrets.randbits(24)  # fri: some 5e13 a transaction
    return replace(bounds, l2_gas=replace(bounds.l2_gas, max_price_per_unit=price))


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
    if not hasattr(os, "getuid"):  # Windows, where each user has a folder of their own for such files
        folder = Path(tempfile.gettempdir()) / "tileproof"
        folder.mkdir(exist_ok=True)
        return folder
    folder = Path(tempfile.gettempdir()) / f"tileproof-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise ConfigError(
            "config.unsafe_folder", f"{folder} belongs to someone else", remedy="remove it", path=folder
        )
    return folder
