"""EEVEE with the real Blender on software OpenGL: whole frames, judged by likeness."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tileproof.adapters.blender.find import BlenderBuild
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.blender.sandbox import Sandbox
from tileproof.adapters.blender.sandbox.landlock import Landlock
from tileproof.domain.errors import MachineError
from tileproof.domain.job import Verdict
from tileproof.domain.manifest import EEVEE
from tileproof.domain.policy import HASH, default_policy

from tests.fakes.renderer import LIMITS, SETTINGS
from tests.services.blender import Tiny

from .kept_audit import Kept

pytestmark = [pytest.mark.long, pytest.mark.blender]

ONE_SAMPLE = replace(SETTINGS, engine=EEVEE, samples_per_pixel=1)
"""A sample takes half a second here, after the shaders' half a minute."""
POLICY = default_policy(HASH, 128, 1)


def test_an_honest_frame_is_accepted_and_equal_to_the_last_bit(
    renderer: BlenderRenderer, tiny: Tiny, tmp_path: Path
) -> None:
    """On one machine it repeats, in another process and with another number of threads."""
    kept = Kept(renderer, tiny("eevee"), tmp_path, settings=ONE_SAMPLE, policy=POLICY, delivered=ONE_SAMPLE)
    assert kept.report.judgement.verdict is Verdict.ACCEPT
    assert [tile.score.equal for tile in kept.report.tiles] == [True]
    assert kept.report.machine is not None
    assert "software OpenGL" in kept.report.machine.device


def test_the_other_sandbox_draws_as_well(blender: BlenderBuild, tiny: Tiny, tmp_path: Path) -> None:
    with BlenderRenderer(blender, Landlock()).open(tiny("eevee"), ONE_SAMPLE, tmp_path, LIMITS) as session:
        shares: list[float] = []
        session.render(3, ONE_SAMPLE.full_frame, progress=lambda _, share: shares.append(share))
        assert shares


def test_without_opengl_the_job_is_left_to_others(
    blender: BlenderBuild, renderer: BlenderRenderer, sandbox: Sandbox, tiny: Tiny, tmp_path: Path
) -> None:
    blind = BlenderRenderer(replace(blender, graphics=None), sandbox)
    assert EEVEE in renderer.report().engines
    assert EEVEE not in blind.report().engines
    with pytest.raises(MachineError) as caught, blind.open(tiny("eevee"), ONE_SAMPLE, tmp_path, LIMITS):
        pass
    assert caught.value.code == "blender.no_graphics"
