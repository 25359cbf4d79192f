"""An audit with the real Blender, and everything that it judged, as files in a folder."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.clock import SystemClock
from tileproof.adapters.images import ChildDecoder
from tileproof.audit.report import SeedSource
from tileproof.domain.job import Address
from tileproof.domain.manifest import AuditPolicy, Manifest, RenderSettings, SceneFile, TaskSpec, encode
from tileproof.domain.result import files_of
from tileproof.domain.sampling import RoundId, audit_seed
from tileproof.verifier.audit import audit_submission
from tileproof.verifier.settings import VerifierSettings
from tileproof.verifier.subject import Subject

from tests.fakes.content import FakeStore
from tests.fakes.renderer import LIMITS

OF = RoundId(0x534E, Address(0xDD), 1, 0, 0, 0)
BLOCK_HASH = 99


class Kept:
    """One frame of a job, delivered with the settings ``delivered`` and judged by ``settings``."""

    def __init__(
        self,
        renderer: BlenderRenderer,
        blend: Path,
        room: Path,
        *,
        settings: RenderSettings,
        policy: AuditPolicy,
        delivered: RenderSettings,
    ) -> None:
        data, store, spec = blend.read_bytes(), FakeStore(), TaskSpec((3,), settings.full_frame)
        self.scene, self.result, self.audit = room / "scene", room / "result", room / "audit"
        self.manifest = room / "manifest.json"
        self.scene.mkdir(parents=True)
        (self.scene / "tiny.blend").write_bytes(data)
        encoded = encode(
            Manifest(
                version=3,
                name="tiny",
                scene=store.add_directory(self.scene),
                blend="tiny.blend",
                files=(SceneFile("tiny.blend", len(data), hashlib.sha256(data).hexdigest()),),
                settings=settings,
                audit=policy,
                tasks=(spec,),
                split_columns=1,
                split_rows=1,
            )
        )
        self.manifest.write_bytes(encoded)
        self._render(renderer, blend, delivered, spec)
        result = store.add_directory(self.result)
        seed = SeedSource(audit_seed(OF, result, BLOCK_HASH), 41, BLOCK_HASH)
        self.report = audit_submission(
            subject=Subject(OF, store.add_block(encoded), 1, 10_000, result, seed),
            store=store,
            renderer=renderer,
            decoder=ChildDecoder(),
            clock=SystemClock(),
            settings=VerifierSettings(threads=2, preview_seconds=0),
            home=room / "home",
            evidence=self.audit,
        )

    def _render(
        self, renderer: BlenderRenderer, blend: Path, settings: RenderSettings, spec: TaskSpec
    ) -> None:
        self.result.mkdir()
        out = self.result.with_name("worker")
        out.mkdir()
        with renderer.open(blend, settings, out, replace(LIMITS, threads=1)) as session:
            for frame in spec.frames:
                first, *finished = files_of(settings, spec, frame)
                made = session.render(frame, spec.region).path
                (self.result / first).write_bytes(made.read_bytes())
                for name in finished:
                    (self.result / name).write_bytes(session.finish(frame, made).path.read_bytes())
