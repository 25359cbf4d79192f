"""An audit with the real Blender, done again on the command line from files alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.audit.report import to_json
from tileproof.cli.__main__ import command
from tileproof.cli.console import run
from tileproof.domain.job import Verdict
from tileproof.domain.manifest import AuditPolicy
from tileproof.verifier.evidence import read_report

from tests.fakes.renderer import SETTINGS
from tests.services.blender import Tiny

from .kept_audit import Kept

pytestmark = pytest.mark.blender


def replay(kept: Kept, home: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, object]]:
    copies = {"--manifest": kept.manifest, "--scene": kept.scene, "--result": kept.result}
    flags = [str(part) for pair in copies.items() for part in pair]
    arguments = ["verifier", "replay", str(kept.audit), *flags, "--threads", "1", "--json"]
    status = run(command, ["--home", str(home), *arguments])
    said: dict[str, object] = json.loads(capsys.readouterr().out)
    return status, said


@pytest.mark.parametrize(
    "denoise", [pytest.param(False, marks=pytest.mark.long), True], ids=["raw", "denoised"]
)
def test_an_audit_is_replayed_equal_from_files_alone_and_a_lie_is_not(
    denoise: bool,
    renderer: BlenderRenderer,
    tiny: Tiny,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = replace(SETTINGS, samples_per_pixel=8, noise_seed=7, denoise=denoise)
    kept = Kept(
        renderer,
        tiny("plain"),
        tmp_path,
        settings=settings,
        policy=AuditPolicy("exact", 16, 3),
        delivered=replace(settings, samples_per_pixel=4),  # half of the samples left out
    )
    assert kept.report.judgement.verdict is Verdict.REJECT
    assert read_report(kept.audit) == kept.report
    status, said = replay(kept, tmp_path / "state", capsys)
    assert (status, said["answer"]) == (0, "equal")

    first, *others = kept.report.tiles
    lie = replace(kept.report, tiles=(replace(first, rendered="0" * 64), *others))
    (kept.audit / "report.json").write_bytes(to_json(lie))
    status, said = replay(kept, tmp_path / "state", capsys)
    assert (status, said["answer"]) == (9, "unequal")
    checks = said["checks"]
    assert isinstance(checks, list)
    assert [check["field"] for check in checks if not check["equal"]] == ["tile 0, rendered"]
