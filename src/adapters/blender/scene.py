"""The SceneInspector port: header first, then Blender itself, scripts off, in the sandbox."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ...domain.errors import EvidenceError, InputError
from ...ports.renderer import Limits
from ...ports.scene import SceneFacts
from .find import BlenderBuild
from .process import BlenderProcess
from .sandbox import Sandbox

INSPECT_LIMITS = Limits(wall_seconds=300, memory_bytes=16 << 30, output_bytes=16 << 20, threads=1)
_ZSTD = b"\x28\xb5\x2f\xfd"
_GZIP = b"\x1f\x8b"
_ENDB = b"ENDB"
_TAIL_BYTES = 64


class BlenderInspector:
    def __init__(self, blender: BlenderBuild, sandbox: Sandbox) -> None:
        self._blender = blender
        self._sandbox = sandbox

    def inspect(self, blend: Path) -> SceneFacts:
        """Blender sees the folder of the .blend and everything below it, nothing else. Whether
        the files it names are there is looked up outside the sandbox."""
        check_header(blend)
        blend = blend.absolute()
        with tempfile.TemporaryDirectory(prefix="tileproof-inspect-") as out:
            process = BlenderProcess(
                self._blender,
                self._sandbox,
                "facts.py",
                (str(blend),),
                read_only=[blend.parent],
                out=Path(out),
                limits=INSPECT_LIMITS,
            )
            try:
                answer = process.receive()
            except EvidenceError as error:  # to the requester it is their own file
                raise InputError(
                    error.code, f"Blender cannot open {blend}: {error.message}", path=blend
                ) from error
            finally:
                process.close()
        return _facts(answer, blend)


def check_header(blend: Path) -> None:
    """Refuses what is not a whole .blend, before any Blender starts.

    Raises InputError ``scene.missing``, ``scene.not_blend``, ``scene.truncated``.
    """
    if not blend.is_file():
        raise InputError(
            "scene.missing", f"there is no file {blend}", remedy="give the path of a .blend file", path=blend
        )
    with blend.open("rb") as file:
        head = file.read(12)
        size = blend.stat().st_size
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read()
    if head.startswith((_ZSTD, _GZIP)):
        return  # compressed: Blender itself finds a broken one
    if not head.startswith(b"BLENDER"):
        raise InputError(
            "scene.not_blend",
            f"{blend} is not a .blend file",
            remedy="save the scene from Blender and give that file",
            path=blend,
        )
    if size < 64 or _ENDB not in tail:
        raise InputError(
            "scene.truncated",
            f"{blend} ends early: its last block is missing",
            remedy="save the scene again, or copy it again",
            path=blend,
            size=size,
        )


def _facts(answer: dict[str, object], blend: Path) -> SceneFacts:
    try:
        used = answer.pop("external_files")
        if not isinstance(used, list):
            raise TypeError
        written = {str(path): Path(str(absolute)) for path, absolute in used}
        values: dict[str, object] = {
            "external_files": tuple(written),
            "missing_files": tuple(path for path, absolute in written.items() if not absolute.exists()),
        }
        for name, value in answer.items():
            values[name] = tuple(str(item) for item in value) if isinstance(value, list) else value
        return SceneFacts(**values)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("scene.unreadable", f"Blender could not describe {blend}", path=blend) from error
