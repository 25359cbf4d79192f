"""A world for one worker: the contract as a model, stores that share what they have, a renderer
without Blender, and time that passes when somebody waits. Any call can be the worker's last."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tileproof.domain.cid import Cid
from tileproof.domain.job import Address, Ground, Task, Terms, Verdict
from tileproof.domain.manifest import AuditPolicy, Manifest, RenderSettings, SceneFile, TaskSpec, encode
from tileproof.domain.money import Fri
from tileproof.ports import ledger as port
from tileproof.worker.loop import Worker
from tileproof.worker.settings import WorkerSettings

from tests.fakes.clock import FakeClock
from tests.fakes.content import FakeNetwork, FakeStore
from tests.fakes.images import FakeDecoder
from tests.fakes.journal import FakeJournal
from tests.fakes.ledger import FakeChain, FakeLedger
from tests.fakes.renderer import SETTINGS as RENDER_SETTINGS
from tests.fakes.renderer import FakeRenderer

from .committee import Committee

REQUESTER, ME, RIVAL = Address(0xCC), Address(0xAA), Address(0xBB)
BLEND = b"BLENDER-v405 not really"
SMALL = replace(RENDER_SETTINGS, width_px=24, height_px=16)
REWARD, BOND, SHARE = Fri(100), Fri(40), Fri(2)
TERMS = Terms(
    reward=REWARD,
    audit_fee=Fri(10),
    worker_bond=BOND,
    committee_size=1,
    audit_rate_bps=10_000,
    lease_seconds=1_000,
    commit_blocks=10,
    reveal_blocks=10,
    appeal_blocks=2,
    deadline=1_800_050_000,
)
SETTINGS = WorkerSettings(
    poll_seconds=1.0, check_tiles=1, check_tile_px=16, stagger_seconds=4.0, keep_blocks=50
)


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the worker may catch it, and after it nothing gets done."""


@dataclass
class Fate:
    """Kills the process before the ``last``-th call of any port is carried out."""

    last: int | None = None
    calls: list[str] = field(default_factory=list)

    def step(self, name: str) -> None:
        if self.last is not None and len(self.calls) >= self.last:
            raise Killed(name)
        self.calls.append(name)


class Mortal:
    """A port whose every call is a step of a fate. The pictures of a session are steps too."""

    def __init__(self, of: Any, fate: Fate) -> None:
        self._of, self._fate = of, fate

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._of, name)
        if not callable(value):
            return value

        def call(*arguments: Any, **named: Any) -> Any:
            self._fate.step(f"{type(self._of).__name__}.{name}")
            answer = value(*arguments, **named)
            return self._session(answer) if name == "open" else answer

        return call

    @contextmanager
    def _session(self, opened: Any) -> Iterator[Any]:
        with opened as session:
            yield Mortal(session, self._fate)


def manifest_of(
    scene: Cid,
    tasks: Sequence[TaskSpec] = (TaskSpec((1, 2), SMALL.full_frame),),
    settings: RenderSettings = SMALL,
    blend: bytes = BLEND,
    **changes: Any,
) -> Manifest:
    manifest = Manifest(
        version=3,
        name="glass",
        scene=scene,
        blend="glass.blend",
        files=(SceneFile("glass.blend", len(blend), hashlib.sha256(blend).hexdigest()),),
        settings=settings,
        audit=AuditPolicy("exact", 16, 8),
        tasks=tuple(tasks),
        split_columns=1,
        split_rows=1,
    )
    return replace(manifest, **changes)


class World:
    """A funded worker, a rival, two owners of seats, a requester with a store of their own, and no
    job yet."""

    def __init__(self) -> None:
        self.chain = FakeChain()
        self.clock = FakeClock(on_wait=self._a_second_passes)
        self.network = FakeNetwork()
        self.theirs = FakeStore(self.network, self.clock)
        self.store = FakeStore(self.network, self.clock)
        self.journal = FakeJournal()
        self.renderer = FakeRenderer()
        self.decoder = FakeDecoder()
        self.after_wait: Callable[[], None] = lambda: None
        for account in (REQUESTER, ME, RIVAL):
            self.chain.mint(account, Fri(10**12))
        self.ledger = self.chain.acting_as(ME)
        self.requester, self.rival = self.chain.acting_as(REQUESTER), self.chain.acting_as(RIVAL)
        self.committee = Committee(self.chain, owners=2, each=4)
        self.seats = self.committee.anyone
        self.ledger.deposit(Fri(10 * BOND.units))
        self.rival.deposit(Fri(10 * BOND.units))
        self.scene = self.theirs.put({"glass.blend": BLEND})

    def worker(
        self, home: Path, *, settings: WorkerSettings = SETTINGS, fate: Fate | None = None, **ports: Any
    ) -> Worker:
        """A worker process: a new one on the same journal and home is one that was restarted."""
        parts: dict[str, Any] = {
            "ledger": self.ledger,
            "store": self.store,
            "renderer": self.renderer,
            "decoder": self.decoder,
            "journal": self.journal,
            **ports,
        }
        if fate is not None:
            parts = {name: Mortal(part, fate) for name, part in parts.items()}
        return Worker(**parts, clock=self.clock, settings=settings, home=home)

    def job(self, manifest: Manifest | None = None, terms: Terms = TERMS, tasks: int | None = None) -> int:
        """A job whose manifest and scene the requester serves."""
        manifest = manifest or manifest_of(self.scene)
        cid = self.theirs.add_block(encode(manifest))
        count = len(manifest.tasks) if tasks is None else tasks
        return self.requester.create_job(cid, count, terms)[0]

    def task(self, job_id: int = 1, task: int = 0) -> Task:
        return self.ledger.task(job_id, task)

    def step(self, worker: Worker, looks: int = 3) -> None:
        """The worker's looks at the ledger, a second and a block apart."""
        for _ in range(looks):
            worker.tick()
            self.clock.wait(1.0)

    def judge(self, verdict: Verdict, job_id: int = 1, task: int = 0) -> None:
        """The committee draws, votes, waits out the window and settles."""
        self.vote(verdict, job_id, task)
        self.settle(job_id, task)

    def vote(
        self,
        verdict: Verdict,
        job_id: int = 1,
        task: int = 0,
        *,
        ground: Ground = Ground.TILE,
        index: int = 0,
    ) -> None:
        """As ``Committee.vote``."""
        self.committee.vote(verdict, job_id, task, ground=ground, index=index)

    def settle(self, job_id: int = 1, task: int = 0) -> None:
        """As ``Committee.settle``."""
        self.committee.settle(job_id, task)

    def sent(self, kind: type[port.Event], job_id: int = 1) -> list[port.Event]:
        """What the contract reported of this kind."""
        return [event for event in self.ledger.events(job_id=job_id).events if isinstance(event, kind)]

    def own(self, ledger: FakeLedger | None = None) -> int:
        """All that an account has inside the contract, in fri: gas is paid from the wallet."""
        held = self.ledger.balances((ledger or self.ledger).account())
        return held.withdrawable.units + held.worker_bonds.units + held.appeal_bonds.units

    def _a_second_passes(self) -> None:
        self.chain.pass_blocks()
        self.after_wait()


def empty(folder: Path) -> bool:
    return not folder.exists() or not any(folder.iterdir())
