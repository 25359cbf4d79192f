"""The naive contract of `benchmarks/naive`: deployed, and a job of it walked frame by frame."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from starknet_py.cairo.felt import encode_shortstring
from starknet_py.hash.selector import get_selector_from_name
from starknet_py.net.client_models import Call, ResourceBounds, ResourceBoundsMapping
from starknet_py.net.models.transaction import InvokeV3
from tileproof.adapters.starknet.accounts import Signer
from tileproof.adapters.starknet.codec import write_u256
from tileproof.adapters.starknet.deploy import STRK, deploy_class
from tileproof.adapters.starknet.node import Node
from tileproof.adapters.starknet.signing import account_of
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.job import Address
from tileproof.domain.money import parse_strk

from benchmarks.gas_figures import TRANSFER, Case
from benchmarks.gas_meter import Meter, Progress

ARTIFACTS = Path(__file__).resolve().parent / "naive" / "artifacts"
PRICE = parse_strk("1")
LEASE_SECONDS = REVIEW_SECONDS = 3600
CHARS_PER_WORD = 31
"""Of a ByteArray."""
BOUND = ResourceBounds(max_amount=10**8, max_price_per_unit=10**10)
"""Far above what one call takes, so that none is estimated first; what is charged does not change."""
SIGNING_AT_ONCE = 2
"""A signature takes longer than its transaction."""


class Wallet:
    """An account that counts its own nonces."""

    def __init__(self, node: Node, chain_id: int, signer: Signer) -> None:
        self.address = signer.address
        self._node = node
        self._account = account_of(node, chain_id, signer)
        self._nonce = node.run(self._account.get_nonce(block_number="latest"))
        node.run(self._account.cairo_version)  # kept by the account, so that signing asks no node

    def send(self, *calls: Call) -> int:
        """The hash of a transaction that the node has taken."""
        [tx_hash] = self.send_each([calls])
        return tx_hash

    def send_each(self, transactions: Iterable[tuple[Call, ...]]) -> Iterator[int]:
        """Sends one after the other while the next are being signed."""
        numbered = [(nonce, calls) for nonce, calls in enumerate(transactions, self._nonce)]
        self._nonce += len(numbered)
        with ThreadPoolExecutor(SIGNING_AT_ONCE) as pool:
            for signed in pool.map(self._signed, numbered):
                yield self._node.run(self._node.client.send_transaction(signed)).transaction_hash

    def _signed(self, numbered: tuple[int, tuple[Call, ...]]) -> InvokeV3:
        nonce, calls = numbered
        bounds = ResourceBoundsMapping(l1_gas=BOUND, l1_data_gas=BOUND, l2_gas=BOUND)
        return asyncio.run(
            self._account.sign_invoke_v3(list(calls), nonce=nonce, resource_bounds=bounds, tip=0)
        )


def transfer(meter: Meter, sender: Wallet, to: Address) -> None:
    """A plain transfer between two accounts that both hold tokens already."""
    calldata = [to.felt, *write_u256(PRICE.units)]
    tx_hash = sender.send(Call(STRK.felt, get_selector_from_name("transfer"), calldata))
    meter.took(TRANSFER, "transfer", tx_hash)


class NaiveFarm:
    def __init__(self, rpc_url: str, deployer: Signer, requester: Wallet, worker: Wallet) -> None:
        self._requester, self._worker = requester, worker
        self._contract = deploy_class(rpc_url, deployer, ARTIFACTS, "naive", [STRK.felt], salt=0)
        self._jobs = 0

    def walk(self, meter: Meter, case: Case) -> None:
        """One job until every frame is paid: four transactions a frame."""
        progress = Progress(f"{case.design.value}, {case}", 4 * case.frames)
        meter.took(case, "create", self._create(case.frames))
        for sender, call in (
            (self._worker, "claim"),
            (self._worker, "submit"),
            (self._requester, "approve"),
            (self._requester, "pay"),
        ):
            for tx_hash in sender.send_each([(self._on(call, frame),) for frame in range(case.frames)]):
                meter.took(case, call, tx_hash)
                progress.step()

    def _create(self, frames: int) -> int:
        self._jobs += 1
        scene = Cid(Codec.RAW, hashlib.sha256(f"scene of job {self._jobs}".encode()).digest())
        escrow = [self._contract.felt, *write_u256(PRICE.units * frames)]
        approve = Call(STRK.felt, get_selector_from_name("approve"), escrow)
        terms = [frames, PRICE.units, LEASE_SECONDS, REVIEW_SECONDS]
        return self._requester.send(approve, self._call("create_job", *byte_array(str(scene)), *terms))

    def _on(self, call: str, frame: int) -> Call:
        """The call for a frame of the latest job."""
        result = Cid(Codec.DAG_PB, hashlib.sha256(f"frame {frame} of job {self._jobs}".encode()).digest())
        more = byte_array(str(result)) if call == "submit" else []
        return self._call(call, self._jobs, frame, *more)

    def _call(self, function: str, *calldata: int) -> Call:
        return Call(self._contract.felt, get_selector_from_name(function), list(calldata))


def byte_array(text: str) -> list[int]:
    """ASCII text as Cairo's ByteArray travels: full words, the rest, its length."""
    full = len(text) // CHARS_PER_WORD
    words = [text[at * CHARS_PER_WORD : (at + 1) * CHARS_PER_WORD] for at in range(full)]
    rest = text[full * CHARS_PER_WORD :]
    return [full, *map(encode_shortstring, words), encode_shortstring(rest) if rest else 0, len(rest)]
