"""The real Blender, its sandbox and the small scenes, as fixtures."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import platformdirs
import pytest
from tileproof.adapters.blender.find import BlenderBuild, find_blender
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.blender.sandbox import Sandbox, choose
from tileproof.domain.errors import MachineError

CACHE = Path(os.environ.get("TILEPROOF_CACHE") or platformdirs.user_cache_dir("tileproof"))
SCENES = Path(__file__).resolve().parents[2] / "scenes"
Tiny = Callable[[str], Path]
"""The .blend of a variant of scenes/tiny.py, made once a run; never written to by a test."""


def unavailable(why: str) -> NoReturn:
    """Fails the test that needs a service which is missing; a skip would hide that nothing was tested."""
    pytest.fail(why)


@pytest.fixture(scope="session")
def blender() -> BlenderBuild:
    named = os.environ.get("BLENDER_PATH")
    try:
        return find_blender(Path(named) if named else None, CACHE, "4.5.15")
    except MachineError as error:
        unavailable(f"{error.message}; {error.remedy}")
        raise


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    try:
        return choose()
    except MachineError as error:
        unavailable(f"{error.message}; {error.remedy}")
        raise


@pytest.fixture(scope="session")
def renderer(blender: BlenderBuild, sandbox: Sandbox) -> BlenderRenderer:
    return BlenderRenderer(blender, sandbox)


@pytest.fixture(scope="session")
def tiny(blender: BlenderBuild, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    folder = tmp_path_factory.mktemp("scenes")
    make_scene(blender, "tiny.py", "--all", str(folder))

    def blend_of(variant: str) -> Path:
        return folder / variant / f"{variant}.blend"

    return blend_of


def make_scene(blender: BlenderBuild, script: str, *arguments: str) -> None:
    """Runs a script of scenes/."""
    done = subprocess.run(
        blender.command(SCENES / script, *arguments), capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode != 0:
        pytest.fail(f"scenes/{script} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
