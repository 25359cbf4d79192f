"""Compiles the contracts, checks that the committed artifacts are what their sources compile to, or
runs the registry's tests. Beside it there are the naive contract that
`benchmarks/gas.py` compares it with, and what tests on a chain need: a token that misbehaves on
demand and an account that obeys anybody.

    python contracts/build.py build [--tools DIR]
    python contracts/build.py check [--tools DIR] [--anew]
    python contracts/build.py test [--tools DIR] [--anew] [--only WORD]
    python contracts/build.py kept check|test

``--tools`` is a folder with ``bin/starknet-compile``, ``bin/starknet-sierra-compile``,
``bin/cairo-test`` and ``corelib`` of Cairo 2.16.0. By default the tools `cairo` and `cairo-test` of the
user's cache are used, else the programs on PATH. Artifacts are written without debug information and
without white space, and packed by gzip, which keeps each well under a megabyte. ``registry.json`` and
``naive.json`` say which source and compiler made them and have both class hashes. ``registry.abi.json`` is
the ABI as plain JSON.

``test`` runs what `cairo-test --starknet contracts` runs, module by module: calling a contract costs
the runner time in proportion to the size of the whole program, so that small programs are several
times as fast as a large one. ``--only`` runs the modules whose names have the word in
them or, where there are none, the tests whose names begin with it.

A check that has passed is kept under a digest of all that it reads (`contracts/kept.py`) and does not
run again until one of its files changes; ``--anew`` runs it all the same. The tests' result is recorded
in `contracts/tests/passed.json` too, which is committed. ``kept`` says whether a result is kept.

Exit status: 0 done, equal or passed; 1 different, failed or not kept; 2 no compiler or it failed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from kept import Check, KeptResults, digest_of, files_below

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CAIRO_VERSION = "2.16.0"


@dataclass(frozen=True)
class Program:
    """One contract: a folder with ``src`` and ``artifacts``, its path in Cairo, its artifacts' stem."""

    folder: Path
    contract: str
    stem: str

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    @property
    def sierra(self) -> str:
        return f"{self.stem}.contract_class.json"

    @property
    def casm(self) -> str:
        return f"{self.stem}.compiled_contract_class.json"

    @property
    def facts(self) -> str:
        return f"{self.stem}.json"

    @property
    def abi(self) -> str:
        return f"{self.stem}.abi.json"


REGISTRY = Program(HERE, "tileproof::registry::Registry", "registry")
NAIVE = Program(ROOT / "benchmarks" / "naive", "naive::farm::Farm", "naive")
PROPS = ROOT / "tests" / "services" / "props"
TOKEN = Program(PROPS, "props::token::FaultyToken", "token")
PUPPET = Program(PROPS, "props::puppet::Puppet", "puppet")
PROGRAMS = (REGISTRY, NAIVE, TOKEN, PUPPET)


def checks() -> dict[str, Check]:
    """Returns the checks whose results are kept, by the command that runs them."""
    own = (HERE / "build.py", HERE / "kept.py")
    projects = {program.folder / "cairo_project.toml" for program in PROGRAMS}
    sources = files_below(*(program.folder / "src" for program in PROGRAMS), pattern="*.cairo")
    artifacts = files_below(*(program.artifacts for program in PROGRAMS), pattern="*.json*")
    tested = files_below(HERE / "src", HERE / "tests", pattern="*.cairo")
    return {
        "check": Check("artifacts", tuple({*own, *projects, *sources, *artifacts}), CAIRO_VERSION),
        "test": Check(
            "contract-tests",
            (*own, HERE / "cairo_project.toml", *tested),
            CAIRO_VERSION,
            record=HERE / "tests" / "passed.json",
        ),
    }


