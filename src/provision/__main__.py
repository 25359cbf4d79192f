"""``python -m tileproof.provision``: the programs beside Python packages, found, downloaded or built.

With no name: what running a network and its tests takes. Exit status: 0 all there, 4 this machine
cannot have one (what is missing is said), 2 or 3 a wrong argument or setting.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ..config import load
from ..domain.errors import TileproofError
from .install import How, clear_shared, provide
from .locate import locate
from .progress import Progress
from .table import BPY, DEVNET, KUBO, TOOLS, Tool

_USUAL = (DEVNET, KUBO, BPY)
_INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    by_name = {tool.name: tool for tool in TOOLS}
    parser = argparse.ArgumentParser(
        prog="python -m tileproof.provision",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    known = "\n".join(f"{t.name}: {t.version}, {t.what_for}" for t in TOOLS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=known)
    parser.add_argument("--build", action="store_true", help="build from source, download no release")
    parser.add_argument(
        "--where", action="store_true", help="print where one tool's program is, and do nothing"
    )
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in by_name:
            parser.error(f"there is no tool {name}; there are {', '.join(by_name)}")
    if options.where and len(options.names) != 1:
        parser.error("--where takes one name")
    tools = [by_name[name] for name in options.names] or list(_USUAL)
    err = Console(stderr=True)
    try:
        cache = load().cache
        if options.where:
            print(locate(tools[0], cache))
        else:
            provide_all(tools, cache, err, may_download=not options.build)
    except TileproofError as error:
        err.print(Text(f"provision: {error.message}", style="red"), soft_wrap=True)
        if error.remedy:
            err.print(Text(f"  {error.remedy}"), soft_wrap=True)
        err.print(Text(f"  [{error.code}]"))
        return error.exit_status
    except KeyboardInterrupt:
        err.print("provision: interrupted; the next run goes on where this one stopped")
        return _INTERRUPTED
    return 0


def provide_all(tools: Sequence[Tool], cache: Path, console: Console, *, may_download: bool) -> None:
    """Every tool, in this order: a build uses all cores, so two at once would gain nothing."""
    progress = Progress(console)
    for tool in tools:
        got = provide(tool, cache, progress, may_download=may_download)
        if got.how is not How.FOUND:
            console.print(Text(f"{tool.title}: {got.how}, {got.program}"), soft_wrap=True)
    clear_shared(cache)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
