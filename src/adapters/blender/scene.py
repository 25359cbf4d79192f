"""The SceneInspector port: header first, then Blender itself, scripts off, in the sandbox."""

from __future__ import annotations

import glob
import gzip
import tempfile
import unicodedata
import zlib
from pathlib import Path
from typing import BinaryIO, Protocol

import zstandard

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
_PIECE = 1 << 20
LINK_DEPTH = 4
"""How often libraries outside the scene's folder are followed to further ones."""


class BlenderInspector:
    def __init__(self, blender: BlenderBuild, sandbox: Sandbox) -> None:
        self._blender = blender
        self._sandbox = sandbox

    def inspect(self, blend: Path) -> SceneFacts:
        """Blender sees the folder of the .blend, everything below it and the files that it names
        elsewhere, nothing else. Whether they are there is looked up outside the sandbox."""
        check_header(blend)
        blend = blend.absolute()
        beside: set[Path] = set()
        for _ in range(LINK_DEPTH):
            answer = self._ask(blend, sorted(beside))
            used = _used_files(answer, blend)
            outside = {path for path in used.values() if path.exists()} - beside
            outside = {path for path in outside if not path.is_relative_to(blend.parent)}
            if not outside:
                break
            beside |= outside  # a library that was out of sight may name further files
        return _facts(answer, used, blend)

    def _ask(self, blend: Path, beside: list[Path]) -> dict[str, object]:
        with tempfile.TemporaryDirectory(prefix="tileproof-inspect-") as out:
            process = BlenderProcess(
                self._blender,
                self._sandbox,
                "facts.py",
                (str(blend),),
                read_only=[blend.parent, *beside],
                out=Path(out),
                limits=INSPECT_LIMITS,
            )
            try:
                return process.receive()
            except EvidenceError as error:  # to the requester it is their own file
                raise InputError(
                    error.code,
                    f"Blender cannot open {blend}: {error.message}",
                    remedy="open it in Blender and save it again",
                    path=blend,
                ) from error
            finally:
                process.close()


def check_header(blend: Path) -> None:
    """Refuses what is not a whole .blend, compressed or not, before any Blender starts.

    Raises InputError ``scene.missing``, ``scene.not_blend``, ``scene.truncated``, ``scene.unusable_name``.
    """
    _check_name(blend)
    if not blend.is_file():
        raise InputError(
            "scene.missing", f"there is no file {blend}", remedy="give the path of a .blend file", path=blend
        )
    with blend.open("rb") as file:
        magic = file.read(4)
        file.seek(0)
        try:
            if magic == _ZSTD:
                reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
                head, tail = _ends(reader)
            elif magic.startswith(_GZIP):
                head, tail = _ends(gzip.GzipFile(fileobj=file))
            else:
                head, tail = file.read(12), _last_bytes(file)
        except EOFError:
            head, tail = b"BLENDER", b""
        except (zstandard.ZstdError, OSError, zlib.error) as error:
            raise _damaged(blend, f"it cannot be unpacked ({error})") from error
    if len(head) < 12 and magic.startswith((_ZSTD, _GZIP)):
        raise _damaged(blend, "hardly anything of it can be unpacked")
    if not head.startswith(b"BLENDER"):
        raise InputError(
            "scene.not_blend",
            f"{blend} is not a .blend file",
            remedy="save the scene from Blender and give that file",
            path=blend,
        )
    if _ENDB not in tail:
        raise _damaged(blend, "its last block is missing")


def _check_name(blend: Path) -> None:
    """Refuses a path that Blender, the tracer or another machine cannot write."""
    path = str(blend.absolute())
    why = ""
    if not _is_utf8(path):
        why = "has bytes in its path that are not UTF-8"
    elif any(unicodedata.category(letter) == "Cc" for letter in path):
        why = "has a control character, such as a line break, in its path"
    elif "\\" in blend.name:
        why = "has a backslash in its name"
    if why:
        raise InputError(
            "scene.unusable_name",
            f"{path.encode('utf-8', 'backslashreplace').decode()!r} {why}",
            remedy="rename it, or the folder that it lies in",
        )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _ends(stream: _Stream) -> tuple[bytes, bytes]:
    """The first and the last bytes of an unpacked stream, which is never held whole."""
    head = tail = stream.read(_PIECE)
    while piece := stream.read(_PIECE):
        tail = (tail + piece)[-_TAIL_BYTES:]
        if not head.startswith(b"BLENDER"):
            break
    return head[:12], tail[-_TAIL_BYTES:]


def _last_bytes(file: BinaryIO) -> bytes:
    file.seek(0, 2)
    file.seek(max(0, file.tell() - _TAIL_BYTES))
    return file.read()


def _damaged(blend: Path, why: str) -> InputError:
    return InputError(
        "scene.truncated",
        f"{blend} is damaged or ends early: {why}",
        remedy="save the scene again, or copy it again",
        path=blend,
        size=blend.stat().st_size,
    )


def _used_files(answer: dict[str, object], blend: Path) -> dict[str, Path]:
    """What the .blend names, as written, and where that would lie on this machine."""
    used = answer.pop("external_files", None)
    try:
        if not isinstance(used, list):
            raise TypeError
        return {str(path): Path(str(absolute)) for path, absolute in used}
    except (TypeError, ValueError) as error:
        raise _undescribed(blend) from error


def _is_there(path: Path) -> bool:
    """A tiled picture is a pattern: one of its tiles will do."""
    for pattern in ("<UDIM>", "<UVTILE>"):
        if pattern in path.name:
            before, _, after = path.name.partition(pattern)
            return any(path.parent.glob(f"{glob.escape(before)}*{glob.escape(after)}"))
    return path.exists()


def _facts(answer: dict[str, object], used: dict[str, Path], blend: Path) -> SceneFacts:
    values: dict[str, object] = {
        "external_files": tuple(used),
        "missing_files": tuple(path for path, absolute in used.items() if not _is_there(absolute)),
    }
    for name, value in answer.items():
        values[name] = tuple(str(item) for item in value) if isinstance(value, list) else value
    try:
        return SceneFacts(**values)  # type: ignore[arg-type]
    except TypeError as error:
        raise _undescribed(blend) from error


def _undescribed(blend: Path) -> InputError:
    return InputError(
        "scene.unreadable",
        f"Blender could not describe {blend}",
        remedy="open it in Blender, save it again, and see what Blender says",
        path=blend,
    )
