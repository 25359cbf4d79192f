"""A small world for one verifier: a job, a submission, and a chain that steps by hand.

Its ledger knows only what a verifier asks; the fake that keeps every rule of the contract
is tests/fakes/ledger.py.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    Address,
    Commitment,
    Job,
    Outcome,
    Reveal,
    Seat,
    Task,
    TaskState,
    Terms,
    Verdict,
)
from tileproof.domain.manifest import AuditPolicy, Manifest, SceneFile, TaskSpec, encode
from tileproof.domain.money import Fri
from tileproof.domain.result import frame_file
from tileproof.domain.sampling import RoundId, audit_seed, verdict_commitment
from tileproof.domain.tiles import Tile
from tileproof.ports.ledger import Event, EventPage, Head, Receipt, ResultSubmitted, TaskDrawn
from tileproof.ports.renderer import Limits, Rendered, RenderReport
from tileproof.ports.trail import Trail

from ..fakes.clock import FakeClock
from ..fakes.content import FakeStore
from ..fakes.images import FakeDecoder
from ..fakes.journal import FakeJournal
from .test_manifest import MANIFEST, SETTINGS

ME, WORKER, REQUESTER = Address(0xAA), Address(0xBB), Address(0xCC)
CHAIN, CONTRACT = 0x534E, Address(0xDD)
MACHINE = RenderReport("4.5.15 abcdef", "cpu-x86_64-avx2", "a CPU", "bubblewrap")
SMALL = replace(SETTINGS, width_px=60, height_px=40)
BLEND = b"BLENDER-v405 not really"


def honest(frame: int) -> np.ndarray:
    """What this world's scene renders to: every pixel depends on place and frame."""
    y, x = np.mgrid[0 : SMALL.height_px, 0 : SMALL.width_px]
    return np.stack([(x * 4 + frame) % 256, (y * 6) % 256, (x * y + 31 * frame) % 256], 2).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG")
    return out.getvalue()


