"""Blender's environment is made beside its place and moved there, with the real venv and pip."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

from tileproof.provision.install import provide
from tileproof.provision.recipes import PipEnvironment

from tests.unit.test_provision import ANVIL, Told


def test_an_environment_for_blender_names_no_place_it_was_made_in(tmp_path: Path) -> None:
    """The finished environment is moved; whatever names the old place would start another Python."""
    wheel = make_wheel(tmp_path)
    tool = replace(
        ANVIL, recipe=PipEnvironment(str(wheel), python=sys.version_info[:2]), program="bin/python"
    )
    got = provide(tool, tmp_path / "cache", Told().progress)
    assert subprocess.check_output(
        [got.program, "-c", "import iron; print(iron.__file__)"], text=True
    ).startswith(str(got.program.parents[1]))
    naming = [p for p in got.program.parent.iterdir() if not p.is_symlink() and b".partial" in p.read_bytes()]
    assert naming == []


def make_wheel(folder: Path) -> Path:
    """The smallest wheel there is."""
    wheel = folder / "iron-1-py3-none-any.whl"
    about = "iron-1.dist-info/"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("iron.py", "")
        file.writestr(f"{about}METADATA", "Metadata-Version: 2.1\nName: iron\nVersion: 1\n")
        file.writestr(
            f"{about}WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{about}entry_points.txt", "[console_scripts]\niron = iron:main\n")
        file.writestr(f"{about}RECORD", "")
    return wheel
