"""``tileproof verifier``: run a verifier, or audit one submission by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import bars, facts, if_interrupted, log_hops, note, say, show_json, table
from .options import JobId, NoSandbox, Threads
from .wiring import Ports, run_verifier, settings_of

if TYPE_CHECKING:
    from ..audit.report import AuditReport

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
    import json

    from ..audit.appealed import describe_appeal
    from ..audit.report import to_json
    from ..domain.errors import InputError
    from ..domain.sampling import FIELD_PRIME
    from ..verifier.audit import audit_submission
    from ..verifier.subject import subject_from_history
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
    evidence = out or Path(f"audit-{job}-{task}")
    if evidence.exists() and any(evidence.iterdir()):
        raise InputError(
            "audit.folder_exists",
            f"{evidence} is not empty",
            remedy="choose another with --out",
            path=evidence,
        )
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
        show_json(json.loads(to_json(report)))
    else:
        _show(report, evidence)


def _show(report: AuditReport, evidence: Path) -> None:
    judgement = report.judgement
    if report.tiles:
        rows = [
            [
                at,
                tile.sample.frame,
                tile.sample.tile,
                "equal" if tile.score.equal else "differs",
                "-" if tile.score.equal else f"{tile.score.psnr_db:.1f} dB",
                tile.score.hashes.phash,
                f"{tile.seconds:.2f} s",
            ]
            for at, tile in enumerate(report.tiles)
        ]
        table(
            ["no.", "frame", "tile", "pixels", "PSNR", "pHash distance", "rendered in"],
            rows,
            right=("no.", "frame"),
        )
        say()
    for finding in report.findings:
        say(f"note: {finding}")
    said = {"verdict": f"{judgement.verdict.value.lower()}: {judgement.reason}"}
    if report.appeal is not None:
        said["appeal"] = "; ".join(report.appealed)
    said["tiles"] = f"{report.equal_tiles} of {len(report.tiles)} equal to the last bit"
    said["report"] = str(evidence / "report.html")
    facts(said)
