"""``tileproof verifier``: run a verifier, audit by hand, replay an audit, explain a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..domain.errors import InputError, MachineError
from .console import bars, if_interrupted, log_hops, note, show_document, show_json
from .options import AsJson, JobId, NoSandbox, Threads
from .wiring import Ports, run_verifier, settings_of

if TYPE_CHECKING:
    from ..audit.report import AuditReport
    from ..ports.content import ContentSource

UNEQUAL = 9
"""The exit status of a replay that came out otherwise than its report."""
Report = Annotated[
    str, typer.Argument(metavar="REPORT", help="A report's CID, the folder of one, or its report.json.")
]

app = typer.Typer(no_args_is_help=True)


@app.command()
def run(context: typer.Context, threads: Threads = None, no_sandbox: NoSandbox = False) -> None:
    """Wait to be drawn, audit, commit, reveal.

    SIGTERM or Ctrl-C ends it; started again it goes on from its journal.
    """
    settings = settings_of(context, {"threads": threads, "sandbox": False if no_sandbox else None})
    with if_interrupted("verdicts under way are in the journal: `tileproof verifier run` goes on with them"):
        log_hops()
        run_verifier(settings)


@app.command()
def audit(
    context: typer.Context,
    job: JobId,
    task: Annotated[int, typer.Argument(metavar="TASK", min=0, help="The task's number.")],
    attempt: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="[default: the newest submission]")
    ] = None,
    seed: Annotated[
        str | None, typer.Option(metavar="HEX", help="Your own seed in hex [default: the drawn one].")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Report's folder [default: ./audit-JOB-TASK].")
    ] = None,
    threads: Threads = None,
    no_sandbox: NoSandbox = False,
    as_json: Annotated[bool, typer.Option("--json", help="report.json on stdout.")] = False,
) -> None:
    """Audit one submission by hand.

    Does what a drawn verifier does and prints the scores; under appeal it judges what the appeal
    asks. Sends nothing, needs no account.
    """
    from ..audit.appealed import describe_appeal
    from ..audit.report import to_json
    from ..domain.sampling import FIELD_PRIME
    from ..verifier.audit import audit_submission
    from ..verifier.subject import subject_from_history
    from .show_audit import show_audit
    from .wiring import verifier_settings

    chosen: int | None = None
    if seed is not None:
        try:
            chosen = int(seed, 16)
        except ValueError:
            chosen = -1
        if not 0 <= chosen < FIELD_PRIME:
            raise InputError("seed.malformed", f"{seed!r} is not a felt in hex", remedy="such as 0x2a")
    settings = settings_of(context, {"threads": threads, "sandbox": False if no_sandbox else None})
    evidence = _empty_folder(out or Path(f"audit-{job}-{task}"))
    with Ports(settings, role="verifier") as ports, bars() as shown:
        subject = subject_from_history(ports.reader, job, task, attempt=attempt, seed=chosen)
        note(f"result  {subject.result}")
        note(f"seed    {subject.seed.seed:#x}")
        if subject.appeal is not None:
            for line in describe_appeal(subject.appeal):
                note(f"appeal  {line}")
        report = audit_submission(
            subject=subject,
            store=ports.store,
            renderer=ports.renderer,
            decoder=ports.decoder,
            clock=ports.clock,
            settings=verifier_settings(settings),
            home=settings.state / "audits",
            evidence=evidence,
            progress=lambda what, done, total: shown.update(what, done, max(total, 1), f"{done} of {total}"),
        )
    if as_json:
        show_document(to_json(report))
    else:
        show_audit(report, evidence)


@app.command()
def replay(
    context: typer.Context,
    report: Report,
    manifest: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A copy of the manifest, instead of IPFS.")
    ] = None,
    scene: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A copy of the scene's files, instead of IPFS.")
    ] = None,
    result: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="A copy of the result's files, instead of IPFS.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep this machine's own report there.")
    ] = None,
    threads: Threads = None,
    no_sandbox: NoSandbox = False,
    as_json: AsJson = False,
) -> None:
    """Do an audit again from its report, and compare.

    Derives the seed from the block's hash, draws the list of tiles, renders and finishes again, and
    holds every digest and score against the report. With all three copies it needs no network, and
    never an account. Ends with status 9 when anything differs, and with 4 when this machine cannot
    say, as one of another device class.
    """
    import tempfile

    from ..verifier.replay import Answer
    from ..verifier.replay import replay as play_again
    from .show_audit import replay_json, show_replay
    from .wiring import verifier_settings

    out = None if out is None else _empty_folder(out)
    settings = settings_of(context, {"threads": threads, "sandbox": False if no_sandbox else None})
    with (
        Ports(settings, role="verifier") as ports,
        tempfile.TemporaryDirectory(prefix="tileproof-replay-") as scratch,
        bars() as shown,
    ):
        read = _report(report, ports, settings.fetch_seconds)
        found = play_again(
            read,
            source=_copies(read, ports, settings.fetch_seconds, manifest, scene, result),
            renderer=ports.renderer,
            decoder=ports.decoder,
            clock=ports.clock,
            settings=verifier_settings(settings),
            home=settings.state / "audits",
            evidence=out or Path(scratch) / "again",
            progress=lambda what, done, total: shown.update(what, done, max(total, 1), f"{done} of {total}"),
        )
    if as_json:
        show_json(replay_json(found, read))
    else:
        show_replay(found, read)
    status = {Answer.EQUAL: 0, Answer.UNEQUAL: UNEQUAL, Answer.IMPOSSIBLE: MachineError.exit_status}
    raise typer.Exit(status[found.answer])


@app.command()
def explain(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar="JOB|REPORT", help="A job's number, or a report: CID, folder or file.")
    ],
    task: Annotated[int | None, typer.Argument(metavar="TASK", min=0, help="With a job: the task.")] = None,
    attempt: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="[default: the newest submission]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say in plain words why a verdict came out as it did.

    Which frame, where in it, what differs and what likely caused it, how sure that is, what it
    means for money, and what can be done next. Sends nothing, needs no account.
    """
    from ..audit.explain import explain as in_words
    from ..verifier.evidence import evidence_of, report_of
    from .show_audit import show_told, told_json

    settings = settings_of(context)
    evidence, whose = None, "the report given"
    with Ports(settings, role="verifier") as ports:
        if task is not None:
            if not what.isdecimal():
                raise InputError(
                    "explain.which", f"{what!r} is no job's number", remedy="give JOB TASK, or a report alone"
                )
            evidence = evidence_of(
                ports.reader, int(what), task, attempt, block_seconds=settings.block_seconds
            )
            report, whose = report_of(evidence, source=ports.store, timeout=settings.fetch_seconds)
        else:
            report = _report(what, ports, settings.fetch_seconds)
    told = None if report is None else in_words(report)
    if as_json:
        show_json(told_json(told, evidence, whose, report))
    else:
        show_told(told, evidence, whose, report)


