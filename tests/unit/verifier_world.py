"""A small world for verifiers: ten seats, a worker, a requester, and the contract as a model on a
chain that steps by hand. Any call of a verifier's can be its last."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tileproof.domain.cid import Cid
from tileproof.domain.errors import LedgerRejected, MachineError
from tileproof.domain.job import (
    APPEAL_ROUND,
    Address,
    Appeal,
    Commitment,
    Ground,
    Job,
    Question,
    Reveal,
    Task,
    TaskResult,
    TaskState,
    Terms,
    Verdict,
)
from tileproof.domain.manifest import AuditPolicy, Manifest, RenderSettings, SceneFile, TaskSpec, encode
from tileproof.domain.money import Fri
from tileproof.domain.result import frame_file
from tileproof.domain.sampling import RoundId, audit_seed, draw_committee, verdict_commitment
from tileproof.domain.tiles import Tile, split
from tileproof.ports import ledger as port
from tileproof.ports.renderer import Limits, Rendered, RenderReport
from tileproof.verifier.loop import Verifier
from tileproof.verifier.settings import VerifierSettings

from ..fakes.clock import FakeClock
from ..fakes.content import FakeNetwork, FakeStore
from ..fakes.images import FakeDecoder
from ..fakes.journal import FakeJournal
from ..fakes.ledger import FakeChain, FakeLedger
from .test_manifest import MANIFEST, SETTINGS
from .worker_world import Fate, Killed, Mortal

ME, WORKER, REQUESTER = Address(0xAA), Address(0xBB), Address(0xCC)
SEATS = 10
"""3n + 1 for the largest committee of these tests."""
TERMS = Terms(
    reward=Fri(1_000),
    audit_fee=Fri(10),
    worker_bond=Fri(100),
    committee_size=1,
    audit_rate_bps=10_000,
    lease_seconds=10_000,
    commit_blocks=15,
    reveal_blocks=10,
    appeal_blocks=20,
    deadline=1_800_090_000,
)
IMPATIENT = VerifierSettings(poll_seconds=1.0, stagger_seconds=4.0, keep_reports_blocks=10)
MACHINE = RenderReport("4.5.15 abcdef", "cpu-x86_64-avx2", "a CPU", "bubblewrap")
SMALL = replace(SETTINGS, width_px=60, height_px=40)
BLEND = b"BLENDER-v405 not really"
PATIENCE = 300
"""Looks or blocks after which a test has waited in vain."""

Wanted = Callable[[int, tuple[int, ...]], bool]
"""Says of a draw's seed and committee whether a test is about it."""


def honest(frame: int) -> np.ndarray:
    """What this world's scene renders to: every pixel depends on place and frame."""
    y, x = np.mgrid[0 : SMALL.height_px, 0 : SMALL.width_px]
    return np.stack([(x * 4 + frame) % 256, (y * 6) % 256, (x * y + 31 * frame) % 256], 2).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG")
    return out.getvalue()


def spoiled(frame: int, spoil: bytes | None, frames: Sequence[int] = (1, 2)) -> dict[str, bytes]:
    """A result whose picture of ``frame`` is these bytes, or missing."""
    files = {frame_file(f): png(honest(f)) for f in frames if f != frame}
    return files if spoil is None else {**files, frame_file(frame): spoil}


def patched(frame: int, tile: Tile) -> bytes:
    """The honest picture with one tile painted over."""
    pixels = honest(frame)
    pixels[tile.y0 : tile.y1, tile.x0 : tile.x1] ^= 0x80
    return png(pixels)


def manifest_of(
    scene: Cid,
    frames: tuple[int, ...] = (1, 2),
    sample_tiles: int = 8,
    settings: RenderSettings = SMALL,
    columns: int = 1,
    policy: AuditPolicy | None = None,
) -> Manifest:
    return replace(
        MANIFEST,
        scene=scene,
        files=(SceneFile("glass.blend", len(BLEND), hashlib.sha256(BLEND).hexdigest()),),
        settings=settings,
        audit=policy or AuditPolicy("exact", 16, sample_tiles),
        tasks=tuple(TaskSpec(frames, each) for each in split(SMALL.full_frame, columns, 1)),
        split_columns=columns,
    )


