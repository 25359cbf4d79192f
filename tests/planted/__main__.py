"""The forty planted faults: each is put into a copy of the tree, where a test must find it.

    python -m tests.planted [--only ID ...] [--again] [--coverage FILE] [--seconds N] [--list]

One run of ``make test-unit``'s tests, with a context for each, says which of them run a fault's line.
Three kinds of tests are tried: the one that found the fault before, the files that the fault names, and
those that run its line. Of these, tests of few source files come first. The first failure ends it, or two
minutes; two hours end the run. A fault of the contract names modules of tests, or tests, to run.

A result lies under ``tests/planted/results`` with the digest of the files that its test covers. A fault
with an unchanged digest is not tried again. Exit status 1: no test found a fault.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.covered import Tree
from tests.planted.chosen import CHOSEN, HEARD, WORKER
from tests.planted.faults import Fault, faults

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).parent / "results"
KEPT = ROOT / ".long" / "planted"
SECONDS_EACH = 120.0
SECONDS_ALL = 7_200.0
UNIT = ("tests/unit", "tests/conformance", "tests/attacks")
SERVICES = "devnet or kubo or blender or sandbox or docker or slow or long"
HANGS_SECONDS = "60"
"""The time after which a test that hangs has failed."""
FOUND, SURVIVED, NO_TIME, NOT_TRIED = "found", "survived", "no time", "not tried"
CONTRACTS = ("contracts/src", "contracts/tests", "contracts/build.py", "contracts/kept.py")


@dataclass(frozen=True)
class Result:
    """The outcome of one fault."""

    fault: str
    digest: str
    outcome: str
    by: str
    """The test that fails; empty without one."""
    tried: int
    """Tests that ran the fault's line, or modules of the contract's tests."""
    seconds: float


@dataclass(frozen=True)
class How:
    """The options of a run: an earlier run's coverage database, and the seconds for each fault."""

    coverage: Path | None = None
    seconds: float = SECONDS_EACH


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.planted",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    listed = faults()
    parser.add_argument("--only", nargs="+", choices=[fault.id for fault in listed], metavar="ID", default=[])
    parser.add_argument("--again", action="store_true", help="try also what is known for this digest")
    parser.add_argument("--seconds", type=float, default=SECONDS_EACH, help="for each fault, at most")
    parser.add_argument("--coverage", type=Path, help="a database of an earlier run on these very files")
    parser.add_argument("--list", action="store_true", help="show what is known; try nothing")
    options = parser.parse_args(arguments)
    wanted = [fault for fault in listed if not options.only or fault.id in options.only]
    tree = Tree(ROOT)
    known = {fault.id: result for fault in wanted if (result := kept(fault)) is not None}
    due = [f for f in wanted if options.again or f.id not in known or not holds(f, known[f.id], tree)]
    if not options.list:
        known |= {
            result.fault: result
            for result in try_all(due, known, tree, How(options.coverage, options.seconds))
        }
    results = [known.get(fault.id) or Result(fault.id, "", NOT_TRIED, "", 0, 0.0) for fault in wanted]
    print(table(results))
    return 0 if options.list or all(result.outcome == FOUND for result in results) else 1


# --- what is known ---


def kept(fault: Fault) -> Result | None:
    path = RESULTS / f"{fault.id}.json"
    return Result(**json.loads(path.read_text("utf-8"))) if path.exists() else None


def keep(result: Result) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{result.fault}.json").write_text(json.dumps(asdict(result), indent=2) + "\n", "utf-8")


def holds(fault: Fault, result: Result, tree: Tree) -> bool:
    """Returns True if the fault was found, and neither it nor what its test covers has changed."""
    if result.outcome != FOUND:
        return False
    try:
        return result.digest == digest_of(fault, result.by, tree)
    except LookupError:  # the test is gone
        return False


def digest_of(fault: Fault, by: str, tree: Tree) -> str:
    """Returns the digest of the fault and of the files that the test which finds it covers."""
    if fault.is_cairo or not by:
        return tree.digest(tree.covered((), (), CONTRACTS if fault.is_cairo else ("src",)), *fault.words)
    return tree.digest({fault.file, *tree.covered((by,), (), ())}, *fault.words)


# --- trying ---


