"""Private interfaces of starknet-py that we rely on, and blocks that are only pre-confirmed.

An upgrade of the library that changes one of these fails here, by name.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starknet_py.hash.selector import get_selector_from_name
from starknet_py.net.account.account import Account
from starknet_py.net.client_models import (
    Call,
    EstimatedFee,
    TransactionFinalityStatus,
)
from starknet_py.net.full_node_client import FullNodeClient
from starknet_py.net.http_client import RpcHttpClient
from starknet_py.net.signer.key_pair import KeyPair
from tileproof.adapters.starknet import library, sender
from tileproof.adapters.starknet.endpoints import Endpoints
from tileproof.adapters.starknet.rpc import read_events
from tileproof.adapters.starknet.transport import Transport
from tileproof.domain.errors import ServiceError

ADAPTERS = Path(sender.__file__).parent
EXAMINING = ("specVersion", "chainId", "blockNumber")
"""Questions of `Endpoints` itself to a node that it is about to believe."""
URL = "http://127.0.0.1:1/rpc"
HASH = "0x5"
BLOCK = {"block_number": 7, "block_hash": HASH, "status": "ACCEPTED_ON_L2", "transactions": []}
CLASS = {
    "sierra_program": ["0x1"],
    "contract_class_version": "0.1.0",
    "entry_points_by_type": {"CONSTRUCTOR": [], "EXTERNAL": [], "L1_HANDLER": []},
    "abi": "[]",
}
RECEIPT = {"block_number": 7, "block_hash": HASH, "finality_status": "ACCEPTED_ON_L2"}


class AnsweringEndpoints(Endpoints):
    """One endpoint whose answers are given, by method."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__([URL], Transport(1.0), None)
        self.answers = {"specVersion": "0.10.0", "chainId": "0x1", "blockNumber": 0, **answers}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def _post(self, endpoint: Any, method: str, params: dict[str, Any]) -> Any:
        self.asked.append((method, params))
        return self.answers[method]


def asked(answers: dict[str, Any], *methods: tuple[str, dict[str, Any]]) -> tuple[list[Any], int]:
    """Returns the answers to these requests in turn, and the highest block that was believed."""

    async def ask() -> tuple[list[Any], int]:
        endpoints = AnsweringEndpoints(answers)
        said = [await endpoints.call(method, params) for method, params in methods]
        return said, endpoints._heads.highest

    return asyncio.run(ask())


def test_the_client_sends_its_calls_through_the_member_that_we_replace() -> None:
    async def ask() -> tuple[int, list[str]]:
        assert isinstance(FullNodeClient(node_url=URL)._client, RpcHttpClient)
        endpoints = AnsweringEndpoints({"blockNumber": 7})
        client = library.client_over(URL, endpoints)
        return await client.get_block_number(), [method for method, _ in endpoints.asked]

    number, methods = asyncio.run(ask())
    assert number == 7
    assert methods[-1] == "blockNumber"


def test_the_rpc_client_that_we_derive_from_has_the_method_that_we_override() -> None:
    ours, theirs = library._Transport.call, RpcHttpClient.call
    assert issubclass(library._Transport, RpcHttpClient)
    assert "call" in vars(library._Transport)
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)
    assert inspect.iscoroutinefunction(theirs)


def test_an_unsigned_transaction_is_prepared_without_asking_the_node_when_nonce_and_bounds_are_given() -> (
    None
):
    async def prepare() -> tuple[Any, list[tuple[str, dict[str, Any]]]]:
        endpoints = AnsweringEndpoints({"getClassAt": CLASS})
        client = library.client_over(URL, endpoints)
        account = Account(address=0xA, client=client, key_pair=KeyPair.from_private_key(1), chain=1)
        zero = EstimatedFee(0, 0, 0, 0, 0, 0, 0, None)  # type: ignore[arg-type]
        call = Call(0xB, get_selector_from_name("transfer"), [1])
        unsigned = await account._prepare_invoke_v3(
            [call], nonce=3, resource_bounds=zero.to_resource_bounds(), tip=0
        )
        return unsigned, [each for each in endpoints.asked if each[0] not in EXAMINING]

    unsigned, asked_for = asyncio.run(prepare())
    assert (unsigned.nonce, unsigned.tip, unsigned.signature) == (3, 0, [])
    # The account's own version of Cairo may be looked up; nothing that depends on the newest block.
    assert {method for method, _ in asked_for} <= {"getClassAt"}


# --- pre-confirmed blocks ---


def calls_of_the_library() -> Iterator[tuple[str, ast.Call]]:
    """Yields every call of a method that starknet-py would ask of the pre-confirmed block by default."""
    names = {
        name
        for kind in (FullNodeClient, Account)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if {"block_number", "from_block_number"} & inspect.signature(method).parameters.keys()
    }
    for path in sorted(ADAPTERS.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in names
            ):
                yield f"{path.name}:{node.lineno} {node.func.attr}", node


def test_every_question_about_the_chain_names_its_block() -> None:
    """The library's own default is the pre-confirmed block."""
    found = list(calls_of_the_library())
    assert len(found) >= 3
    silent = [where for where, call in found if not _names_its_block(call)]
    assert silent == []


def _names_its_block(call: ast.Call) -> bool:
    named = [each.value for each in call.keywords if each.arg in ("block_number", "from_block_number")]
    return bool(named) and not any(
        isinstance(each, ast.Constant) and each.value == "pre_confirmed" for each in named
    )


def test_a_receipt_counts_only_once_its_block_is_accepted() -> None:
    assert TransactionFinalityStatus.PRE_CONFIRMED not in sender._ACCEPTED
    assert set(sender._ACCEPTED) == set(TransactionFinalityStatus) - {TransactionFinalityStatus.PRE_CONFIRMED}


def test_an_event_of_a_pre_confirmed_block_is_in_no_block() -> None:
    event = {"transaction_hash": "0x1", "keys": ["0x2"], "data": [], "block_number": 8}

    async def numbers(answer: dict[str, Any]) -> list[int | None]:
        node = AnsweringEndpoints({"getEvents": answer})
        page = await read_events(node, 0xA, [], 0, 9, None, 10)
        return [each.block_number for each in page.events]

    assert asyncio.run(numbers({"events": [event, {**event, "block_hash": HASH}]})) == [None, 8]


def test_a_receipt_of_a_pre_confirmed_block_does_not_move_the_chain_s_end() -> None:
    pre = {"block_number": 8, "finality_status": "PRE_CONFIRMED"}
    _, highest = asked({"getTransactionReceipt": pre}, ("getTransactionReceipt", {}))
    assert highest == 0
    _, highest = asked({"getTransactionReceipt": RECEIPT}, ("getTransactionReceipt", {}))
    assert highest == 7


@pytest.mark.parametrize(
    "block",
    [
        {"block_number": 8, "status": "PRE_CONFIRMED", "transactions": []},
        {**BLOCK, "status": "PRE_CONFIRMED"},
        {name: value for name, value in BLOCK.items() if name != "block_hash"},
    ],
)
def test_a_pre_confirmed_block_is_not_taken_for_the_newest(block: dict[str, Any]) -> None:
    latest = ("getBlockWithTxHashes", {"block_id": "latest"})
    _, highest = asked({"getBlockWithTxHashes": BLOCK}, latest)
    assert highest == 7
    with pytest.raises(ServiceError) as refused:
        asked({"getBlockWithTxHashes": block}, latest)
    assert refused.value.code == "ledger.malformed_answer"