def manifest_of(scene: Cid, frames: tuple[int, ...] = (1, 2), sample_tiles: int = 8) -> Manifest:
    return replace(
        MANIFEST,
        scene=scene,
        files=(SceneFile("glass.blend", len(BLEND), hashlib.sha256(BLEND).hexdigest()),),
        settings=SMALL,
        audit=AuditPolicy("exact", 16, sample_tiles),
        tasks=(TaskSpec(frames, SMALL.full_frame),),
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
        assert settings == SMALL
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

    def log_tail(self, lines: int = 40) -> tuple[str, ...]:
        return ()


class AtOnce(Executor):
    """Runs each call where it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - a future holds whatever was raised
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        pass


class Chain:
    """One job of one task whose state the test sets; what a verifier sends is recorded.

    ``calls`` holds (name, arguments); ``refuse`` maps a call's name to a reason; ``die_after``
    names a call after which the process is killed although the transaction went through.
    """

    def __init__(self, manifest: Cid, result: Cid) -> None:
        self.block, self.result = 100, result
        self.calls: list[tuple[str, Any]] = []
        self.refuse: dict[str, str] = {}
        self.die_after: str | None = None
        self.slots: tuple[int, ...] = (4,)
        self.committee: tuple[int, ...] = (4,)
        self.state = TaskState.SUBMITTED
        self.attempt = self.round = 0
        self.committed: dict[int, int] = {}
        self.revealed: dict[int, Reveal] = {}
        self.drawn = False
        self.lies_about_seed = False
        terms = Terms(Fri(5), Fri(1), Fri(5), 1, 10_000, 600, 30, 30, 10, 2_000_000_000)
        self._job = Job(1, REQUESTER, manifest, 1, terms, 1, False, False, 0, 0)

    @property
    def of(self) -> RoundId:
        return RoundId(CHAIN, CONTRACT, 1, 0, self.attempt, self.round)

    @property
    def seed(self) -> int:
        return audit_seed(self.of, self.result, self.block_hash(51)) + self.lies_about_seed

    def head(self) -> Head:
        return Head(self.block, 1_000 + 2 * self.block, self.block)

    def chain_id(self) -> int:
        return CHAIN

    def contract(self) -> Address:
        return CONTRACT

    def account(self) -> Address:
        return ME

    def block_hash(self, block: int) -> int:
        return 0xB10C + block

    def job(self, job_id: int) -> Job:
        return self._job

    def tasks(self, job_id: int) -> tuple[Task, ...]:
        return (self.task(job_id, 0),)

    def task(self, job_id: int, task: int) -> Task:
        n = len(self.committee) if self.drawn else 0
        return Task(
            1, 0, self.state, self.attempt, 0, WORKER, 40, 0, self.result, 50, self.round, 51,
            self.seed if self.drawn else None, Outcome.UNDECIDED, self.committee[:n],
            tuple(seat in self.committed for seat in range(n)),
            tuple(self.revealed[seat].verdict if seat in self.revealed else None for seat in range(n)),
            self.block + 30 if self.state in (TaskState.COMMITTING, TaskState.REVEALING) else 0,
        )  # fmt: skip

    def seats_of(self, account: Address) -> tuple[Seat, ...]:
        return tuple(Seat(slot, account, Fri(64), 1, None, False) for slot in self.slots)

    def events(self, cursor: int = 0, *, job_id: int | None = None, trail: Trail | None = None) -> EventPage:
        events: list[Event] = [ResultSubmitted(50, 1, 1, 0, WORKER, self.attempt, self.result, 51)]
        if self.drawn:
            events.append(TaskDrawn(62, 2, 1, 0, self.attempt, self.round, True, self.seed, self.committee))
        return EventPage(tuple(e for e in events if e.block >= cursor), self.block + 1, trail)

    def draw(self, job_id: int, tasks: Sequence[int]) -> Receipt:
        def effect() -> None:
            self.drawn, self.state = True, TaskState.COMMITTING

        return self._call("draw", tuple(tasks), effect)

    def commit(self, job_id: int, commitments: Iterable[Commitment]) -> Receipt:
        sent = tuple(commitments)

        def effect() -> None:
            for each in sent:
                if each.seat in self.committed:
                    raise LedgerRejected("ALREADY_COMMITTED")
                self.committed[each.seat] = each.commitment

        return self._call("commit", sent, effect)

    def reveal(self, job_id: int, reveals: Iterable[Reveal]) -> Receipt:
        sent = tuple(reveals)

        def effect() -> None:
            for each in sent:
                opened = verdict_commitment(
                    self.of, each.seat, each.verdict, each.ground, each.index, each.evidence, each.salt
                )
                if self.committed.get(each.seat) != opened:
                    raise LedgerRejected("COMMITMENT_MISMATCH")
                self.revealed[each.seat] = each

        return self._call("reveal", sent, effect)

    def settle(self, job_id: int, tasks: Sequence[int]) -> Receipt:
        def effect() -> None:
            self.state = TaskState.PAID

        return self._call("settle", tuple(tasks), effect)

    def _call(self, name: str, arguments: Any, effect: Callable[[], None]) -> Receipt:
        self.calls.append((name, arguments))
        if name in self.refuse:
            raise LedgerRejected(self.refuse[name])
        effect()
        if self.die_after == name:
            raise Killed(name)
        return Receipt(0xF00, self.block, Fri(1))

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the verifier may catch it."""


class World:
    """A job whose scene and result are honest unless ``scene`` or ``files`` say otherwise."""

    def __init__(
        self, files: dict[str, bytes] | None = None, scene: dict[str, bytes] | None = None, **manifest: Any
    ) -> None:
        self.clock, self.journal = FakeClock(), FakeJournal()
        self.store = FakeStore(clock=self.clock)
        self.renderer, self.decoder = Renderer(), FakeDecoder()
        self.scene = self.store.put(scene or {"glass.blend": BLEND})
        self.manifest = manifest_of(self.scene, **manifest)
        if files is None:
            files = {frame_file(f): png(honest(f)) for f in self.manifest.tasks[0].frames}
        self.result = self.store.put(files)
        self.chain = Chain(self.store.add_block(encode(self.manifest)), self.result)


def verdict_of(chain: Chain) -> Verdict:
    return chain.revealed[0].verdict


def empty(folder: Path) -> bool:
    return not folder.exists() or not any(folder.iterdir())


def remove(folder: Path) -> None:
    shutil.rmtree(folder)
