"""The pages and the tree agree: every link leads somewhere, every name it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_NAME = re.compile(r"`([A-Za-z_][A-Za-z0-9_.]*)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file_that_has_what_the_link_names(page: Path) -> None:
    wrong = []
    for text, target in _LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:|#", target):
            continue
        path = (page.parent / target.partition("#")[0]).resolve()
        if not path.exists():
            wrong.append(f"{target}: no such file")
        elif path.suffix in (".py", ".cairo"):
            source = path.read_text(encoding="utf-8")
            wrong += [
                f"{target}: does not define {name}"
                for name in _NAME.findall(text)
                if not name.endswith((".py", ".cairo")) and not _defines(source, name)
            ]
    assert wrong == []


def _defines(source: str, dotted: str) -> bool:
    """Whether every part of ``Class.method`` or ``function`` is defined in the source."""
    return all(
        re.search(rf"^\s*(?:pub )?(?:class|def|fn|struct|trait|enum|mod) {re.escape(part)}\b", source, re.M)
        or re.search(rf"^{re.escape(part)}\b.*=", source, re.M)
        for part in dotted.split(".")
    )
