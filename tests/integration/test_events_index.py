"""An index of a real chain's events: over a wire that fails, over small pages, restarts, kills and
reorganisations it ends as one that was built anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from tileproof.adapters.starknet import endpoints, event_pages
from tileproof.adapters.store.journal import SqliteJournal
from tileproof.localnet.devnet import Devnet
from tileproof.ports.ledger import JobClosed, JobCreated, JobPaused
from tileproof.ports.trail import REORG_WINDOW_BLOCKS

from tests.conformance.ledger_world import DevnetChain, World
from tests.services.devnet import Deployment
from tests.services.rpc_proxy import Fault, Proxy, every, first, proxied
from tests.unit.test_following import Index

pytestmark = pytest.mark.devnet
STEPS = 40


@pytest.fixture(scope="module", autouse=True)
def long_chain(devnet: Devnet) -> None:
    """What is read again reaches back to blocks in which there is no contract yet."""
    devnet.create_blocks(REORG_WINDOW_BLOCKS)


@pytest.fixture
def world(deployment: Deployment) -> World:
    return World(DevnetChain(deployment))


@pytest.fixture
def proxy(deployment: Deployment) -> Iterator[Proxy]:
    with proxied(deployment.rpc_url) as proxy:
        yield proxy


def open_jobs(world: World) -> list[int]:
    count = world.reader.job_count()
    return [job for job in range(1, count + 1) if not world.reader.job(job).closed]


@pytest.mark.parametrize("seed", [pytest.param(1, marks=pytest.mark.long), 2])
def test_a_live_index_of_a_chain_that_is_taken_back_now_and_then(
    seed: int,
    world: World,
    deployment: Deployment,
    proxy: Proxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Within one second, where a devnet's blocks tell nothing of each other, and over pages of three."""
    monkeypatch.setattr(event_pages, "PAGE_EVENTS", 3)
    monkeypatch.setattr(endpoints, "STALE_SECONDS", 0.0)  # a shorter chain is believed at once
    random = Random(seed)
    start = world.block()
    path = tmp_path / "journal.sqlite"
    rewinds = 0
    for _ in range(STEPS):
        match random.choice(["create", "pause", "close", "pass", "take back", "look", "look", "die"]):
            case "create":
                world.create(random.randint(1, 4))
            case "pause" | "close" as what:
                jobs = open_jobs(world)
                if jobs:
                    job = random.choice(jobs)
                    requester = world.as_("requester")
                    if what == "close":
                        requester.close_job(job)
                    elif world.reader.job(job).paused:
                        requester.resume_job(job)
                    else:
                        requester.pause_job(job)
            case "pass":
                world.chain.pass_blocks(random.randint(1, 5))
            case "take back":
                first_gone = max(start + 1, world.block() + 1 - random.randint(1, 8))
                if first_gone <= world.block():
                    world.chain.abort_from(first_gone)
                world.chain.pass_blocks(random.randint(1, 8))
            case look:
                kept = SqliteJournal(path)
                proxy.rule = first(0, "", None)
                reader = deployment.connect(3, url=proxy.url)  # a process of its own
                proxy.rule = every(random.randint(7, 12), random.choice([Fault.CUT, Fault.UNAVAILABLE]))
                page = Index(reader, kept).look(killed=look == "die")
                rewinds += page.rewound_to is not None
                reader.close()
                kept.close()
    world.chain.pass_blocks(10)
    kept = SqliteJournal(path)
    live = Index(world.reader, kept)
    live.look()
    anew = Index(world.reader)
    anew.look()
    truth = [(event.block, repr(event)) for event in world.reader.events().events]
    assert live.content() == anew.content() == truth
    kept.close()
    assert rewinds > 0
    assert proxy.count("starknet_getEvents") > 10


def test_an_index_over_every_page_size_is_the_same(
    world: World, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in (1, 7, 2, 5):
        job = world.create(size)
        world.as_("requester").pause_job(job)
        world.as_("requester").close_job(job)
    contents = []
    for size in (1, 2, 3, 4, 5, 8, 13, 1_000):
        monkeypatch.setattr(event_pages, "PAGE_EVENTS", size)
        index = Index(deployment.connect(3))
        index.look()
        contents.append(index.content())
    assert all(content == contents[0] for content in contents)
    assert len(contents[0]) == 3 * 4 + 15
    kinds = [type(event) for event in world.reader.events().events]
    assert [kinds.count(kind) for kind in (JobCreated, JobPaused, JobClosed)] == [4, 4, 4]
