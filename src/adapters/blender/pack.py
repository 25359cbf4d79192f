"""The ScenePacker port: Blender Asset Tracer as a process of its own (it is a GPL program)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ...domain.errors import InputError, MachineError
from ...domain.paths import is_safe_path
from ...ports.scene import PackedScene, SceneInspector
from .scene import check_header

PACK_SECONDS = 600
_BAT = "import sys; from blender_asset_tracer.cli import cli_main; sys.exit(cli_main())"
_MISSING = re.compile(r"Missing file: (.+)$", re.MULTILINE)
_NOTE = "pack-info.txt"
_SUFFIX = ".blend"
_LONGEST_STEM = 200


class BatPacker:
    """Files below the .blend's folder keep their place; others go to ``_outside_project``.

    With an ``inspector`` the packed copy is opened once as a worker will see it: alone.
    """

    def __init__(self, inspector: SceneInspector | None = None) -> None:
        self._inspector = inspector

    def pack(self, blend: Path, into: Path) -> PackedScene:
        check_header(blend)
        blend, into = blend.absolute(), into.absolute()
        try:
            said, ended = _trace(blend, into)
            _refuse_missing(blend, tuple(dict.fromkeys(m.strip() for m in _MISSING.findall(said))))
            if "No space left" in said:
                raise MachineError(
                    "machine.disk_full",
                    f"no space is left to pack {blend}",
                    remedy="free some space",
                    path=into,
                )
            if ended != 0 or not (into / blend.name).is_file():
                why = said.strip().splitlines()[-1][:300] if said.strip() else "no reason given"
                raise InputError(
                    "scene.unreadable",
                    f"{blend} cannot be packed: {why}",
                    remedy="open it in Blender and save it again",
                    path=blend,
                )
            (into / _NOTE).unlink(missing_ok=True)
            name = _canonical_name(into, blend.name)
            if self._inspector is not None:
                self._open_alone(blend, into, name)
        except BaseException:
            _empty(into)
            raise
        return PackedScene(root=into, blend=name)

    def _open_alone(self, blend: Path, into: Path, name: str) -> None:
        """Paths that the tracer did not know are found here: by Blender, in the copy."""
        assert self._inspector is not None
        facts = self._inspector.inspect(into / name)
        _refuse_missing(blend, facts.missing_files)
        strays = tuple(path for path in facts.external_files if not _is_inside(path, into))
        if strays:
            raise InputError(
                "scene.files_missing",
                f"{blend} uses {len(strays)} file(s) that cannot be packed: {', '.join(strays[:5])}",
                remedy="pack them into the .blend (File, External Data, Pack Resources), save, submit again",
                path=blend,
                missing=strays,
            )


def _canonical_name(into: Path, name: str) -> str:
    """Gives the packed file a name that ends in .blend, and returns it: every machine can open it.

    Its links are relative to its folder, so that its own name does not matter.
    """
    if name.endswith(_SUFFIX) and is_safe_path(name):
        return name
    stem = re.sub(r"\.blend\d*$", "", name, flags=re.IGNORECASE) or "scene"
    stem = stem.encode()[:_LONGEST_STEM].decode(errors="ignore")
    stem = stem if is_safe_path(stem) else "scene"
    candidates = (f"{stem}{extra}{_SUFFIX}" for extra in ("", *(f"-{n}" for n in range(1, 1000))))
    chosen = next(candidate for candidate in candidates if not (into / candidate).exists())
    (into / name).rename(into / chosen)
    return chosen


def _trace(blend: Path, into: Path) -> tuple[str, int]:
    """What the tracer said, and its exit status."""
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
            "scene.pack_timeout",
            f"packing {blend} took more than {PACK_SECONDS} s",
            remedy="pack the files into the .blend (File, External Data, Pack Resources) and submit that",
            path=blend,
        ) from error
    return (done.stderr + done.stdout).decode(errors="replace"), done.returncode


def _refuse_missing(blend: Path, missing: tuple[str, ...]) -> None:
    if missing:
        raise InputError(
            "scene.files_missing",
            f"{blend} uses {len(missing)} file(s) that are not there: {', '.join(missing[:5])}",
            remedy="put them back, or remove their use (in Blender: File, External Data, "
            "Report Missing Files)",
            path=blend,
            missing=missing,
        )


def _is_inside(written: str, root: Path) -> bool:
    """Whether a path as Blender writes it (``//`` is the .blend's folder) stays below ``root``."""
    if not written.startswith("//"):
        return False
    return Path(os.path.normpath(root / written.removeprefix("//"))).is_relative_to(root)


def _empty(folder: Path) -> None:
    if folder.is_dir():
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
