"""``tileproof worker``: run a worker."""

from __future__ import annotations

from typing import Annotated

import typer

from .console import if_interrupted, log_hops
from .options import NoSandbox, Threads
from .wiring import run_worker, settings_of

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Render for others, under a bond."""


@app.command()
def run(
    context: typer.Context,
    threads: Threads = None,
    min_reward: Annotated[
        str | None, typer.Option(metavar="STRK", help="Ignore tasks that pay less.")
    ] = None,
    max_claims: Annotated[int | None, typer.Option(min=1, metavar="N", help="Tasks held at once.")] = None,
    no_sandbox: NoSandbox = False,
) -> None:
    """Find work, claim, render, submit, serve.

    SIGTERM or Ctrl-C finishes or gives back; started again it goes on from its journal.
    """
    settings = settings_of(
        context,
        {
            "threads": threads,
            "sandbox": False if no_sandbox else None,
            "worker.min_reward": min_reward,
            "worker.max_claims": max_claims,
        },
    )
    with if_interrupted("what is claimed is in the journal: `tileproof worker run` goes on with it"):
        log_hops()
        run_worker(settings)