@dataclass
class Renderer:
    """Renders ``honest``; ``drift`` makes every process render something of its own."""

    drift: bool = False
    fails_with: str | None = None
    device_class: str = "cpu-x86_64-avx2"
    preview_fails: bool = False
    previewed: list[int] = field(default_factory=list)
    sessions: int = 0
    rendered: list[tuple[int, int, Tile]] = field(default_factory=list)  # (session, frame, tile)
    on_render: Callable[[], None] = lambda: None

    def report(self) -> RenderReport:
        return replace(MACHINE, device_class=self.device_class)

    @contextmanager
    def open(self, scene: Path, settings: Any, out: Path, limits: Limits) -> Iterator[Session]:
        assert scene.read_bytes() == BLEND
        if settings.samples_per_pixel < SMALL.samples_per_pixel:
            if self.preview_fails:
                raise MachineError("render.out_of_memory", "too much")
            yield Session(self, out, 0)
            return
        assert replace(settings, device_class=SMALL.device_class) == SMALL
        if self.fails_with is not None:
            raise MachineError(self.fails_with, "it did not work")
        self.sessions += 1
        yield Session(self, out, self.sessions)


@dataclass
class Session:
    renderer: Renderer
    out: Path
    number: int

    def report(self) -> RenderReport:
        return self.renderer.report()

    def render(self, frame: int, tile: Tile, *, progress: Any = None) -> Rendered:
        self.renderer.on_render()
        if self.number:
            self.renderer.rendered.append((self.number, frame, tile))
        else:
            self.renderer.previewed.append(frame)
        pixels = honest(frame)[tile.y0 : tile.y1, tile.x0 : tile.x1]
        if self.renderer.drift:
            pixels = pixels + np.uint8(self.number)
        path = self.out / f"{frame}-{tile}.png"
        path.write_bytes(png(np.ascontiguousarray(pixels)))
        return Rendered(path, frame, tile, 0.25)

    def finish(self, frame: int, passes: Path) -> Rendered:
        raise ValueError("a raw picture is finished as it is rendered")

    def log_tail(self, lines: int = 40) -> tuple[str, ...]:
        return ()


