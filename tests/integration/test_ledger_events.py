"""Events of a real node: none lost and none twice, over its pages, over restarts, and block by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tileproof.adapters.starknet import event_pages
from tileproof.adapters.starknet.accounts import Signer
from tileproof.adapters.starknet.deploy import deploy_registry
from tileproof.adapters.starknet.ledger import connect
from tileproof.localnet.devnet import Devnet
from tileproof.ports.ledger import Event, JobClosed, JobCreated, LedgerReader, TaskClosed
from tileproof.ports.trail import Trail

from tests.conformance.ledger_world import MANIFEST, DevnetChain, World
from tests.fakes.ledger import BOUNDS
from tests.services.devnet import Deployment
from tests.services.rpc_proxy import Answer, Fault, Proxy, first, proxied

pytestmark = pytest.mark.devnet
EVENTS = "starknet_getEvents"


@pytest.fixture
def world(deployment: Deployment) -> World:
    return World(DevnetChain(deployment))


@pytest.fixture
def proxy(deployment: Deployment) -> Iterator[Proxy]:
    with proxied(deployment.rpc_url) as proxy:
        yield proxy


def three_jobs(world: World) -> list[tuple[type[Event], int, int]]:
    """Three jobs made and closed: what their events are, in order."""
    expected: list[tuple[type[Event], int, int]] = []
    for size in (3, 9, 5):
        job = world.create(size)
        world.as_("requester").close_job(job)
        expected += [(JobCreated, job, -1), (JobClosed, job, -1)]
        expected += [(TaskClosed, job, task) for task in range(size)]
    return expected


def names(events: tuple[Event, ...]) -> list[tuple[type[Event], int, int]]:
    return [(type(event), event.job_id, getattr(event, "task", -1)) for event in events]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_the_nodes_pages_lose_and_repeat_nothing(
    size: int, world: World, deployment: Deployment, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page borders fall between blocks, inside a transaction, and behind the last event."""
    expected = three_jobs(world)
    monkeypatch.setattr(event_pages, "PAGE_EVENTS", size)
    reader = deployment.connect(0, url=proxy.url)
    proxy.rule = first(2, EVENTS, Fault.UNAVAILABLE)  # a page is asked for again
    page = reader.events()
    assert names(page.events) == expected
    assert proxy.count(EVENTS) >= 2 + len(expected) // size
    assert names(reader.events(job_id=2).events) == [each for each in expected if each[1] == 2]
    assert reader.events() == page


def test_a_reader_that_follows_and_restarts_sees_each_event_once(
    world: World, deployment: Deployment
) -> None:
    """Every block is read by a cursor of its own, and from each cursor a new process goes on."""
    start = world.block() + 1
    expected = three_jobs(world)
    whole = world.reader.events(start).events
    assert names(whole) == expected
    seen: list[Event] = []
    for block in range(start, world.block() + 2):
        restarted: LedgerReader = deployment.connect(0) if block % 3 == 0 else world.reader
        rest = restarted.events(block).events
        assert tuple(seen) + rest == whole
        seen += [event for event in rest if event.block == block]
    assert tuple(seen) == whole


def test_a_cursor_never_passes_a_block_that_was_not_read(
    world: World, deployment: Deployment, proxy: Proxy
) -> None:
    """A job is created between the look at the head and the look at the events."""
    reader = deployment.connect(0, url=proxy.url)
    made: list[int] = []

    def rule(method: str, params: Any) -> Answer:
        if method == EVENTS and not made:
            made.append(world.create())
        return None

    proxy.rule = rule
    page = reader.events()
    late = reader.events(page.cursor)
    assert [*names(page.events), *names(late.events)] == [(JobCreated, made[0], -1)]


def test_a_cursor_beyond_the_head_waits_there(world: World) -> None:
    far = world.block() + 1_000
    assert (world.reader.events(far).events, world.reader.events(far).cursor) == ((), far)


def test_the_newest_of_several_jobs_with_a_manifest_is_found_over_pages(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_pages, "PAGE_EVENTS", 2)
    jobs = [world.create() for _ in range(5)]
    assert world.as_("requester").find_job(MANIFEST) == jobs[-1]
    assert world.as_("passer_by").find_job(MANIFEST) is None


def test_a_reader_that_knows_the_deployment_asks_for_no_block_before_it(
    devnet: Devnet, signers: tuple[Signer, ...]
) -> None:
    deployed = deploy_registry(devnet.rpc_url, signers[-1], bounds=BOUNDS)
    deployment = Deployment(devnet, deployed.address, signers)
    asked: list[int] = []

    def rule(name: str, params: Any) -> Answer:
        if name == EVENTS:
            asked.append(params["filter"]["from_block"]["block_number"])
        return None

    with deployment.connections, proxied(devnet.rpc_url) as proxy:
        expected = three_jobs(World(DevnetChain(deployment)))
        whole = deployment.connect(0).events()
        proxy.rule = rule
        with connect(proxy.url, deployed.address, signers[0], deployment_block=deployed.block) as reader:
            assert reader.events() == whole
            assert reader.events(trail=Trail()).events == whole.events
            assert reader.find_job(MANIFEST) is not None
    assert names(whole.events) == expected
    assert whole.events[0].block > deployed.block
    assert set(asked) == {deployed.block}
