"""The long tests, part by part: python -m tests.long [--part NAME] [--budget-minutes N] [--list]

Runs every part that has no passed result with its present digest, the shortest first, and keeps each
result under ``tests/long/results``: commit it. A part that is stopped goes on where it was. Exit status: 0
when no part failed, whether or not there was time for all; ``--list`` runs nothing.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.covered import Tree
from tests.long.parts import PARTS, Part
from tests.long.passed import BEFORE, NOW, WORKER
from tests.long.results import FAILED, PASSED, Kept, Result

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).parent / "results"
UNFINISHED = ROOT / ".long"
STOP_SECONDS = 90
"""The time in which services must end."""
NO_TESTS = 5
"""pytest's exit status."""
KEPT, TO_RUN, NO_TIME, STOPPED = "kept", "to run", "no time for it", "stopped"


@dataclass(frozen=True)
class Line:
    part: Part
    digest: str
    outcome: str
    minutes: float


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.long", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--part", action="append", choices=[part.name for part in PARTS], help="only this one"
    )
    parser.add_argument("--budget-minutes", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--list", action="store_true", help="show what is kept; run nothing")
    options = parser.parse_args(arguments)
    kept, tree = Kept(RESULTS, UNFINISHED), Tree(ROOT)
    chosen = [part for part in PARTS if options.part is None or part.name in options.part]
    digests = {part.name: digest_of(part, tree) for part in chosen}
    lines = [line_of(part, digests[part.name], kept) for part in chosen]
    if not options.list:
        lines = run_all(lines, kept, options.budget_minutes)
    print(table(lines))
    return 1 if any(line.outcome == FAILED for line in lines) else 0


def digest_of(part: Part, tree: Tree) -> str:
    return tree.digest(covered_by(part, tree), *part.words)


def covered_by(part: Part, tree: Tree) -> list[str]:
    """Returns the files whose change makes the part due again."""
    return tree.covered((*part.tests, *part.larger), (*part.command[:1], *part.modules), part.files)


def line_of(part: Part, digest: str, kept: Kept) -> Line:
    result = kept.result(part.name)
    if result is None or result.digest != digest:
        return Line(part, digest, TO_RUN, 0.0)
    return Line(part, digest, KEPT if result.outcome == PASSED else result.outcome, result.minutes)


def run_all(lines: Iterable[Line], kept: Kept, budget: float) -> list[Line]:
    """Runs the parts that are due, as far as the budget goes."""
    ends = time.monotonic() + budget * 60
    done: list[Line] = []
    for line in sorted(lines, key=lambda line: line.part.minutes):
        if kept.is_done(line.part.name, line.digest):
            done.append(line)
            continue
        left = (ends - time.monotonic()) / 60
        needed = line.part.minutes - kept.minutes_so_far(line.part.name, line.digest)
        if left < max(needed, min(line.part.minutes, 1.0)):
            done.append(Line(line.part, line.digest, NO_TIME, 0.0))
            continue
        print(f"--- {line.part.name}: about {line.part.minutes:g} minutes", flush=True)
        done.append(run_one(line.part, line.digest, kept, left))
    return done


def run_one(part: Part, digest: str, kept: Kept, left: float) -> Line:
    """Runs one part for at most ``left`` minutes, and keeps the result."""
    passed = kept.passed_file(part.name, digest)
    now = passed.with_suffix(".now")
    _merge(passed, now)
    outer = {name: value for name, value in os.environ.items() if name != WORKER}  # of a run around this one
    environment = outer | {
        "CI": "true",  # what is missing fails
        "PYTHONUNBUFFERED": "1",
        BEFORE: str(passed),
        NOW: str(now),
        **part.environment,
    }
    began = time.monotonic()
    status = 0
    for command in commands_of(part):
        rest = left * 60 - (time.monotonic() - began)
        ended = run(command, environment, rest)
        _merge(passed, now)
        if ended is None:
            minutes = kept.add_minutes(part.name, digest, (time.monotonic() - began) / 60)
            return Line(part, digest, STOPPED, minutes)
        nothing_left = ended == NO_TESTS and passed.read_text("utf-8") != ""
        status = status or (0 if nothing_left else ended)
    minutes = kept.add_minutes(part.name, digest, (time.monotonic() - began) / 60)
    outcome = PASSED if status == 0 else FAILED
    kept.write(Result(part.name, digest, commit(), outcome, round(minutes, 1)))
    return Line(part, digest, outcome, minutes)


def commands_of(part: Part) -> list[list[str]]:
    python = [sys.executable, "-m"]
    pytest = [*python, "pytest", "-p", "tests.long.passed", "-p", "no:cacheprovider", "-q"]
    pytest += ["-n", str(part.processes)] if part.processes > 1 else []
    wanted = [[*pytest, "-m", "long", *part.tests]] if part.tests else []
    wanted += [[*pytest, *part.larger]] if part.larger else []
    return wanted + ([[*python, *part.command]] if part.command else [])


def run(command: Sequence[str], environment: dict[str, str], seconds: float) -> int | None:
    """Returns the exit status, or None if the time was over before.

    A program that is stopped takes its services down first, as after Ctrl-C."""
    child = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        return child.wait(None if seconds == float("inf") else max(seconds, 0))
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGINT)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        return None


def _merge(passed: Path, now: Path) -> None:
    """Adds what an earlier run left in ``now``; the test processes of one run all read the same list."""
    before = passed.read_text("utf-8") if passed.exists() else ""
    passed.write_text(before + (now.read_text("utf-8") if now.exists() else ""), "utf-8")
    now.unlink(missing_ok=True)


def commit() -> str:
    """Returns the commit that is checked out, with a + if files differ from it."""
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD"], cwd=ROOT, check=False).returncode
    return f"{head}+" if changed else head


def table(lines: Sequence[Line]) -> str:
    rows = [f"{'part':18} {'about':>6} {'took':>6}  {'digest':16}  outcome"]
    for line in lines:
        took = f"{line.minutes:6.1f}" if line.minutes else f"{'':6}"
        rows.append(f"{line.part.name:18} {line.part.minutes:6g} {took}  {line.digest[:16]}  {line.outcome}")
    left = [line.part.name for line in lines if line.outcome not in (KEPT, PASSED)]
    rows.append(f"left: {', '.join(left)}" if left else "complete")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