class BuildError(Exception):
    """No compiler, the wrong one, or source that does not compile."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Compile the contracts, check their artifacts, or test.")
    parser.add_argument("command", choices=["build", "check", "test", "kept"])
    parser.add_argument("which", nargs="?", choices=["check", "test"])
    parser.add_argument("--tools", type=Path, default=None)
    parser.add_argument("--only", default="")
    parser.add_argument("--anew", action="store_true")
    arguments = parser.parse_args()
    asked = arguments.which if arguments.command == "kept" else arguments.command
    kept = KeptResults(ROOT, _cache())
    check_of = checks().get(asked)
    if check_of is not None and not arguments.only and not arguments.anew:
        place = kept.has(check_of)
        if place is not None:
            print(f"{check_of.name}: unchanged since they passed; the result is {place}")
            return 0
    if arguments.command == "kept":
        return 1
    before = check_of.digest(ROOT) if check_of is not None else ""
    try:
        status, summary = run(arguments)
    except BuildError as error:
        print(f"contracts/build.py: {error}", file=sys.stderr)
        return 2
    if status == 0 and check_of is not None and not arguments.only:
        record = kept.keep(check_of, summary, before)
        if record is not None:
            print(f"commit {_shown(record)}: it says that this contract's tests have passed")
    return status


def run(arguments: argparse.Namespace) -> tuple[int, str]:
    """Returns the exit status of a build, a check or the tests, and a line about it. Raises BuildError."""
    if arguments.command == "test":
        return test(find_tools(arguments.tools, "cairo-test", "cairo-test"), arguments.only)
    bin_dir = find_tools(arguments.tools, "cairo", "starknet-compile", "starknet-sierra-compile")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = dict(
            zip(PROGRAMS, pool.map(lambda each: compile_contract(each, bin_dir), PROGRAMS), strict=True)
        )
    files = {program.artifacts / name: content for program in made for name, content in made[program].items()}
    status = write(files) if arguments.command == "build" else check(files)
    return status, f"{len(files)} artifacts"


def write(files: dict[Path, bytes]) -> int:
    for path, content in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        print(f"wrote {_shown(path)}, {len(content):,} bytes")
    return 0


def check(files: dict[Path, bytes]) -> int:
    """Says which committed artifacts differ from fresh ones."""
    different = [path for path, content in files.items() if not _holds(path, content)]
    for path in different:
        print(
            f"{_shown(path)} is not what {_shown(path.parents[1])}/src compiles to: "
            "run `python contracts/build.py build` and commit the result",
            file=sys.stderr,
        )
    if not different:
        print(f"{len(files)} artifacts equal their source")
    return 1 if different else 0


def compile_contract(program: Program, bin_dir: Path) -> dict[str, bytes]:
    """File name to content of every artifact. Raises BuildError."""
    with tempfile.TemporaryDirectory() as folder:
        sierra_path = Path(folder) / program.sierra
        casm_path = Path(folder) / program.casm
        # Only the contract's own crate is copied: tests must not be able to change a class.
        project = Path(folder) / "contracts"
        shutil.copytree(program.folder / "src", project / "src")
        (project / "cairo_project.toml").write_text(_project_without_tests(program))
        _run([bin_dir / "starknet-compile", "--contract-path", program.contract, project, sierra_path])
        sierra = json.loads(sierra_path.read_bytes())
        sierra.pop("sierra_program_debug_info", None)
        sierra_path.write_bytes(_compact(sierra))
        _run([bin_dir / "starknet-sierra-compile", sierra_path, casm_path])
        casm = json.loads(casm_path.read_bytes())
    sierra_text, casm_text = _compact(sierra), _compact(casm)
    facts = {
        "contract": program.contract,
        "cairo": CAIRO_VERSION,
        "source_sha256": source_digest(program),
        **class_hashes(sierra_text, casm_text),
    }
    return {
        f"{program.sierra}.gz": _packed(sierra_text),
        f"{program.casm}.gz": _packed(casm_text),
        program.facts: json.dumps(facts, indent=2).encode() + b"\n",
        **({program.abi: abi_of(sierra)} if program is REGISTRY else {}),
    }


def abi_of(sierra: dict[str, object]) -> bytes:
    """Returns the class's ABI as plain JSON, for programs that call the contract without Tileproof."""
    return json.dumps(sierra["abi"], indent=1).encode() + b"\n"


def source_digest(program: Program) -> str:
    """Returns the SHA-256 over every source file's path, length and content, in the order of their paths."""
    return digest_of(files_below(program.folder / "src", pattern="*.cairo"), program.folder)


def class_hashes(sierra: bytes, casm: bytes) -> dict[str, str]:
    """The class hash, and the compiled class hash that a declare transaction names.

    Starknet 0.14.1 and later hash compiled classes with BLAKE2s; the Poseidon hash is what
    earlier versions and their tools show.
    """
    from starknet_py.common import create_casm_class, create_sierra_compiled_contract
    from starknet_py.hash.casm_class_hash import compute_casm_class_hash
    from starknet_py.hash.hash_method import HashMethod
    from starknet_py.hash.sierra_class_hash import compute_sierra_class_hash

    compiled = create_casm_class(casm.decode())
    return {
        "class_hash": hex(compute_sierra_class_hash(create_sierra_compiled_contract(sierra.decode()))),
        "compiled_class_hash": hex(compute_casm_class_hash(compiled, HashMethod.BLAKE2S)),
        "compiled_class_hash_poseidon": hex(compute_casm_class_hash(compiled, HashMethod.POSEIDON)),
    }


# --- tests ---


