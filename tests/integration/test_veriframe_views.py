"""The views that VeriFrame-style workers ask, and the call they answer with, on a real chain and
through plain JSON-RPC: such a worker knows nothing of our adapter."""

from __future__ import annotations

from dataclasses import replace

import httpx2
import pytest
from starknet_py.hash.selector import get_selector_from_name
from starknet_py.net.client_models import Call
from tileproof.adapters.starknet.node import open_node
from tileproof.adapters.starknet.signing import account_of
from tileproof.domain.job import TaskState
from tileproof.domain.money import Fri

from tests.conformance.ledger_world import CAST, MANIFEST, RESULT, REWARD, SEATED, DevnetChain, World
from tests.services.devnet import Deployment

pytestmark = pytest.mark.devnet


def asked(deployment: Deployment, view: str, *arguments: int) -> list[int]:
    request = {
        "contract_address": hex(deployment.contract.felt),
        "entry_point_selector": hex(get_selector_from_name(view)),
        "calldata": [hex(argument) for argument in arguments],
    }
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "starknet_call",
        "params": {"request": request, "block_id": "latest"},
    }
    answer = httpx2.post(deployment.rpc_url, json=body, timeout=60).json()
    if "error" in answer:
        raise AssertionError(answer["error"])
    return [int(felt, 16) for felt in answer["result"]]


def as_text(felts: list[int]) -> str:
    """A Cairo ByteArray: how many words of 31 bytes, the words, the rest, the length of the rest."""
    full, rest, rest_length = felts[0], felts[-2], felts[-1]
    words = felts[1:-2]
    assert len(words) == full
    whole = b"".join(word.to_bytes(31, "big") for word in words) + rest.to_bytes(rest_length, "big")
    return whole.decode("ascii")


def as_byte_array(text: str) -> list[int]:
    content = text.encode("ascii")
    cut = len(content) // 31 * 31
    words = [int.from_bytes(content[at : at + 31], "big") for at in range(0, cut, 31)]
    rest = content[cut:]
    return [len(words), *words, int.from_bytes(rest, "big"), len(rest)]


def test_a_veriframe_worker_finds_creator_worker_reward_and_asset_and_submits_its_result(
    deployment: Deployment,
) -> None:
    chain = DevnetChain(deployment)
    world = World(chain).with_deposits("worker").with_seats({"verifier_a": SEATED})
    job = world.create()
    assert asked(deployment, "get_job_creator", job) == [world.address("requester").felt]
    assert asked(deployment, "get_job_reward", job) == [REWARD, 0]
    assert as_text(asked(deployment, "get_job_asset_cid", job)) == str(MANIFEST)
    assert asked(deployment, "get_job_worker", job) == [0]

    world.as_("worker").claim(job, [0])
    assert asked(deployment, "get_job_worker", job) == [world.address("worker").felt]

    submit_result(deployment, "worker", job, str(RESULT))
    task = world.task(job)
    assert (task.state, task.result) == (TaskState.SUBMITTED, RESULT)
    assert asked(deployment, "get_job_worker", job) == [world.address("worker").felt]


def test_the_reward_of_a_view_is_the_whole_amount_and_a_job_of_many_tasks_has_no_one_worker(
    deployment: Deployment,
) -> None:
    world = World(DevnetChain(deployment))
    dear = replace(world.terms(), reward=Fri(10**18 + 7))
    job, _ = world.as_("requester").create_job(MANIFEST, 2, dear)
    assert asked(deployment, "get_job_reward", job) == [10**18 + 7, 0]
    with pytest.raises(AssertionError, match="NOT_A_ONE_TASK_JOB|" + b"NOT_A_ONE_TASK_JOB".hex()):
        asked(deployment, "get_job_worker", job)


def submit_result(deployment: Deployment, who: str, job: int, cid: str) -> None:
    signer = deployment.signers[CAST.index(who)]
    node, chain_id = open_node(deployment.rpc_url)
    try:
        account = account_of(node, chain_id, signer)
        selector = get_selector_from_name("submit_result")
        call = Call(deployment.contract.felt, selector, [job, *as_byte_array(cid)])
        sent = node.run(account.execute_v3(call, auto_estimate=True))
        node.run(node.client.wait_for_tx(sent.transaction_hash, check_interval=0.1))
    finally:
        node.close()