def try_all(due: Sequence[Fault], known: dict[str, Result], tree: Tree, how: How) -> Iterator[Result]:
    """Tries one fault after the other; keeps and yields each result at once."""
    ends = time.monotonic() + SECONDS_ALL
    with scratch_copy() as copy:
        runner = Runner(copy, how)
        for fault in due:
            before = known[fault.id].by if fault.id in known else ""
            if not fault.is_cairo and not before:
                runner.look_for_lines()
            began = time.monotonic()
            if began >= ends:
                yield Result(fault.id, "", NO_TIME, "", 0, 0.0)
                continue
            try:
                by, tried = runner.find(fault, before)
            except RuntimeError as error:
                print(f"{fault.id}: {error}", flush=True)
                yield Result(fault.id, "", NOT_TRIED, "", 0, 0.0)
                continue
            seconds = round(time.monotonic() - began, 1)
            outcome = FOUND if by else SURVIVED
            result = Result(fault.id, digest_of(fault, by, tree), outcome, by, tried, seconds)
            keep(result)
            print(f"{fault.id}: {outcome} in {seconds:.0f} s {by}", flush=True)
            yield result


@contextmanager
def scratch_copy() -> Iterator[Path]:
    """Yields a copy of the tree, as git sees it, in which Python finds the package."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    )
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        copy = Path(folder) / "tree"
        for name in listed.split("\0"):
            if name and (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        (copy / ".typing").mkdir()
        (copy / ".typing" / "tileproof").symlink_to(Path("..") / "src")
        yield copy


class Runner:
    """Tests in a copy of the tree, run until one finds a fault."""

    def __init__(self, copy: Path, how: How) -> None:
        self._copy, self._how = copy, how
        self._lines: Lines | None = None

    def find(self, fault: Fault, before: str) -> tuple[str, int]:
        """Returns the test that finds the fault, empty without one, and the number of tests to try."""
        ends = time.monotonic() + self._how.seconds
        if fault.is_cairo:
            return self._find_in_contract(fault, before, ends), len(fault.tests)
        if before and (by := self._failing(fault, [before], ends)):
            return by, 1
        if fault.tests and (by := self._failing(fault, fault.tests, ends)):
            return by, len(fault.tests)
        tests = self.look_for_lines().tests_of(fault, self._copy)
        return self._failing(fault, tests, ends) if tests else "", len(tests)

    def look_for_lines(self) -> Lines:
        """Returns the tests that run each line. They are asked once."""
        if self._lines is None:
            began = time.monotonic()
            self._lines = Lines.of(self._copy, self._how.coverage, self._python)
            print(f"coverage: {len(self._lines.seconds)} tests, {time.monotonic() - began:.0f} s", flush=True)
        return self._lines

    def _failing(self, fault: Fault, tests: Sequence[str], ends: float) -> str:
        """Returns the first of the tests that fails with the fault.

        Raises RuntimeError for a test that fails without it, too."""
        with planted(fault, self._copy):
            failed = self._first_failure(tests, ends)
        if failed and self._first_failure([failed], time.monotonic() + self._how.seconds):
            raise RuntimeError(f"{failed} fails without any fault")
        return failed

    def _first_failure(self, tests: Sequence[str], ends: float) -> str:
        heard = self._copy / ".heard"
        heard.unlink(missing_ok=True)
        environment = {HEARD: str(heard)}
        if all("::" in test for test in tests):
            chosen = self._copy / ".chosen"
            chosen.write_text("\n".join(tests), "utf-8")
            environment[CHOSEN] = str(chosen)
        files = dict.fromkeys(test.partition("::")[0] for test in tests)
        self._python(["-x", "-q", "--timeout", HANGS_SECONDS, *files], environment, ends - time.monotonic())
        return next((each["test"] for each in said(heard) if each["outcome"] == "failed"), "")

    def _python(self, arguments: Sequence[str], environment: dict[str, str], seconds: float) -> None:
        """Runs pytest in the copy for at most so many seconds."""
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "tests.planted.chosen"]
        command += ["--hypothesis-seed", "11", *arguments]
        run(command, self._copy, environment | {"PYTHONPATH": str(self._copy / ".typing")}, seconds)

    def _find_in_contract(self, fault: Fault, before: str, ends: float) -> str:
        """Returns the first test of the contract that fails, module by module."""
        words = [*filter(None, [before.rpartition("::")[2]]), *fault.tests]
        with planted(fault, self._copy):
            for name in words:
                command = [sys.executable, "contracts/build.py", "test", "--only", name]
                output, status = run(command, self._copy, {}, ends - time.monotonic())
                if failed := re.search(r"(\w+)::(\w+) - ", output.partition("failures:")[2]):
                    return f"{failed[1]}::{failed[2]}"
                if status != 0:
                    raise RuntimeError(
                        f"the tests of {name} did not run, or not to their end:\n{output[-2000:]}"
                    )
        return ""


@contextmanager
def planted(fault: Fault, root: Path) -> Iterator[None]:
    """Plants the fault, and takes it back afterwards."""
    path = root / fault.file
    sound = path.read_bytes()
    try:
        fault.put_into(root)
        os.utime(path, (time.time() + 10, time.time() + 10))
        yield
    finally:
        path.write_bytes(sound)


def run(command: Sequence[str], where: Path, environment: dict[str, str], seconds: float) -> tuple[str, int]:
    """Returns the output and the exit status of the command.

    After so many seconds it is ended with its children. Its status is negative then."""
    output = where / ".output"
    outer = {name: value for name, value in os.environ.items() if name != WORKER}  # of a run around this one
    with output.open("wb") as file:
        child = subprocess.Popen(
            command,
            cwd=where,
            env=outer | {"PYTHONDONTWRITEBYTECODE": "1"} | environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            child.wait(max(1.0, seconds))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, 15)
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, 9)
                child.wait()
    return output.read_text("utf-8", errors="replace"), child.returncode


def said(heard: Path) -> list[dict[str, str]]:
    lines = heard.read_text("utf-8").splitlines() if heard.exists() else []
    return [json.loads(line) for line in lines]


# --- which test runs which line ---

Python = Callable[[Sequence[str], dict[str, str], float], None]


@dataclass(frozen=True)
class Lines:
    """A coverage database with a context for each test, and the seconds of the tests that passed."""

    database: Path
    seconds: dict[str, float]

    @staticmethod
    def of(copy: Path, given: Path | None, python: Python) -> Lines:
        """Returns the database of an earlier run on the same files, else of a new run."""
        tree = Tree(copy)
        digest = tree.digest(path for path in tree.files if path.startswith(("src/", "tests/", "model/")))
        database = given or KEPT / f"coverage-{digest[:16]}"
        heard = database.with_name(f"{database.name}.tests")
        if not (database.exists() and heard.exists()):
            KEPT.mkdir(parents=True, exist_ok=True)
            for old in KEPT.glob("coverage-*"):
                old.unlink()
            arguments = ["-n", "2", "-q", "-m", f"not ({SERVICES})", *UNIT]
            arguments += ["--cov", str(copy / "src"), "--cov-context", "test", "--cov-report", ""]
            python(arguments, {"COVERAGE_FILE": str(database), HEARD: str(heard)}, SECONDS_ALL)
        passed = {each["test"]: float(each["seconds"]) for each in said(heard) if each["outcome"] == "passed"}
        return Lines(database, passed)

    def tests_of(self, fault: Fault, root: Path) -> list[str]:
        """Returns the tests that run the fault's line: first those of the fewest files, then the quickest."""
        from coverage import CoverageData

        data = CoverageData(basename=str(self.database))
        data.read()
        file = next((name for name in data.measured_files() if name.endswith(f"/tree/{fault.file}")), "")
        contexts = data.contexts_by_lineno(file) if file else {}
        lines, in_function = fault.lines(root)
        found = (contexts.get(line, ()) for line in lines) if in_function else contexts.values()
        tests = {context.rpartition("|")[0] for names in found for context in names}
        breadth = self._breadth()
        return sorted(tests & self.seconds.keys(), key=lambda test: (breadth[test], self.seconds[test], test))

    def _breadth(self) -> dict[str, int]:
        """Returns for each test the number of source files that it runs: a test of few is about these.

        The tables are those of coverage's documented schema."""
        with closing(sqlite3.connect(self.database)) as connection:
            rows = connection.execute(
                "SELECT context, COUNT(DISTINCT file_id) FROM line_bits "
                "JOIN context ON context.id = context_id GROUP BY context_id"
            ).fetchall()
        widest: dict[str, int] = {}
        for context, files in rows:
            test = context.rpartition("|")[0]
            widest[test] = max(files, widest.get(test, 0))
        return widest


def table(results: Sequence[Result]) -> str:
    rows = [f"{'fault':40} {'outcome':10} {'s':>5} {'tried':>5}  by"]
    rows += [f"{r.fault:40} {r.outcome:10} {r.seconds:5.0f} {r.tried:5}  {r.by}" for r in results]
    found = sum(result.outcome == FOUND for result in results)
    return "\n".join([*rows, f"{found} of {len(results)} found"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
