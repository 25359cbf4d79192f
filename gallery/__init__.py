"""Renderers that cheat, and honest ones that look unusual: one file each, found by its name.

A release must reject every cheat and pay every honest variant. Each file says in its first
line what it does, and defines ``HONEST`` and one of

- ``dress(renderer) -> renderer``: what a worker renders with instead of its own renderer;
- ``dress_store(store) -> store``: what it keeps results in instead of its own node.

A cheat states ``WORK_SAVED``: the share of the render's work that whoever does it well is spared,
0..1. (What the file itself spends does not count: some render honestly first to know what to
spoil.) Further names, where the usual does not hold: ``JOBS``, ``EXACT``, ``missing()``; see ``Entry``.

The product has no switch for these: whoever wants one hands it to the worker in Python. Every
cheat is consistent: a tile it is asked for equals the same pixels of the frame that it
delivers, so that a worker's own checks before submitting do not give it away.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from tileproof.domain.manifest import RenderSettings
from tileproof.ports.content import ContentStore
from tileproof.ports.renderer import Renderer

_NOT_ENTRIES = {"pixels", "png_chunks", "tampering", "wrapping"}
RAW, DENOISED = "raw", "denoised"
"""Jobs without and with passes that are finished into pictures."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the gallery."""

    name: str
    summary: str  # the first line of its docstring
    honest: bool
    dress: Callable[[Renderer], Renderer] | None
    dress_store: Callable[[ContentStore], ContentStore] | None
    work_saved: float  # of the render, 0..1; 0 for the honest
    jobs: frozenset[str]  # RAW, DENOISED: for which it makes sense
    exact: bool  # an honest variant's pixels are equal; otherwise they lie within the calibrated gate
    needs_blender: bool  # it changes Blender itself, so that no fake can wear it
    missing: Callable[[], str | None]  # why this machine cannot try it, in words; None when it can

    def suits(self, settings: RenderSettings) -> bool:
        """Whether it makes sense for a job with these settings."""
        return (DENOISED if settings.has_passes else RAW) in self.jobs


def names() -> tuple[str, ...]:
    """Every entry by name, in alphabetical order."""
    found = {module.name for module in pkgutil.iter_modules(__path__)}
    return tuple(sorted(found - _NOT_ENTRIES))


def load(name: str) -> Entry:
    """The entry of this name. Raises KeyError when there is none."""
    if name not in names():
        raise KeyError(f"the gallery has no {name!r}; it has {', '.join(names())}")
    module = importlib.import_module(f"{__name__}.{name}")
    return Entry(
        name=name,
        summary=(module.__doc__ or "").strip().splitlines()[0],
        honest=module.HONEST,
        dress=getattr(module, "dress", None),
        dress_store=getattr(module, "dress_store", None),
        work_saved=0.0 if module.HONEST else module.WORK_SAVED,
        jobs=frozenset(getattr(module, "JOBS", (RAW, DENOISED))),
        exact=getattr(module, "EXACT", True),
        needs_blender=getattr(module, "NEEDS_BLENDER", False),
        missing=getattr(module, "missing", lambda: None),
    )
