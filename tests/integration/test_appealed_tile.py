"""One named tile, judged with the real Blender: the appeal's question end to end, without a chain."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.clock import SystemClock
from tileproof.adapters.images import ChildDecoder
from tileproof.audit.report import AuditReport, SeedSource
from tileproof.domain.cid import Cid
from tileproof.domain.job import APPEAL_ROUND, Address, Ground, Outcome, Question, TaskAppeal, Verdict
from tileproof.domain.manifest import AuditPolicy, Manifest, SceneFile, TaskSpec, encode
from tileproof.domain.result import frame_file
from tileproof.domain.sampling import RoundId
from tileproof.domain.tiles import sample_grid
from tileproof.ports.images import ImageFormat
from tileproof.verifier.audit import audit_submission
from tileproof.verifier.settings import VerifierSettings
from tileproof.verifier.subject import Subject

from tests.fakes.content import FakeStore
from tests.fakes.renderer import LIMITS, SETTINGS
from tests.services.blender import Tiny

pytestmark = pytest.mark.blender

FEW = replace(SETTINGS, samples_per_pixel=4, noise_seed=7)
GRID = sample_grid(FEW.full_frame, 16)
PAINTED, NEIGHBOUR = 5, 6
FRAME = 3


class Case:
    """A result in whose only picture one tile was painted over by a single level."""

    def __init__(self, renderer: BlenderRenderer, blend: Path, room: Path) -> None:
        self._renderer, self._room = renderer, room
        self._store, self._decoder = FakeStore(), ChildDecoder()
        data = blend.read_bytes()
        self._manifest = self._store.add_block(
            encode(
                Manifest(
                    version=3,
                    name="tiny",
                    scene=self._store.put({"tiny.blend": data}),
                    blend="tiny.blend",
                    files=(SceneFile("tiny.blend", len(data), hashlib.sha256(data).hexdigest()),),
                    settings=FEW,
                    audit=AuditPolicy("exact", 16, 1),
                    tasks=(TaskSpec((FRAME,), FEW.full_frame),),
                    split_columns=1,
                    split_rows=1,
                )
            )
        )
        self._result = self._painted(blend)

    def _painted(self, blend: Path) -> Cid:
        out = self._room / "render"
        out.mkdir()
        with self._renderer.open(blend, FEW, out, replace(LIMITS, threads=1)) as session:
            path = session.render(FRAME, FEW.full_frame).path
            pixels = self._decoder.decode(path, ImageFormat("PNG", FEW.width_px, FEW.height_px, 3, 8)).copy()
        tile = GRID.tile(PAINTED)
        pixels[tile.y0, tile.x0] ^= np.uint8(1)
        self._decoder.encode_png(pixels, out / "painted.png")
        return self._store.put({frame_file(FRAME): (out / "painted.png").read_bytes()})

    def ask(self, tile: int) -> AuditReport:
        appeal = TaskAppeal(
            Address(0xCC), Outcome.NOT_DRAWN, Question.NAMED_TILE, 0, tile, 100, 0, None, (), ()
        )
        of = RoundId(0x534E, Address(0xDD), 1, 0, 0, APPEAL_ROUND)
        return audit_submission(
            subject=Subject(of, self._manifest, 1, 10_000, self._result, SeedSource(5, 101, None), appeal),
            store=self._store,
            renderer=self._renderer,
            decoder=self._decoder,
            clock=SystemClock(),
            settings=VerifierSettings(threads=1),
            home=self._room / "home",
            evidence=self._room / f"evidence-{tile}",
        )


def test_the_painted_tile_is_rejected_and_the_one_beside_it_accepted(
    renderer: BlenderRenderer, tiny: Tiny, tmp_path: Path
) -> None:
    case = Case(renderer, tiny("plain"), tmp_path)
    painted = case.ask(PAINTED)
    assert (painted.judgement.verdict, painted.judgement.ground) == (Verdict.REJECT, Ground.TILE)
    assert [tile.sample.tile for tile in painted.tiles] == [GRID.tile(PAINTED)]
    assert painted.confirmation is not None
    assert painted.confirmation.agrees
    beside = case.ask(NEIGHBOUR)
    assert beside.judgement.verdict is Verdict.ACCEPT
    assert [tile.score.equal for tile in beside.tiles] == [True]
