"""A process that lacks what only Linux and other Unixes have, as one on Windows does.

Usage: python -m tests.services.elsewhere COMMAND LINE... runs ``tileproof`` in that state; without
arguments it imports every module of the package that a client command may need.

What is hidden: ``fcntl``, ``resource`` and ``os.pipe2``. psutil is loaded before, since it has a part
of its own for each system.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pkgutil import walk_packages
from types import ModuleType

import psutil  # noqa: F401

HIDDEN = ("fcntl", "resource")
NEEDS_UNIX = "decode_child"
"""Run as programs of their own."""


class Absent(MetaPathFinder):
    """Finds no module that is hidden."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in HIDDEN:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


def hide() -> None:
    sys.meta_path.insert(0, Absent())
    for name in HIDDEN:
        sys.modules.pop(name, None)
    del os.pipe2


def import_all() -> list[str]:
    """Returns the modules that do not import, with the reason."""
    import tileproof

    failed = []
    for module in walk_packages(tileproof.__path__, "tileproof."):
        name = module.name
        if ".inside." in name or name.endswith((".__main__", NEEDS_UNIX)):
            continue
        try:
            import_module(name)
        except ImportError as error:
            failed.append(f"{name}: {error}")
    return failed


def main() -> int:
    hide()
    if len(sys.argv) == 1:
        failed = import_all()
        print("\n".join(failed))
        return len(failed)
    from tileproof.cli.__main__ import command
    from tileproof.cli.console import run

    return run(command, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
