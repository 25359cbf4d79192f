"""An audit with the real Blender, done again on the command line from files alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.clock import SystemClock
from tileproof.adapters.images import ChildDecoder
from tileproof.audit.report import SeedSource, to_json
from tileproof.cli.__main__ import command
from tileproof.cli.console import run
from tileproof.domain.job import Address, Verdict
from tileproof.domain.manifest import AuditPolicy, Manifest, SceneFile, TaskSpec, encode
from tileproof.domain.result import files_of
from tileproof.domain.sampling import RoundId, audit_seed
from tileproof.verifier.audit import audit_submission
from tileproof.verifier.evidence import read_report
from tileproof.verifier.settings import VerifierSettings
from tileproof.verifier.subject import Subject

from tests.fakes.content import FakeStore
from tests.fakes.renderer import LIMITS, SETTINGS
from tests.services.blender import Tiny

pytestmark = pytest.mark.blender

OF = RoundId(0x534E, Address(0xDD), 1, 0, 0, 0)
BLOCK_HASH = 99


class Kept:
    """Everything that a replay needs, as files below ``room``; half of the samples were left out."""

    def __init__(self, renderer: BlenderRenderer, blend: Path, room: Path, *, denoise: bool) -> None:
        settings = replace(SETTINGS, samples_per_pixel=8, noise_seed=7, denoise=denoise)
        data, store, spec = blend.read_bytes(), FakeStore(), TaskSpec((3,), settings.full_frame)
        self.scene, self.result, self.audit = room / "scene", room / "result", room / "audit"
        self.manifest = room / "manifest.json"
        self.scene.mkdir()
        (self.scene / "tiny.blend").write_bytes(data)
        encoded = encode(
            Manifest(
                version=2,
                name="tiny",
                scene=store.add_directory(self.scene),
                blend="tiny.blend",
                files=(SceneFile("tiny.blend", len(data), hashlib.sha256(data).hexdigest()),),
                settings=settings,
                audit=AuditPolicy("exact", 16, 3),
                tasks=(spec,),
                split_columns=1,
                split_rows=1,
            )
        )
        self.manifest.write_bytes(encoded)
        self._render(renderer, blend, replace(settings, samples_per_pixel=4), spec)
        result = store.add_directory(self.result)
        seed = SeedSource(audit_seed(OF, result, BLOCK_HASH), 41, BLOCK_HASH)
        self.report = audit_submission(
            subject=Subject(OF, store.add_block(encoded), 1, 10_000, result, seed),
            store=store,
            renderer=renderer,
            decoder=ChildDecoder(),
            clock=SystemClock(),
            settings=VerifierSettings(threads=1, preview_seconds=0),
            home=room / "home",
            evidence=self.audit,
        )

    def _render(self, renderer: BlenderRenderer, blend: Path, settings: object, spec: TaskSpec) -> None:
        self.result.mkdir()
        out = self.result.with_name("worker")
        out.mkdir()
        limits = replace(LIMITS, threads=1)
        with renderer.open(blend, settings, out, limits) as session:  # type: ignore[arg-type]
            for frame in spec.frames:
                first, *finished = files_of(settings, spec, frame)  # type: ignore[arg-type]
                made = session.render(frame, spec.region).path
                (self.result / first).write_bytes(made.read_bytes())
                for name in finished:
                    (self.result / name).write_bytes(session.finish(frame, made).path.read_bytes())

    def replay(self, home: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, object]]:
        copies = {"--manifest": self.manifest, "--scene": self.scene, "--result": self.result}
        flags = [str(part) for pair in copies.items() for part in pair]
        arguments = ["verifier", "replay", str(self.audit), *flags, "--threads", "1", "--json"]
        status = run(command, ["--home", str(home), *arguments])
        said: dict[str, object] = json.loads(capsys.readouterr().out)
        return status, said


@pytest.mark.parametrize("denoise", [False, True], ids=["raw", "denoised"])
def test_an_audit_is_replayed_equal_from_files_alone_and_a_lie_is_not(
    denoise: bool,
    renderer: BlenderRenderer,
    tiny: Tiny,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = Kept(renderer, tiny("plain"), tmp_path, denoise=denoise)
    assert kept.report.judgement.verdict is Verdict.REJECT
    assert read_report(kept.audit) == kept.report
    status, said = kept.replay(tmp_path / "state", capsys)
    assert (status, said["answer"]) == (0, "equal")

    first, *others = kept.report.tiles
    lie = replace(kept.report, tiles=(replace(first, rendered="0" * 64), *others))
    (kept.audit / "report.json").write_bytes(to_json(lie))
    status, said = kept.replay(tmp_path / "state", capsys)
    assert (status, said["answer"]) == (9, "unequal")
    checks = said["checks"]
    assert isinstance(checks, list)
    assert [check["field"] for check in checks if not check["equal"]] == ["tile 0, rendered"]
