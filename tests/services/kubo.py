"""Real Kubo nodes on a private swarm, as fixtures: one, and a pair between which content travels."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx2
import pytest
from tileproof.adapters.ipfs.api import api_url
from tileproof.adapters.ipfs.kubo import KuboStore
from tileproof.domain.cid import Cid, Codec, parse_cid
from tileproof.domain.errors import MachineError
from tileproof.localnet.kubo import KuboNode, make_swarm_key, running_kubo
from tileproof.provision.locate import locate
from tileproof.provision.table import KUBO

from tests.services.blender import CACHE, unavailable


@dataclass
class Kubo:
    """A node and a store over it. ``node`` is None when the tests did not start it."""

    api: str
    store: KuboStore
    node: KuboNode | None = None

    @property
    def url(self) -> str:
        return api_url(self.api)

    def put_block(self, block: bytes, codec: Codec) -> Cid:
        """Any block, unpinned: what no store would make."""
        name = "raw" if codec is Codec.RAW else "dag-pb"
        answer = httpx2.post(
            f"{self.url}/block/put",
            params={"cid-codec": name, "mhtype": "sha2-256", "allow-big-block": "true"},
            files={"data": block},
            timeout=60,
        )
        return parse_cid(answer.raise_for_status().json()["Key"])

    def get_block(self, cid: Cid) -> bytes:
        answer = httpx2.post(f"{self.url}/block/get", params={"arg": str(cid)}, timeout=60)
        return answer.raise_for_status().content

    def has(self, cid: Cid) -> bool:
        """True when the block lies on this node itself."""
        params = {"arg": str(cid), "offline": "true"}
        return httpx2.post(f"{self.url}/block/stat", params=params, timeout=60).status_code == 200

    def freeze(self) -> None:
        """Its process stands still: connections stay open, nothing is answered."""
        os.kill(self._pid(), signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._pid(), signal.SIGCONT)

    def _pid(self) -> int:
        assert self.node is not None
        return self.node.child.pid


StartKubo = Callable[[], Kubo]


@pytest.fixture(scope="session")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartKubo]:
    """Starts nodes, each a peer of those before it; all are stopped at the end."""
    folder = tmp_path_factory.mktemp("kubo")
    nodes: list[KuboNode] = []
    try:
        program = locate(KUBO, CACHE)
    except MachineError as error:
        unavailable(f"{error.message}; {error.remedy}")
        raise
    with ExitStack() as stack:

        def start() -> Kubo:
            name = f"node-{len(nodes)}"
            node = stack.enter_context(
                running_kubo(
                    program,
                    repo=folder / name,
                    log=folder / f"{name}.log",
                    swarm_key=make_swarm_key(folder / "swarm.key"),
                )
            )
            for other in nodes:
                if other.child.is_running:
                    node.connect(other)
            nodes.append(node)
            return Kubo(node.api, _store(stack, node.api), node)

        yield start


@pytest.fixture(scope="session")
def kubo(request: pytest.FixtureRequest) -> Iterator[Kubo]:
    """The node whose API's multiaddr KUBO_API is, or one of our own."""
    named = os.environ.get("KUBO_API")
    with ExitStack() as stack:
        yield _named(stack, named) if named else request.getfixturevalue("swarm")()


@pytest.fixture(scope="session")
def kubo_pair(request: pytest.FixtureRequest) -> Iterator[tuple[Kubo, Kubo]]:
    """Two peers: those that KUBO_API and KUBO_PEER_API name, or two of our own."""
    first, second = os.environ.get("KUBO_API"), os.environ.get("KUBO_PEER_API")
    with ExitStack() as stack:
        if first and second:
            yield _named(stack, first), _named(stack, second)
            return
        start: StartKubo = request.getfixturevalue("swarm")
        yield (start() if first else request.getfixturevalue("kubo")), start()


@pytest.fixture
def start_kubo(swarm: StartKubo) -> Iterator[StartKubo]:
    """Starts nodes that a test may freeze or kill; they are gone when it ends."""
    started: list[Kubo] = []

    def start() -> Kubo:
        started.append(swarm())
        return started[-1]

    yield start
    for each in started:
        assert each.node is not None
        each.node.child.kill()


def _named(stack: ExitStack, api: str) -> Kubo:
    return Kubo(api, _store(stack, api))


def _store(stack: ExitStack, api: str) -> KuboStore:
    store = KuboStore(api)
    stack.callback(store.close)
    return store