class AtOnce(Executor):
    """Runs each call where it is submitted; who is killed in it is killed there."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - a future holds whatever was raised
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        pass


class Party:
    """An account with everything a verifier of its own needs.

    ``calls`` are the names of what it sent. ``before`` maps a name to what happens right before
    the next such call, ``refuse`` to a reason for which it is refused; after a call that
    ``die_after`` names the process is killed although the transaction went through.
    """

    def __init__(self, world: World, account: Address) -> None:
        self.account = account
        self.ledger = world.chain.acting_as(account)
        self.store = FakeStore(world.network, world.clock)
        self.journal = FakeJournal()
        self.calls: list[str] = []
        self.before: dict[str, Callable[[], object]] = {}
        self.refuse: dict[str, str] = {}
        self.die_after: str | None = None
        self.ledger.before, self.ledger.after = self._before, self._after

    def _before(self, name: str) -> None:
        self.calls.append(name)
        first = self.before.pop(name, None)
        if first is not None:
            first()
        if name in self.refuse:
            raise LedgerRejected(self.refuse[name])

    def _after(self, name: str) -> None:
        if self.die_after == name:
            raise Killed(name)


class World:
    """A job whose scene and result are honest unless ``scene`` or ``files`` say otherwise, and ten
    seats: the first ``mine`` are of the verifier under test, every other one is an account's own.
    """

    def __init__(
        self,
        files: dict[str, bytes] | None = None,
        scene: dict[str, bytes] | None = None,
        *,
        mine: int = SEATS,
        committee_size: int = 1,
        **manifest: Any,
    ) -> None:
        self.chain, self.network = FakeChain(), FakeNetwork()
        self.clock = FakeClock(on_wait=self._a_second_passes)
        self.after_wait: Callable[[], None] = lambda: None
        self.renderer: Any = Renderer()
        self.decoder = FakeDecoder()
        self._parties: dict[Address, Party] = {}
        self.terms = replace(TERMS, committee_size=committee_size)
        self.me = self.party(ME)
        self.owners: list[Address] = []
        for slot in range(SEATS):
            self.add_seat(ME if slot < mine else Address(0x5EA7_00 + slot))
        self.ledger, self.store, self.journal = self.me.ledger, self.me.store, self.me.journal
        self.requester, self.worker = self.party(REQUESTER).ledger, self.party(WORKER).ledger
        self.theirs = self.party(REQUESTER).store
        self.scene = self.theirs.put(scene or {"glass.blend": BLEND})
        self.manifest = manifest_of(self.scene, **manifest)
        self.manifest_cid = self.theirs.add_block(encode(self.manifest))
        self.terms = replace(self.terms, lane=self.manifest.audit.settled_in)
        self.task_count = len(self.manifest.tasks)
        frames = self.manifest.tasks[0].frames
        self.result = self.theirs.put(files or {frame_file(f): png(honest(f)) for f in frames})

    # --- who there is ---

    def party(self, account: Address) -> Party:
        if account not in self._parties:
            self.chain.mint(account, Fri(1_000_000))
            self._parties[account] = Party(self, account)
            self._parties[account].ledger.deposit(Fri(100_000))
            self._parties[account].calls.clear()
        return self._parties[account]

    def add_seat(self, owner: Address) -> None:
        party = self.party(owner)
        assert party.ledger.take_seat()[0] == len(self.owners), "slots are given out in order"
        self.owners.append(owner)
        party.calls.clear()

    def verifier(
        self,
        home: Path,
        account: Address = ME,
        *,
        settings: VerifierSettings = IMPATIENT,
        fate: Fate | None = None,
        executor: Executor | None = None,
    ) -> Verifier:
        """A verifier process: a new one of the same account and home is one that was restarted."""
        party = self.party(account)
        parts: dict[str, Any] = {
            "ledger": party.ledger,
            "store": party.store,
            "renderer": self.renderer,
            "decoder": self.decoder,
            "journal": party.journal,
        }
        if fate is not None:
            parts = {name: Mortal(part, fate) for name, part in parts.items()}
        return Verifier(
            **parts, clock=self.clock, settings=settings, home=home, executor=executor or AtOnce()
        )

    def step(self, *verifiers: Verifier, looks: int = 3) -> None:
        """Looks at the ledger, a second and a block apart."""
        for _ in range(looks):
            for verifier in verifiers:
                verifier.tick()
            self.clock.wait(1.0)

    def until(self, state: TaskState, *verifiers: Verifier) -> None:
        """Looks and blocks until the task is in this state."""
        for _ in range(PATIENCE):
            if self.task().state is state:
                return
            self.step(*verifiers, looks=1)
        raise AssertionError(f"the task is {self.task().state} and not {state}")

    def until_unpinned(self, home: Path, settings: VerifierSettings, fate: Fate, *, looks: int) -> str:
        """A verifier that is run again when it is killed, until every report of its votes is
        dropped; at which call it was killed, in words."""
        verifier, last = None, fate.last
        for _ in range(looks):
            try:
                verifier = verifier or self.verifier(home, settings=settings, fate=fate)
                verifier.tick()
            except Killed:
                verifier, fate.last = None, None
            votes = self.journal.all("vote").values()
            if votes and all(vote["stage"] == "unpinned" for vote in votes):
                break
            self.clock.wait(1.0)
        return f"killed before call {last}"

    def pass_until(self, is_so: Callable[[], bool]) -> None:
        """Blocks, in which nobody does anything."""
        for _ in range(PATIENCE):
            if is_so():
                return
            self.chain.pass_blocks()
        raise AssertionError("it never came to that")

    # --- what happens ---

    def job(self) -> Job:
        return self.ledger.job(1)

    def task(self) -> Task:
        return self.ledger.task(1, 0)

    def submit(self, wanted: Wanted = lambda seed, seats: True) -> None:
        """The worker claims and hands in, in a block from which such a draw follows."""
        if not self.ledger.job_count():
            self.requester.create_job(self.manifest_cid, self.task_count, self.terms)
        self.worker.claim(1, [0])
        self.pass_until(lambda: wanted(*self.drawn_from(0, self.chain.block + 2)))
        self.worker.submit(1, [TaskResult(0, self.result)])

    def draw(self, wanted: Wanted = lambda seed, seats: True) -> None:
        """Handed in, and drawn by somebody else."""
        self.submit(wanted)
        self.until(TaskState.DRAWABLE)
        self.requester.draw(1, [0])

    def provisional(self, verdict: Verdict, ground: Ground = Ground.NONE, index: int = 0) -> None:
        """A committee of one, a seat of somebody else's, has said this."""
        self.draw(lambda seed, seats: self.owners[seats[0]] != ME)
        for act in self.say(0, verdict, ground, index):
            act()

    def appeal(
        self,
        by: FakeLedger,
        question: Question,
        position: int = 0,
        tile: int = 0,
        own: Callable[[int], bool] = lambda places: places > 0,
    ) -> None:
        """Raised in a block from which a committee follows with so many places of the verifier
        under test."""
        first, size = self.task().seats, 2 * self.terms.committee_size + 1

        def places() -> int:
            block = self.chain.block + 2
            _, seats = self.drawn_from(APPEAL_ROUND, block, size=size, without=first)
            return sum(self.owners[slot] == ME for slot in seats)

        self.pass_until(lambda: own(places()))
        by.appeal(1, [Appeal(0, question, position, tile)])

    def drawn_from(
        self, round_: int, seed_block: int, *, size: int | None = None, without: Sequence[int] = ()
    ) -> tuple[int, tuple[int, ...]]:
        """Seed and committee of a draw of the current attempt from this block; the owners of the
        slots ``without`` do not sit."""
        seed = audit_seed(self.round_id(round_), self.result, self.chain.hash_of(seed_block))
        excluded = {self.owners[slot] for slot in without}
        size = size or self.terms.committee_size
        return seed, draw_committee(
            seed, size, len(self.owners), lambda slot: self.owners[slot] not in excluded
        )

    def round_id(self, round_: int) -> RoundId:
        return RoundId(self.chain.chain_id, self.chain.contract, 1, 0, self.task().attempt, round_)

    def say(
        self, place: int, verdict: Verdict, ground: Ground = Ground.NONE, index: int = 0
    ) -> tuple[Callable[[], None], Callable[[], None]]:
        """What seals and what opens a verdict that some other seat has, for reasons of its own."""
        task = self.task()
        ledger = self.party(self.owners[task.seats[place]]).ledger
        evidence, salt = Cid.of_raw_block(b"report"), 2**130 + place
        sealed = verdict_commitment(self.round_id(task.round), place, verdict, ground, index, evidence, salt)
        commitment = Commitment(0, task.attempt, task.round, place, sealed)
        reveal = Reveal(0, place, verdict, ground, index, evidence, salt)
        return lambda: void(ledger.commit(1, [commitment])), lambda: void(ledger.reveal(1, [reveal]))

    # --- what came of it ---

    def told(self, kind: type[port.Event]) -> list[Any]:
        """What the contract reported of this kind."""
        return [event for event in self.ledger.events(job_id=1).events if isinstance(event, kind)]

    def committed(self) -> list[tuple[int, int]]:
        """Place and block of every commitment that is on the chain."""
        return [(event.seat, event.block) for event in self.told(port.VerdictCommitted)]

    def revealed(self, round_: int = 0) -> dict[int, port.VerdictRevealed]:
        """What each place of a round of the first attempt said."""
        told = self.told(port.VerdictRevealed)
        return {event.seat: event for event in told if (event.attempt, event.round) == (0, round_)}

    def _a_second_passes(self) -> None:
        self.chain.pass_blocks()
        self.after_wait()


def void(_: object) -> None:
    """For calls whose receipt nobody reads."""


def empty(folder: Path) -> bool:
    return not folder.exists() or not any(folder.iterdir())


def lie_about_seeds(ledger: FakeLedger) -> None:
    """The node reports seeds that nothing gave."""
    honestly = ledger.task

    def lying(job_id: int, task: int) -> Task:
        told = honestly(job_id, task)
        return told if told.audit_seed is None else replace(told, audit_seed=told.audit_seed + 1)

    ledger.task = lying  # type: ignore[method-assign]
