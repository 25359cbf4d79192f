"""Options that several commands share: one name, one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import completion

JobId = Annotated[
    int, typer.Argument(metavar="JOB", min=1, help="The job's number.", autocompletion=completion.jobs)
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would happen; send nothing.")]
Out = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Folder for the frames [default: ./job-JOB].")
]
Reward = Annotated[str, typer.Option(metavar="STRK", help="Paid per task.")]
RewardOrAsk = Annotated[
    str | None,
    typer.Option(
        "--reward", metavar="STRK", help="Paid per task [default: terms.reward of config.toml, or asked]."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Submit without being asked.")]
Fee = Annotated[
    str | None,
    typer.Option(
        "--audit-fee", metavar="STRK", help="Paid per task and seat [default: an eighth of the reward]."
    ),
]
Committee = Annotated[int | None, typer.Option(metavar="N", help="Verifiers per audit; odd.")]
Rate = Annotated[
    float | None, typer.Option("--audit-rate", metavar="SHARE", help="Share of tasks audited, up to 1.")
]
Bond = Annotated[
    str | None, typer.Option(metavar="STRK", help="Worker's bond per task [default: the least safe].")
]
Lease = Annotated[int | None, typer.Option(metavar="SECONDS", help="Time a worker has for a task.")]
Deadline = Annotated[float | None, typer.Option(metavar="HOURS", help="After this nobody can claim.")]
NoSandbox = Annotated[
    bool,
    typer.Option("--no-sandbox", help="Open strangers' scenes without isolation. Logged and reported."),
]
Threads = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Blender's threads [default: all processors].")
]
