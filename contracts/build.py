"""Compiles the contract, checks that the committed artifacts are what its source compiles to, or
runs its tests.

    python contracts/build.py build [--tools DIR]
    python contracts/build.py check [--tools DIR]
    python contracts/build.py test [--tools DIR] [--only WORD]

``--tools`` is a folder with ``bin/starknet-compile``, ``bin/starknet-sierra-compile``,
``bin/cairo-test`` and ``corelib`` of Cairo 2.16.0; by default the one in the user's cache, else what
is on PATH. Artifacts are written without debug information and without white space, and packed by
gzip, which keeps each well under a megabyte. ``registry.json`` says which source and compiler
made them and has both class hashes.

``test`` runs what `cairo-test --starknet contracts` runs, module by module: calling a contract costs
the runner time in proportion to the size of the whole program, so that small programs are several
times as fast as a large one. ``--only`` runs the modules whose names have the word in
them or, where there are none, the tests whose names begin with it.

Exit status: 0 done, equal or passed; 1 different or failed; 2 no compiler or it failed.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ARTIFACTS = HERE / "artifacts"
CAIRO_VERSION = "2.16.0"
CONTRACT = "tileproof::registry::Registry"
SIERRA = "registry.contract_class.json"
CASM = "registry.compiled_contract_class.json"
FACTS = "registry.json"


class BuildError(Exception):
    """No compiler, the wrong one, or source that does not compile."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Compile the contract, check its artifacts, or test it.")
    parser.add_argument("command", choices=["build", "check", "test"])
    parser.add_argument("--tools", type=Path, default=None)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    try:
        if arguments.command == "test":
            return test(find_tools(arguments.tools, "cairo-test"), arguments.only)
        made = compile_contract(find_tools(arguments.tools))
    except BuildError as error:
        print(f"contracts/build.py: {error}", file=sys.stderr)
        return 2
    if arguments.command == "build":
        ARTIFACTS.mkdir(exist_ok=True)
        for name, content in made.items():
            (ARTIFACTS / name).write_bytes(content)
            print(f"wrote contracts/artifacts/{name}, {len(content):,} bytes")
        return 0
    return check(made)


def check(made: dict[str, bytes]) -> int:
    """Says which committed artifacts differ from fresh ones."""
    different = [name for name, content in made.items() if not _holds(name, content)]
    for name in different:
        print(
            f"contracts/artifacts/{name} is not what contracts/src compiles to: "
            "run `python contracts/build.py build` and commit the result",
            file=sys.stderr,
        )
    if not different:
        print(f"{len(made)} artifacts equal their source")
    return 1 if different else 0


def compile_contract(bin_dir: Path) -> dict[str, bytes]:
    """File name to content of every artifact. Raises BuildError."""
    with tempfile.TemporaryDirectory() as folder:
        sierra_path = Path(folder) / SIERRA
        casm_path = Path(folder) / CASM
        # Only the contract's own crate is copied: tests must not be able to change a class.
        project = Path(folder) / "contracts"
        shutil.copytree(HERE / "src", project / "src")
        (project / "cairo_project.toml").write_text(_project_without_tests())
        _run([bin_dir / "starknet-compile", "--contract-path", CONTRACT, project, sierra_path])
        sierra = json.loads(sierra_path.read_bytes())
        sierra.pop("sierra_program_debug_info", None)
        sierra_path.write_bytes(_compact(sierra))
        _run([bin_dir / "starknet-sierra-compile", sierra_path, casm_path])
        casm = json.loads(casm_path.read_bytes())
    sierra_text, casm_text = _compact(sierra), _compact(casm)
    facts = {
        "contract": CONTRACT,
        "cairo": CAIRO_VERSION,
        "source_sha256": source_digest(),
        **class_hashes(sierra_text, casm_text),
    }
    return {
        f"{SIERRA}.gz": _packed(sierra_text),
        f"{CASM}.gz": _packed(casm_text),
        FACTS: json.dumps(facts, indent=2).encode() + b"\n",
    }


def source_digest() -> str:
    """SHA-256 over every source file's path, length and content, in the order of their paths."""
    digest = hashlib.sha256()
    for path in sorted((HERE / "src").rglob("*.cairo")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(HERE).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


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


def test(bin_dir: Path, only: str) -> int:
    """Runs the test modules side by side and says of each how it went."""
    everything = test_programs()
    named = [modules for modules in everything if any(only in name for name in modules)]
    word = "" if named else only
    programs = named or [m for m in everything if any(f"fn {only}" in _test_text(name) for name in m)]
    if not programs:
        raise BuildError(f"no test module's name has {only!r} in it, and no test's name begins with it")
    with tempfile.TemporaryDirectory() as folder:

        def run(modules: list[str]) -> tuple[bool, str]:
            started = time.monotonic()
            project = _test_project(Path(folder) / modules[0], modules)
            command = [bin_dir / "cairo-test", "--starknet", project, "--filter", word]
            result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
            said = re.search(r"test result: .*", result.stdout + result.stderr)
            summary = said.group() if said else "did not run"
            failed = result.returncode != 0 or not said
            told = f"{' '.join(modules)}: {summary} {time.monotonic() - started:.0f} s"
            return not failed, f"{told}\n{result.stdout}{result.stderr}" if failed else told

        passed = True
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for well, told in pool.map(run, programs):
                print(told, flush=True)
                passed = passed and well
    return 0 if passed else 1


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
    lib = "".join(f"#[cfg(test)]\nmod {name};\n" for name in [*modules, "token", "world"])
    (folder / "tests" / "lib.cairo").write_text(lib)
    shutil.copy(HERE / "cairo_project.toml", folder)
    return folder


# --- tools ---


def find_tools(tools: Path | None, *also: str) -> Path:
    """The folder with both compilers, of the right version, and the programs named ``also``.

    Raises BuildError.
    """
    cache = Path(os.environ.get("TILEPROOF_CACHE") or _user_cache()) / "tools" / f"cairo-{CAIRO_VERSION}"
    on_path = shutil.which("starknet-compile")
    places = [tools / "bin"] if tools else [cache / "bin", *([Path(on_path).parent] if on_path else [])]
    for place in places:
        if all((place / name).exists() for name in ("starknet-compile", "starknet-sierra-compile", *also)):
            version = _run([place / "starknet-compile", "--version"]).split()[-1]
            if version != CAIRO_VERSION:
                raise BuildError(f"{place} has Cairo {version}; the artifacts are made by {CAIRO_VERSION}")
            return place
    raise BuildError(
        f"no Cairo {CAIRO_VERSION} compiler in {', '.join(map(str, places))}: "
        "`make contract-tools` installs it"
    )


def _user_cache() -> str:
    from platformdirs import user_cache_dir

    return user_cache_dir("tileproof")


def _project_without_tests() -> str:
    """``cairo_project.toml`` without the tests' root and the tables that concern them."""
    kept, wanted = [], True
    for line in (HERE / "cairo_project.toml").read_text().splitlines(keepends=True):
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


def _holds(name: str, content: bytes) -> bool:
    """Whether the committed artifact says the same; another zlib may pack the same otherwise."""
    path = ARTIFACTS / name
    if not path.exists():
        return False
    if name.endswith(".gz"):
        return gzip.decompress(path.read_bytes()) == gzip.decompress(content)
    return path.read_bytes() == content


if __name__ == "__main__":
    sys.exit(main())
