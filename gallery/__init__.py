"""Renderers that cheat, and honest ones that look unusual: one file each, found by its name.

A release must reject every cheat and pay every honest variant. Each file says in its first
line what it does, and defines ``HONEST`` and one of

- ``dress(renderer) -> renderer``: what a worker renders with instead of its own renderer;
- ``dress_store(store) -> store``: what it keeps results in instead of its own node.

The product has no switch for these: whoever wants one hands it to the worker in Python. Every
cheat is consistent: a tile it is asked for equals the same pixels of the frame that it
delivers, so that a worker's own checks before submitting do not give it away.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from tileproof.ports.content import ContentStore
from tileproof.ports.renderer import Renderer

_NOT_ENTRIES = {"wrapping"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the gallery."""

    name: str
    summary: str  # the first line of its docstring
    honest: bool
    dress: Callable[[Renderer], Renderer] | None
    dress_store: Callable[[ContentStore], ContentStore] | None


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
    )
