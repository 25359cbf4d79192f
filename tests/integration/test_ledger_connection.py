"""What is refused before anything is done: nodes and addresses that are not what they should be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tileproof.adapters.starknet import ledger as ledger_module
from tileproof.adapters.starknet.deploy import STRK, deploy_registry
from tileproof.adapters.starknet.ledger import StarknetLedger, connect
from tileproof.domain.errors import ConfigError, LedgerRejected, ServiceError, TileproofError
from tileproof.domain.job import Address
from tileproof.domain.money import Fri
from tileproof.localnet.devnet import free_port

from tests.fakes.ledger import BOUNDS
from tests.services.devnet import Deployment
from tests.services.rpc_proxy import Answer, Fault, Proxy, first, proxied

pytestmark = pytest.mark.devnet
SN_MAIN = int.from_bytes(b"SN_MAIN", "big")


@pytest.fixture
def proxy(deployment: Deployment) -> Iterator[Proxy]:
    with proxied(deployment.rpc_url) as proxy:
        yield proxy


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads are tried again for a moment only."""
    monkeypatch.setattr(ledger_module, "READ_BUDGET_SECONDS", 0.3)


def refusal(url: str, contract: Address, **more: Any) -> TileproofError:
    with pytest.raises(TileproofError) as caught:
        connect(url, contract, None, **more)
    assert caught.value.remedy
    return caught.value


def test_a_node_that_is_down_is_unreachable_and_may_be_asked_again(deployment: Deployment) -> None:
    error = refusal(f"http://127.0.0.1:{free_port()}/rpc", deployment.contract)
    assert isinstance(error, ServiceError)
    assert (error.code, error.retryable) == ("ledger.unreachable", True)


@pytest.mark.parametrize(
    "url", ["", ",", "node.example:5050", "ftp://127.0.0.1/rpc", "http://", "http://127.0.0.1:1/rpc,nonsense"]
)
def test_what_is_no_url_is_refused(url: str, deployment: Deployment) -> None:
    assert refusal(url, deployment.contract).code == "ledger.bad_url"


def test_another_chain_is_refused(deployment: Deployment) -> None:
    error = refusal(deployment.rpc_url, deployment.contract, expected_chain_id=SN_MAIN)
    assert (error.code, type(error)) == ("ledger.wrong_chain", ConfigError)


@pytest.mark.parametrize("spec", ["0.8.1", "0.9.0", "0.100.0", "1.0.0", ""])
def test_another_version_of_the_rpc_specification_is_refused(
    spec: str, deployment: Deployment, proxy: Proxy
) -> None:
    proxy.rule = lambda method, params: {"result": spec} if method == "starknet_specVersion" else None
    assert refusal(proxy.url, deployment.contract).code == "ledger.wrong_spec"


def test_an_address_without_a_contract_and_one_with_another_contract_are_told_apart(
    deployment: Deployment,
) -> None:
    assert refusal(deployment.rpc_url, Address(0xABC)).code == "ledger.no_contract"
    assert refusal(deployment.rpc_url, STRK).code == "ledger.wrong_contract"
    account = deployment.signers[0].address
    assert refusal(deployment.rpc_url, account).code == "ledger.wrong_contract"


def test_a_contract_of_another_version_is_refused(deployment: Deployment, proxy: Proxy) -> None:
    """Its bounds have a field more than ours."""
    proxy.rule = lambda method, params: {"result": ["0x1"] * 12} if method == "starknet_call" else None
    assert refusal(proxy.url, deployment.contract).code == "ledger.wrong_contract"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Fault.UNAVAILABLE, "ledger.unreachable"),
        (Fault.CUT, "ledger.unreachable"),
        (Fault.RESET, "ledger.unreachable"),
        (Fault.BUSY, "ledger.unreachable"),
        (Fault.TRUNCATED, "ledger.unreachable"),
        (b"<html>a captive portal</html>", "ledger.unreachable"),
        ({"error": {"code": -32601, "message": "the method does not exist"}}, "ledger.not_a_node"),
        ({"error": "no such page"}, "ledger.not_a_node"),
        ({"nothing": 1}, "ledger.not_a_node"),
        (b"[]", "ledger.not_a_node"),
        ({"result": None}, "ledger.not_a_node"),
        ({"result": {"name": "another service"}}, "ledger.not_a_node"),
    ],
)
def test_whatever_a_node_says_first_is_an_error_with_a_code(
    answer: Answer, code: str, deployment: Deployment, proxy: Proxy
) -> None:
    proxy.rule = lambda method, params: answer
    assert refusal(proxy.url, deployment.contract).code == code


@pytest.mark.parametrize("fault", Fault)
def test_a_read_is_tried_again_until_the_node_is_back(
    fault: Fault, deployment: Deployment, proxy: Proxy
) -> None:
    ledger = deployment.connect(0, url=proxy.url)
    proxy.rule = first(2, "starknet_call", fault)
    assert ledger.job_count() == 0


@pytest.mark.usefixtures("impatient")
def test_a_read_of_a_node_that_stays_down_is_an_error_that_may_be_tried_again(
    deployment: Deployment, proxy: Proxy
) -> None:
    ledger = deployment.connect(0, url=proxy.url)
    proxy.rule = lambda method, params: Fault.UNAVAILABLE
    for read in (ledger.head, ledger.job_count, ledger.events, ledger.totals):
        with pytest.raises(ServiceError) as caught:
            read()
        assert (caught.value.code, caught.value.retryable) == ("ledger.unreachable", True)


@pytest.mark.parametrize("result", [[], ["0x1"], ["0x1"] * 40, [hex(2**251)] * 26])
def test_answers_that_cannot_be_are_never_taken_for_jobs(
    result: list[str], deployment: Deployment, proxy: Proxy
) -> None:
    ledger = deployment.connect(0, url=proxy.url)
    proxy.rule = lambda method, params: {"result": result} if method == "starknet_call" else None
    for read in (lambda: ledger.job(1), lambda: ledger.task(1, 0), ledger.totals):
        with pytest.raises(ServiceError) as caught:
            read()
        assert caught.value.code == "ledger.malformed_answer"


def test_a_reader_without_an_account_cannot_write(deployment: Deployment) -> None:
    with connect(deployment.rpc_url, deployment.contract, None) as reader:
        assert isinstance(reader, StarknetLedger)
        for act in (reader.account, lambda: reader.deposit(Fri(1)), lambda: reader.claim(1, [0])):
            with pytest.raises(ConfigError) as caught:
                act()
            assert caught.value.code == "account.not_set"


def test_a_connection_can_be_closed_twice(deployment: Deployment) -> None:
    ledger = connect(deployment.rpc_url, deployment.contract, None)
    ledger.close()
    ledger.close()


def test_a_deployment_with_impossible_bounds_says_why(deployment: Deployment) -> None:
    hasty = replace(BOUNDS, seat_exit_blocks=10)
    with pytest.raises(LedgerRejected) as caught:
        deploy_registry(deployment.rpc_url, deployment.signers[-1], bounds=hasty)
    assert caught.value.reason == "EXIT_TOO_SHORT"
