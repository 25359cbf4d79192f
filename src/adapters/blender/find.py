"""Finding the Blender to render with, and asking it what it is."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ...domain.errors import MachineError

INSIDE = Path(__file__).parent / "inside"
PROBE_SECONDS = 60
SOFTWARE_GL = {
    "EGL_PLATFORM": "surfaceless",
    "LIBGL_ALWAYS_SOFTWARE": "1",
    "__EGL_VENDOR_LIBRARY_FILENAMES": "/usr/share/glvnd/egl_vendor.d/50_mesa.json",
    "MESA_SHADER_CACHE_DISABLE": "true",
}
"""EEVEE is drawn by Mesa on the processor, whatever cards there are: a sandbox shows no devices, and what
strangers' scenes compiled is kept for nobody (docs/adr/0017)."""
DEFAULT_VERSION = "4.5.15"


@dataclass(frozen=True, slots=True)
class BlenderBuild:
    """One Blender, as an executable or as a Python environment that has ``bpy``.

    ``mounts`` are the directories it must be able to read, beyond the system's libraries.
    """

    executable: Path
    is_module: bool
    version: str
    build_hash: str
    mounts: tuple[Path, ...]
    graphics: str | None = None
    """The software OpenGL that it finds here, in the library's own words; None where it finds none
    and can therefore not render with EEVEE."""

    @property
    def build(self) -> str:
        """As reports name it: ``4.5.15 5afeabba6097``."""
        return f"{self.version} {self.build_hash}"

    def command(self, script: Path, *arguments: str) -> list[str]:
        """The command line that runs a script of ours inside this Blender, with the scripts of
        .blend files off and nobody's preferences."""
        return _command(self.executable, self.is_module, script, *arguments)


def find_blender(blender_path: Path | None, cache: Path, version: str | None = None) -> BlenderBuild:
    """``BLENDER_PATH`` when set, else the environment in the per-user cache.

    ``blender_path`` is a Blender executable, or the Python of an environment with bpy, or
    such an environment's directory.

    Raises MachineError ``blender.missing``, ``blender.wrong_version``.
    """
    wanted = version or DEFAULT_VERSION
    executable = blender_path or cache / "tools" / f"bpy-{wanted}" / "bin" / "python"
    if executable.is_dir():
        executable = executable / "bin" / "python"
    if not executable.is_file() or not os.access(executable, os.X_OK):
        raise MachineError(
            "blender.missing",
            f"there is no Blender at {executable}",
            remedy="set BLENDER_PATH to a Blender executable or to the Python of an environment with bpy, "
            "or run `tileproof setup bpy`",
            path=executable,
        )
    build = _probe(executable.absolute())
    if version is not None and build.version != version:
        raise MachineError(
            "blender.wrong_version",
            f"{executable} is Blender {build.version}; this needs {version}",
            remedy=f"set BLENDER_PATH to Blender {version}, or run `tileproof setup bpy`",
            path=executable,
            found=build.version,
            wanted=version,
        )
    return build


def _command(executable: Path, is_module: bool, script: Path, *arguments: str) -> list[str]:
    if is_module:
        return [str(executable), "-I", str(script), *arguments]
    return [
        str(executable),
        *("--background", "--factory-startup", "--disable-autoexec", "-noaudio"),
        *("--python-exit-code", "1", "--python", str(script), "--", *arguments),
    ]


def _probe(executable: Path) -> BlenderBuild:
    is_module = executable.name.startswith("python")
    said = ""
    try:
        done = subprocess.run(
            _command(executable, is_module, INSIDE / "probe.py"),
            capture_output=True,
            timeout=PROBE_SECONDS,
            check=False,  # what a driver breaks comes after all that must be known
            stdin=subprocess.DEVNULL,
            env={**os.environ, **SOFTWARE_GL},
        )
        said = done.stderr.decode(errors="replace")[-300:].strip()
        return _build(executable, is_module, done.stdout.decode(errors="replace"))
    except (OSError, subprocess.SubprocessError, LookupError, TypeError, ValueError) as error:
        raise MachineError(
            "blender.missing",
            f"{executable} is no Blender that can be started: {said or error}",
            remedy="set BLENDER_PATH to a Blender executable or to the Python of an environment with bpy",
            path=executable,
        ) from error


def _build(executable: Path, is_module: bool, output: str) -> BlenderBuild:
    """From what the probe printed: one line of facts, and one with the graphics where there are any."""
    facts, *more = [
        json.loads(text.removeprefix("TILEPROOF "))
        for text in output.splitlines()
        if text.startswith("TILEPROOF ")
    ]
    mounts = {Path(os.path.realpath(path)) for path in facts["mounts"]}
    mounts |= {Path(path) for path in facts["mounts"]}
    return BlenderBuild(
        executable=executable,
        is_module=is_module,
        version=str(facts["version"]),
        build_hash=str(facts["hash"]),
        mounts=tuple(sorted(mounts)),
        graphics=str(more[0]["graphics"])[:200] if more else None,
    )
