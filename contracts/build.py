"""Compiles the contract, or checks that the committed artifacts are what its source compiles to.

    python contracts/build.py build [--tools DIR]
    python contracts/build.py check [--tools DIR]

``--tools`` is a folder with ``bin/starknet-compile``, ``bin/starknet-sierra-compile`` and
``corelib`` of Cairo 2.16.0; by default the one in the user's cache, else what is on PATH.
Artifacts are written without debug information and without white space. ``registry.json`` says
which source and compiler made them and has both class hashes.

Exit status: 0 done or equal, 1 different, 2 no compiler or it failed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
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
    parser = argparse.ArgumentParser(description="Compile the contract, or check its artifacts.")
    parser.add_argument("command", choices=["build", "check"])
    parser.add_argument("--tools", type=Path, default=None)
    arguments = parser.parse_args()
    try:
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
    different = [
        name
        for name, content in made.items()
        if not (ARTIFACTS / name).exists() or (ARTIFACTS / name).read_bytes() != content
    ]
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
    artifacts = {SIERRA: _compact(sierra), CASM: _compact(casm)}
    facts = {
        "contract": CONTRACT,
        "cairo": CAIRO_VERSION,
        "source_sha256": source_digest(),
        **class_hashes(artifacts),
    }
    artifacts[FACTS] = json.dumps(facts, indent=2).encode() + b"\n"
    return artifacts


def source_digest() -> str:
    """SHA-256 over every source file's path, length and content, in the order of their paths."""
    digest = hashlib.sha256()
    for path in sorted((HERE / "src").rglob("*.cairo")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(HERE).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def class_hashes(artifacts: dict[str, bytes]) -> dict[str, str]:
    """The class hash, and the compiled class hash that a declare transaction names.

    Starknet 0.14.1 and later hash compiled classes with BLAKE2s; the Poseidon hash is what
    earlier versions and their tools show.
    """
    from starknet_py.common import create_casm_class, create_sierra_compiled_contract
    from starknet_py.hash.casm_class_hash import compute_casm_class_hash
    from starknet_py.hash.hash_method import HashMethod
    from starknet_py.hash.sierra_class_hash import compute_sierra_class_hash

    casm = create_casm_class(artifacts[CASM].decode())
    return {
        "class_hash": hex(
            compute_sierra_class_hash(create_sierra_compiled_contract(artifacts[SIERRA].decode()))
        ),
        "compiled_class_hash": hex(compute_casm_class_hash(casm, HashMethod.BLAKE2S)),
        "compiled_class_hash_poseidon": hex(compute_casm_class_hash(casm, HashMethod.POSEIDON)),
    }


def find_tools(tools: Path | None) -> Path:
    """The folder with both compilers, of the right version. Raises BuildError."""
    cache = Path(os.environ.get("TILEPROOF_CACHE") or _user_cache()) / "tools" / f"cairo-{CAIRO_VERSION}"
    on_path = shutil.which("starknet-compile")
    places = [tools / "bin"] if tools else [cache / "bin", *([Path(on_path).parent] if on_path else [])]
    for place in places:
        if all((place / name).exists() for name in ("starknet-compile", "starknet-sierra-compile")):
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
    lines = (HERE / "cairo_project.toml").read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("tileproof_tests"))


def _run(command: list[Path | str]) -> str:
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BuildError(f"{Path(command[0]).name} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


if __name__ == "__main__":
    sys.exit(main())
