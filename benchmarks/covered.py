"""The files of this repository that a program imports, runs or reads, found without running it.

A module's imports are followed wherever they stand, inside functions too. A string is followed when it is
a module's dotted name (``"-m", "tests.e2e.mortal_role"``) or ends a path (``Path(__file__).parent /
"inside" / "serve.py"``). pytest adds the ``conftest.py`` files above a test, and of their plugins those
that have a fixture which the program names. The answer is rather too large than too small.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

ROOTS = {"tileproof": "src", "tileproof.contract_artifacts": "contracts/artifacts"}
"""Packages that lie in a folder of another name (``package-dir`` in pyproject.toml)."""
PROGRAMS = ("benchmarks", "contracts", "demo", "gallery", "model", "scenes", "tests")
"""Top folders that are packages of their own name."""
BARE = "src/adapters"
"""The folder in which programs import their neighbours by bare names."""
MADE = ("__pycache__", "build", "dist", "out", "target")
"""Folders of generated files, which git ignores, as it ignores folders whose names begin with a dot."""
JOINS = ("joinpath", "with_name")


ROOT = Path(__file__).resolve().parents[1]


def kept_folder(module: str, *words: str) -> Path:
    """Returns the folder in which a long program keeps its finished pieces, so that it can go on.

    Another content of the files that the module covers, or other words, lead to another folder."""
    tree = Tree(ROOT)
    digest = tree.digest(tree.covered((), (module,), ("gallery", "scenes")), *words)
    return ROOT / ".long" / f"{module.rpartition('.')[2]}-{digest[:16]}"


class Tree:
    """The files under ``root``, with the files that each Python file leads to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._led: dict[str, frozenset[str]] = {}
        self._parsed: dict[str, ast.Module] = {}

    def covered(self, tests: Iterable[str], modules: Iterable[str], files: Iterable[str]) -> list[str]:
        """Returns the paths, sorted, that these test files, modules and further files or folders need.

        Raises LookupError for one that is not there."""
        tests = [node.partition("::")[0] for node in tests]
        found = self._closure(
            [file for name in (*tests, *files) for file in self._under(name)]
            + [file for name in modules for file in self._named(name)]
        )
        if not tests:
            return sorted(found)
        found = self._closure([*found, *self._conftests(found)])
        while missing := [file for file in self._wanted_plugins(found) if file not in found]:
            found = self._closure([*found, *missing])
        return sorted(found)

    def digest(self, paths: Iterable[str], *also: str) -> str:
        """Returns the SHA-256, as hexadecimal digits, of the files and of further words."""
        total = hashlib.sha256("\0".join(also).encode())
        for path in sorted(paths):
            content = (self.root / path).read_bytes()
            total.update(f"\0{path} {len(content)}\0".encode() + content)
        return total.hexdigest()

    @cached_property
    def files(self) -> frozenset[str]:
        """Returns every file, relative to the root, apart from those that git ignores or keeps for itself."""
        return frozenset(self._walk(self.root))

    def _walk(self, folder: Path) -> Iterator[str]:
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                if not entry.name.startswith(".") and entry.name not in MADE and entry.suffix != ".egg-info":
                    yield from self._walk(entry)
            elif entry.is_file() and entry.name not in (".env", ".git"):
                yield entry.relative_to(self.root).as_posix()

    def _closure(self, paths: Iterable[str]) -> set[str]:
        found: set[str] = set()
        waiting = list(paths)
        while waiting:
            path = waiting.pop()
            if path not in found:
                found.add(path)
                waiting += self._leads_to(path)
        return found

    # --- what one file leads to ---

    def _leads_to(self, path: str) -> frozenset[str]:
        if not path.endswith(".py"):
            return frozenset()
        if path not in self._led:
            self._led[path] = frozenset(self._packages_of(path)) | frozenset(self._mentioned(path))
        return self._led[path]

    def _mentioned(self, path: str) -> Iterator[str]:
        folder = path.rpartition("/")[0]
        tree = self._parse(path)
        inner = {id(node.left) for node in ast.walk(tree) if _is_join(node)}  # type: ignore[attr-defined]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield from self._imported(alias.name, folder)
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node, path)
                yield from self._imported(base, folder)
                for alias in node.names:
                    yield from self._imported(f"{base}.{alias.name}", folder)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
                yield from self._run_or_opened(node.value)
            # A conftest names folders of tests; it opens none.
            if id(node) not in inner and not path.endswith("conftest.py") and (tail := _path_tail(node)):
                for start in (folder, ""):
                    yield from self._below(f"{start}/{tail}".strip("/"))

    def _absolute(self, node: ast.ImportFrom, path: str) -> str:
        if not node.level:
            return node.module or ""
        package = path.split("/")[: -node.level]
        return ".".join([*package, *(node.module or "").split(".")]).strip(".")

    def _imported(self, name: str, folder: str) -> Iterator[str]:
        """Yields the file of a module that is imported by its full name or by a neighbour's bare name."""
        file = self._file_of(name)
        if file:
            yield file
        elif "." not in name and f"{folder}/{name}.py" in self.files:
            yield f"{folder}/{name}.py"
        elif folder.startswith(BARE) and "." not in name:
            yield from (each for each in self._by_stem.get(name, ()) if each.startswith(BARE))

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        stems: dict[str, list[str]] = {}
        for path in self.files:
            stems.setdefault(Path(path).stem, []).append(path)
        return stems

    def _file_of(self, name: str) -> str | None:
        base = self._folder_of(name)
        found = (each for each in (f"{base}.py", f"{base}/__init__.py") if base and each in self.files)
        return next(found, None)

    def _folder_of(self, name: str) -> str | None:
        """Returns the path of a module or package, without its suffix."""
        for package in sorted(ROOTS, key=len, reverse=True):
            if f"{name}.".startswith(f"{package}."):
                return "/".join([ROOTS[package], *name.removeprefix(package).strip(".").split(".")]).strip(
                    "/"
                )
        top = name.partition(".")[0]
        return name.replace(".", "/") if top in (*PROGRAMS, "src") else None

    def _run_or_opened(self, name: str) -> Iterator[str]:
        """Yields the files that ``python -m`` and ``importlib.resources`` find under a dotted name."""
        if not all(map(str.isidentifier, name.split("."))) or not (file := self._file_of(name)):
            return
        yield file
        if file.endswith("/__init__.py"):
            folder = file.removesuffix("__init__.py")
            yield from {f"{folder}__main__.py"} & self.files
            yield from (each for each in self.files if each.startswith(folder) and not each.endswith(".py"))

    def _named(self, module: str) -> list[str]:
        found = list(self._run_or_opened(module)) or [file for file in [self._file_of(module)] if file]
        if not found:
            raise LookupError(f"no module {module}")
        return found

    def _under(self, name: str) -> list[str]:
        found = list(self._below(name))
        if not found:
            raise LookupError(f"no file or folder {name}")
        return found

    def _below(self, path: str) -> Iterator[str]:
        """Yields the file of that path, or every file in the folder."""
        if path in self.files:
            yield path
        elif path and (self.root / path).is_dir():
            yield from (each for each in self.files if each.startswith(f"{path}/"))

    def _packages_of(self, path: str) -> Iterator[str]:
        parts = path.split("/")[:-1]
        yield from {"/".join([*parts[: n + 1], "__init__.py"]) for n in range(len(parts))} & self.files
        if parts[0] == "src":  # what is shipped beside a module
            yield from self._data_beside.get("/".join(parts), ())

    @cached_property
    def _data_beside(self) -> dict[str, list[str]]:
        data: dict[str, list[str]] = {}
        for path in self.files:
            if not path.endswith(".py"):
                data.setdefault(path.rpartition("/")[0], []).append(path)
        return data

    def _parse(self, path: str) -> ast.Module:
        if path not in self._parsed:
            self._parsed[path] = ast.parse((self.root / path).read_text("utf-8"))
        return self._parsed[path]

    # --- pytest's own ways ---

    def _conftests(self, paths: Iterable[str]) -> set[str]:
        above = {parent.as_posix() for path in paths for parent in Path(path).parents}
        return {f"{folder}/conftest.py" for folder in above} & self.files

    def _wanted_plugins(self, paths: Iterable[str]) -> Iterator[str]:
        """Yields the plugins whose fixtures or hooks these files need."""
        sources = [path for path in paths if path.startswith("tests/") and path.endswith(".py")]
        named = {word for path in sources for word in _names(self._parse(path))}
        for path in sources:
            if path.endswith("conftest.py"):
                for plugin in self._plugins(self._parse(path)):
                    fixtures = _fixtures(self._parse(plugin))
                    if not fixtures or fixtures & named:
                        yield plugin

    def _plugins(self, conftest: ast.Module) -> Iterator[str]:
        """Yields the files of ``pytest_plugins``, a list or a comprehension over names."""
        for node in conftest.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytest_plugins":
                names = eval(ast.unparse(node.value), {"__builtins__": {}})  # a list of our own words
                yield from (file for file in map(self._file_of, names) if file)


def _is_join(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)


def _path_tail(node: ast.AST) -> str:
    """Returns the constant names that end a path's expression, joined. It is empty without any."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in JOINS:
        words = [each.value for each in node.args if isinstance(each, ast.Constant)]
        return "/".join(str(word) for word in words)
    names: list[str] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        if isinstance(node.right, ast.Constant) and isinstance(node.right.value, str):
            names.insert(0, node.right.value)
        else:
            names = []  # the name of a file is known when it runs: its folder counts
        node = node.left
    return "/".join(names)


def _names(tree: ast.Module) -> Iterator[str]:
    """Yields the names that a module may ask pytest for: its parameters and strings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value


def _fixtures(plugin: ast.Module) -> set[str]:
    """Returns the names of the fixtures that a plugin defines. A plugin without any has hooks."""
    return {
        node.name
        for node in plugin.body
        if isinstance(node, ast.FunctionDef)
        and any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list)
    }
