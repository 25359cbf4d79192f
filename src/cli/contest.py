"""``client preview`` and ``client appeal``: what a requester does while a verdict is provisional."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import show_appeal
from .console import bars, if_interrupted, note, say, show_json
from .options import AsJson, DryRun, JobId
from .show import transaction_url
from .wiring import Ports, settings_of

Task = Annotated[int, typer.Argument(metavar="TASK", min=0, help="The task's number.")]


def preview(
    context: typer.Context,
    job: JobId,
    task: Annotated[
        int | None, typer.Argument(metavar="TASK", min=0, help="Only this task.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The contact sheet [default: ./job-JOB-preview.png].")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """See results before they are final.

    Brings what is provisionally accepted, says which pictures are blank, repeated, broken, unlike
    their neighbours or, by a verifier's report, unlike its small renders of them, marks them on a
    contact sheet, and shows how to contest them.
    """
    from ..client.preview import preview as look_at
    from ..client.reports import evidence_named, first_report
    from ..client.status import read_manifest, read_status
    from .outputs import out_file

    settings = settings_of(context)
    out = out_file(out or Path(f"job-{job}-preview.png"))
    with Ports(settings) as ports:
        found = read_status(job, ledger=ports.reader)
        manifest = read_manifest(found.job, store=ports.store, timeout=settings.fetch_seconds)
        with (
            if_interrupted(f"`tileproof client preview {job}` goes on: what is here is kept"),
            bars() as shown,
        ):

            def progress(number: int, done: int, total: int) -> None:
                shown.update("looking", done, total, f"{done} of {total} results")

            named = evidence_named(found, ledger=ports.reader)
            seen = look_at(
                found,
                manifest,
                None if task is None else (task,),
                out,
                store=ports.store,
                decoder=ports.decoder,
                cache=settings.state / "fetching" / f"job-{job}",
                timeout=settings.fetch_seconds,
                reports=lambda number: first_report(found, number, named.get(number, ()), source=ports.store),
                progress=progress,
            )
        if as_json:
            show_json(show_appeal.preview_json(seen, found))
        else:
            show_appeal.show_preview(
                seen, found, ports.reader.head().block, block_seconds=settings.block_seconds
            )


def appeal(
    context: typer.Context,
    job: JobId,
    task: Task,
    tile: Annotated[
        str | None,
        typer.Option(metavar="FRAME:X,Y", help="A pixel that is wrong, from the frame's top left corner."),
    ] = None,
    index: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="A tile of the audited list, as reports number it.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Contest an accepted task.

    Puts the one tile that holds a wrong pixel before a larger committee, under a bond. A picture
    viewer shows where a pixel is: 12:640,360 is frame 12, 640 from the left, 360 from the top of
    the whole frame. Won, the bond comes back and the task is rendered again; lost, the bond is
    gone.
    """
    from ..client.appeal import parse_pixel, plan_appeal, raise_appeal
    from ..client.manage import own_job
    from ..client.status import read_manifest
    from ..domain.errors import InputError

    if (tile is None) == (index is None):
        raise InputError(
            "appeal.what",
            "say which tile is wrong: --tile FRAME:X,Y or --index N",
            remedy="such as `tileproof client appeal 7 3 --tile 12:640,360`",
        )
    where = parse_pixel(tile) if tile is not None else index
    assert where is not None
    settings = settings_of(context)
    with Ports(settings) as ports:
        found = own_job(job, ledger=ports.ledger)
        manifest = read_manifest(found.job, store=ports.store, timeout=settings.fetch_seconds)
        plan = plan_appeal(found, task, where, manifest, ledger=ports.ledger)
        if not as_json:
            show_appeal.show_plan(plan, block_seconds=ports.settings.block_seconds)
        tx_hash = url = None
        if not dry_run:
            with if_interrupted("run the same command again: one verdict takes one appeal and no more"):
                sent = raise_appeal(plan, ledger=ports.ledger).tx_hash
                tx_hash, url = hex(sent), transaction_url(settings.explorer_url, sent)
        if as_json:
            show_json({**show_appeal.plan_json(plan), "sent": not dry_run, "tx_hash": tx_hash, "url": url})
        elif dry_run:
            say("dry run: nothing was sent, nothing was spent")
        else:
            say(f"appeal raised against task {task} of job {job}")
            note(f"next: tileproof client watch {job}, then tileproof client logs {job} --task {task}")