def _report(name: str, ports: Ports, timeout: float) -> AuditReport:
    """Raises InputError ``report.which`` for what is neither there nor a CID."""
    from ..domain.cid import named_cid
    from ..verifier.evidence import fetch_report, read_report

    if Path(name).exists():
        return read_report(Path(name))
    try:
        cid = named_cid(name)
    except InputError as error:
        raise InputError(
            "report.which",
            f"{name[:200]!r} is neither a file, nor a folder, nor a CID",
            remedy="give a report's CID, its folder or its report.json; or JOB and TASK to explain one",
        ) from error
    return fetch_report(cid, source=ports.store, timeout=timeout)


def _copies(
    report: AuditReport,
    ports: Ports,
    timeout: float,
    manifest: Path | None,
    scene: Path | None,
    result: Path | None,
) -> ContentSource:
    """What is on this disk, and IPFS for the rest; no IPFS where nothing is left for it."""
    from ..adapters.folders import Folders
    from ..domain.manifest import MAX_BYTES, decode

    if manifest is None and scene is None and result is None:
        return ports.store
    beyond = None if manifest and scene and result else ports.store
    copies = {report.manifest: manifest, report.result: result}
    if scene is not None:
        first = Folders({cid: path for cid, path in copies.items() if path is not None}, beyond)
        block = first.read_block(report.manifest, max_bytes=MAX_BYTES, timeout=timeout)
        copies[decode(block).scene] = scene
    return Folders({cid: path for cid, path in copies.items() if path is not None}, beyond)


def _empty_folder(folder: Path) -> Path:
    """Returns the folder for a report, which is empty or not there yet. Raises as ``out_folder``."""
    from .outputs import out_folder

    folder = out_folder(folder)
    if folder.exists() and any(folder.iterdir()):
        raise InputError(
            "audit.folder_exists",
            f"{folder} is not empty",
            remedy="choose another with --out",
            path=folder,
        )
    return folder
