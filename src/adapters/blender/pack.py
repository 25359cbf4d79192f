"""The ScenePacker port: Blender Asset Tracer as a process of its own (it is a GPL program)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ...domain.errors import InputError, MachineError
from ...ports.scene import PackedScene
from .scene import check_header

PACK_SECONDS = 600
_BAT = "import sys; from blender_asset_tracer.cli import cli_main; sys.exit(cli_main())"
_MISSING = re.compile(r"Missing file: (.+)$", re.MULTILINE)
_NOTE = "pack-info.txt"


class BatPacker:
    """Files below the .blend's folder keep their place; others go to ``_outside_project``."""

    def pack(self, blend: Path, into: Path) -> PackedScene:
        check_header(blend)
        blend, into = blend.absolute(), into.absolute()
        command = [sys.executable, "-I", "-c", _BAT, "pack", "-p", str(blend.parent), str(blend), str(into)]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PACK_SECONDS,
                check=False,
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            )
        except subprocess.TimeoutExpired as error:
            raise MachineError(
                "scene.pack_timeout", f"packing {blend} took more than {PACK_SECONDS} s", path=blend
            ) from error
        said = (done.stderr + done.stdout).decode(errors="replace")
        missing = tuple(dict.fromkeys(match.strip() for match in _MISSING.findall(said)))
        if missing:
            _empty(into)
            raise InputError(
                "scene.files_missing",
                f"{blend} uses {len(missing)} file(s) that are not there: {', '.join(missing[:5])}",
                remedy="put them back, or remove their use in Blender (File, External Data, Report Missing Files)",
                path=blend,
                missing=missing,
            )
        if "No space left" in said:
            _empty(into)
            raise MachineError(
                "machine.disk_full", f"no space is left to pack {blend}", remedy="free some space", path=into
            )
        if done.returncode != 0 or not (into / blend.name).is_file():
            _empty(into)
            raise InputError(
                "scene.unreadable",
                f"{blend} cannot be packed: {said.strip().splitlines()[-1][:300] if said.strip() else 'no reason given'}",
                remedy="open it in Blender and save it again",
                path=blend,
            )
        (into / _NOTE).unlink(missing_ok=True)
        return PackedScene(root=into, blend=blend.name)


def _empty(folder: Path) -> None:
    if folder.is_dir():
        for entry in folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
