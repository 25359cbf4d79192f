"""The list of faults, each of which can be put into a copy of the tree."""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_name("faults.toml")


@dataclass(frozen=True)
class Fault:
    """One changed place. ``old`` occurs once in ``file``. ``tests`` are files of tests, or Cairo modules,
    that no coverage leads to."""

    id: str
    file: str
    old: str
    new: str
    why: str
    tests: tuple[str, ...] = ()

    @property
    def is_cairo(self) -> bool:
        return self.file.endswith(".cairo")

    @property
    def words(self) -> tuple[str, ...]:
        """Returns the words that make it this fault. They belong to a result's digest."""
        return self.file, self.old, self.new

    def put_into(self, root: Path) -> None:
        """Plants the fault. Raises LookupError unless its old text occurs exactly once."""
        path = root / self.file
        text = path.read_text("utf-8")
        if text.count(self.old) != 1:
            raise LookupError(f"{self.id}: {self.old!r} occurs {text.count(self.old)} times in {self.file}")
        path.write_text(text.replace(self.old, self.new), "utf-8")

    def lines(self, root: Path) -> tuple[range, bool]:
        """Returns the lines of the smallest statement around the fault, and True if it lies in a function.

        Another statement runs when its module is imported."""
        text = (root / self.file).read_text("utf-8")
        first = text.count("\n", 0, text.index(self.old)) + 1
        last = first + self.old.count("\n")
        around = [
            node
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.stmt) and node.lineno <= first and last <= (node.end_lineno or 0)
        ]
        innermost = max(around, key=lambda node: (node.lineno, -(node.end_lineno or 0)))
        functions = ast.FunctionDef | ast.AsyncFunctionDef
        return range(innermost.lineno, last + 1), any(
            isinstance(node, functions) for node in around if node is not innermost
        )


def faults(path: Path = LIST) -> list[Fault]:
    listed = tomllib.loads(path.read_text("utf-8"))["fault"]
    return [Fault(**{**each, "tests": tuple(each.get("tests", ()))}) for each in listed]