def test(bin_dir: Path, only: str) -> tuple[int, str]:
    """Runs the test modules side by side and says of each how it went.

    Returns the exit status and how many tests passed. Raises BuildError.
    """
    everything = test_programs()
    named = [modules for modules in everything if any(only in name for name in modules)]
    word = "" if named else only
    programs = named or [m for m in everything if any(f"fn {only}" in _test_text(name) for name in m)]
    if not programs:
        raise BuildError(f"no test module's name has {only!r} in it, and no test's name begins with it")
    with tempfile.TemporaryDirectory() as folder:

        def run_modules(modules: list[str]) -> tuple[bool, int, str]:
            started = time.monotonic()
            project = _test_project(Path(folder) / modules[0], modules)
            command = [bin_dir / "cairo-test", "--starknet", project, "--filter", word]
            result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
            said = re.search(r"test result: .*", result.stdout + result.stderr)
            summary = said.group() if said else "did not run"
            failed = result.returncode != 0 or not said
            line = f"{' '.join(modules)}: {summary} {time.monotonic() - started:.0f} s"
            count = re.search(r"(\d+) passed", summary)
            passed = int(count[1]) if count else 0
            return not failed, passed, f"{line}\n{result.stdout}{result.stderr}" if failed else line

        all_well, total = True, 0
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for well, passed, line in pool.map(run_modules, programs):
                print(line, flush=True)
                all_well, total = all_well and well, total + passed
    return (0 if all_well else 1), f"{total} passed"


def test_programs() -> list[list[str]]:
    """Test modules by program: one for all that call no contract, one for each that does, the
    longest first. Raises BuildError for a file that ``lib.cairo`` forgets."""
    tests = HERE / "tests"
    named = set(re.findall(r"^mod (\w+);", (tests / "lib.cairo").read_text(), re.MULTILINE))
    there = {path.stem for path in tests.glob("*.cairo")} - {"lib"}
    if named != there:
        raise BuildError(f"contracts/tests/lib.cairo and the files beside it differ: {named ^ there}")
    sizes = {name: len(_test_text(name)) for name in there if name.startswith("test_")}
    calling = [name for name in sizes if "crate::world" in _test_text(name)]
    pure = sorted(set(sizes) - set(calling))
    return [*([name] for name in sorted(calling, key=lambda name: -sizes[name])), pure]


def _test_text(module: str) -> str:
    return (HERE / "tests" / f"{module}.cairo").read_text()


def _test_project(folder: Path, modules: list[str]) -> Path:
    shutil.copytree(HERE / "src", folder / "src")
    shutil.copytree(HERE / "tests", folder / "tests")
    lib = "".join(f"#[cfg(test)]\nmod {name};\n" for name in [*modules, "cases", "token", "world"])
    (folder / "tests" / "lib.cairo").write_text(lib)
    shutil.copy(HERE / "cairo_project.toml", folder)
    return folder


# --- tools ---


def find_tools(tools: Path | None, tool: str, *programs: str) -> Path:
    """Returns the folder with these programs: in ``tools``, in the user's cache, or on PATH.

    Raises BuildError unless all are there in the right version.
    """
    on_path = shutil.which(programs[0])
    cached = _cache() / "tools" / f"{tool}-{CAIRO_VERSION}" / "bin"
    places = [tools / "bin"] if tools else [cached, *([Path(on_path).parent] if on_path else [])]
    for place in places:
        if all((place / name).exists() for name in programs):
            version = _run([place / programs[0], "--version"]).split()[-1]
            if version != CAIRO_VERSION:
                raise BuildError(f"{place} has Cairo {version}; the artifacts are made by {CAIRO_VERSION}")
            return place
    raise BuildError(
        f"no {programs[0]} {CAIRO_VERSION} in {', '.join(map(str, places))}: "
        f"`python -m tileproof.provision {tool}` installs it"
    )


def _cache() -> Path:
    from platformdirs import user_cache_dir

    return Path(os.environ.get("TILEPROOF_CACHE") or user_cache_dir("tileproof"))


def _project_without_tests(program: Program) -> str:
    """``cairo_project.toml`` without the tests' root and the tables that concern them."""
    kept, wanted = [], True
    for line in (program.folder / "cairo_project.toml").read_text().splitlines(keepends=True):
        if line.startswith("["):
            wanted = "tileproof_tests" not in line
        if wanted and not line.startswith("tileproof_tests"):
            kept.append(line)
    return "".join(kept)


def _run(command: list[Path | str]) -> str:
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BuildError(f"{Path(command[0]).name} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _packed(content: bytes) -> bytes:
    """gzip without a time or a name in it."""
    return gzip.compress(content, compresslevel=9, mtime=0)


def _shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _holds(path: Path, content: bytes) -> bool:
    """Whether the committed artifact says the same; another zlib may pack the same otherwise."""
    if not path.exists():
        return False
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes()) == gzip.decompress(content)
    return path.read_bytes() == content


if __name__ == "__main__":
    sys.exit(main())
