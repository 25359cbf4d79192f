"""Workers that changed their own Blender, not only its settings: what no manifest fixes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tileproof.adapters.blender.find import INSIDE
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.blender.sandbox import Sandbox, SandboxedCommand
from tileproof.ports.renderer import Renderer

_INSTEAD = Path(__file__).parent / "inside" / "tampered.py"


def tampered(renderer: Renderer, change: str) -> Renderer:
    """Renders with a Blender that applies ``change``, a function of inside/tampered.py, to the scene
    when the job's settings have been applied.

    Raises TypeError for a renderer that is no Blender.
    """
    more = {"GALLERY_CHANGE": change, "GALLERY_INSIDE": str(INSIDE)}
    return _with_sandbox(renderer, more, _INSTEAD, _INSTEAD.parent)


def with_environment(renderer: Renderer, more: Mapping[str, str], *, shown: Path) -> Renderer:
    """Renders with a Blender that sees these variables and this folder. Raises TypeError as ``tampered``."""
    return _with_sandbox(renderer, more, INSIDE / "serve.py", shown)


def _with_sandbox(renderer: Renderer, more: Mapping[str, str], serve: Path, shown: Path) -> Renderer:
    if not isinstance(renderer, BlenderRenderer):
        raise TypeError(f"{type(renderer).__name__} is no Blender that could be tampered with")
    # A worker owns its Blender and its sandbox, so nothing of them is private to whoever cheats.
    return BlenderRenderer(renderer._blender, _Tampering(renderer._sandbox, more, serve, shown))


class _Tampering:
    """A sandbox that starts another script, with more variables, and shows one folder more."""

    def __init__(self, inner: Sandbox, more: Mapping[str, str], serve: Path, shown: Path) -> None:
        self._inner, self._more, self._serve, self._shown = inner, more, serve, shown

    @property
    def name(self) -> str:
        return self._inner.name

    def wrap(
        self, command: Sequence[str], *, read_only: Sequence[Path], writable: Path, env: Mapping[str, str]
    ) -> SandboxedCommand:
        swapped = [str(self._serve) if part == str(INSIDE / "serve.py") else part for part in command]
        shown = [*read_only, self._shown]
        return self._inner.wrap(swapped, read_only=shown, writable=writable, env={**env, **self._more})
