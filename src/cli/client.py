"""``tileproof client``: submit, look, fetch, manage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import show, show_appeal, show_job
from .console import note, say, show_json
from .contest import appeal, preview
from .follow import INCOMPLETE, fetch_job, manifest_if_there, watch_job
from .options import AsJson, DryRun, JobId, Out
from .show_logs import show_logs
from .submit import retry, submit
from .wiring import Ports, packing_folder, settings_of

if TYPE_CHECKING:
    from ..client.status import JobStatus

app = typer.Typer(no_args_is_help=True)
app.command()(submit)
app.command()(retry)
app.command()(preview)
app.command()(appeal)


@app.command()
def status(context: typer.Context, job: JobId, as_json: AsJson = False) -> None:
    """Where each task of a job stands."""
    from ..client.status import read_status

    with Ports(settings_of(context)) as ports:
        found = read_status(job, ledger=ports.reader)
        manifest = manifest_if_there(ports, found)
        if as_json:
            show_json(show_job.status_json(found, manifest))
        else:
            show_job.show_status(found, manifest)
            _show_windows(ports, found)


@app.command()
def watch(context: typer.Context, job: JobId, as_json: AsJson = False) -> None:
    """Follow a job to its end.

    Ctrl-C stops watching, never the job.
    """
    with Ports(settings_of(context)) as ports:
        found = watch_job(ports, job)
        if as_json:
            show_json(show_job.status_json(found, manifest_if_there(ports, found)))
        else:
            say(f"job {job}  {show_job.counted(found)}")
            if not found.is_final:
                _show_windows(ports, found)


@app.command()
def logs(
    context: typer.Context,
    job: JobId,
    task: Annotated[int | None, typer.Option(min=0, metavar="TASK", help="Only this task.")] = None,
    of_all_roles: Annotated[
        bool, typer.Option("--all", help="What the roles on this machine logged of it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What happened to each task.

    Attempt by attempt, by the chain's events, with the CIDs of results and audit reports. With
    --all: by the log files that roles of this network keep on this machine; asks no service.
    """
    from ..client.history import read_history
    from ..client.status import read_status

    if of_all_roles:
        show_logs(settings_of(context).state, job, task, as_json=as_json)
        return
    with Ports(settings_of(context)) as ports:
        entries = read_history(job, ledger=ports.reader, task=task)
        if as_json:
            show_json(show_job.history_json(entries, ports.settings.explorer_url))
        else:
            show_job.show_history(entries)
            found = read_status(job, ledger=ports.reader)
            _show_windows(ports, found, only=task)


@app.command()
def fetch(
    context: typer.Context,
    job: JobId,
    out: Out = None,
    provisional: Annotated[
        bool, typer.Option("--provisional", help="Also what was accepted but may still be appealed.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that differ.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the accepted frames here.

    Checks every file, joins regions, makes a contact sheet; resumes where it stopped. Ends
    with status 8 when pictures are still missing, and says which and why.
    """
    from ..client.status import read_status
    from .outputs import out_folder

    settings = settings_of(context)
    out = out_folder(out or Path(f"job-{job}"))
    with Ports(settings) as ports:
        found = read_status(job, ledger=ports.reader)
        fetched = fetch_job(ports, found, out, provisional=provisional, overwrite=overwrite)
        if as_json:
            show_json(show_job.fetched_json(fetched))
        else:
            show_job.show_fetched(fetched)
        if not fetched.is_whole:
            raise typer.Exit(INCOMPLETE)


@app.command("list")
def list_jobs(context: typer.Context, as_json: AsJson = False) -> None:
    """The jobs of this account."""
    from ..client.status import list_jobs as jobs_of

    with Ports(settings_of(context)) as ports:
        lines = jobs_of(ports.address, ledger=ports.reader)
        if as_json:
            show_json(show_job.jobs_json(lines))
        else:
            show_job.show_jobs(lines)


@app.command()
def cancel(context: typer.Context, job: JobId, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Close a job and refund what is open.

    Claimed and submitted tasks run to their end.
    """
    from ..client.manage import cancel as send
    from ..client.manage import own_job, plan_cancel

    with Ports(settings_of(context)) as ports:
        plan = plan_cancel(own_job(job, ledger=ports.ledger))
        if not dry_run:
            plan = send(job, ledger=ports.ledger)
        if as_json:
            show_json(
                {
                    "job_id": job,
                    "closes": list(plan.closes),
                    "runs_on": list(plan.runs_on),
                    "refund_fri": str(plan.refund.units),
                    "sent": not dry_run,
                }
            )
            return
        verb = "would be closed" if dry_run else "closed"
        say(f"{show.many(len(plan.closes), 'task')} {verb}, {plan.refund} back in the withdrawable balance")
        if plan.runs_on:
            say(f"{show.many(len(plan.runs_on), 'task')} already claimed or submitted: they run to their end")
        if dry_run:
            say("dry run: nothing was sent")
        elif plan.refund.units:
            note("next: tileproof account withdraw")


@app.command()
def pause(context: typer.Context, job: JobId, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Stop new claims; work under way is untouched."""
    _pause_or_resume(context, job, "pause", dry_run, as_json)


@app.command()
def resume(context: typer.Context, job: JobId, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Let workers claim again."""
    _pause_or_resume(context, job, "resume", dry_run, as_json)


@app.command()
def inspect(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .blend file.")],
    as_json: AsJson = False,
) -> None:
    """What is in a scene, as Blender sees it.

    Cameras, layers, frames, engine, missing files, and what cannot be audited yet.
    """
    from ..client.plan import inspect_scene
    from ..domain.user_paths import expanded

    settings = settings_of(context)
    with Ports(settings) as ports, packing_folder(settings) as into:
        found = inspect_scene(expanded(file), inspector=ports.inspector, packer=ports.packer, into=into)
        if as_json:
            show_json(show.scene_json(found))
        else:
            show.show_scene(found)


@app.command()
def manifest(
    context: typer.Context,
    cid: Annotated[str, typer.Argument(metavar="CID", help="Of a job's manifest.")],
    as_json: AsJson = False,
) -> None:
    """What a manifest says, by its CID.

    Files, settings, tasks and audit policy, checked as any bytes of others.
    """
    from ..domain.cid import named_cid
    from ..domain.manifest import MAX_BYTES, decode

    settings = settings_of(context)
    name = named_cid(cid)
    with Ports(settings) as ports:
        block = ports.store.read_block(name, max_bytes=MAX_BYTES, timeout=settings.fetch_seconds)
        found = decode(block)
        if as_json:
            show_json(show.pictures_json(found))
        else:
            show.show_manifest(found)


def _show_windows(ports: Ports, found: JobStatus, only: int | None = None) -> None:
    block, seconds = ports.reader.head().block, ports.settings.block_seconds
    show_appeal.show_windows(found, block, only, block_seconds=seconds)


def _pause_or_resume(context: typer.Context, job: int, what: str, dry_run: bool, as_json: bool) -> None:
    from ..client.manage import own_job

    with Ports(settings_of(context)) as ports:
        found = own_job(job, ledger=ports.ledger)
        if not dry_run and found.job.paused != (what == "pause"):
            (ports.ledger.pause_job if what == "pause" else ports.ledger.resume_job)(job)
        if as_json:
            show_json({"job_id": job, "paused": what == "pause", "sent": not dry_run})
        else:
            say(f"job {job} {what}d" + (" (dry run: nothing was sent)" if dry_run else ""))
