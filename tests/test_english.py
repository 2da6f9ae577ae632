"""The texts that users read: standard English, without the phrasings that they stumble over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
BANNED = re.compile(
    r"""
      ^(?-i:What|Its|Whose)\s       # a label is a noun, a sentence has a subject
    | \b(?:nobody|somebody|anew|beside|besides)\b
    | \b(?:tells?|told|telling)\b      # reports, shows, notifies
    | \b(?:leads?|led)\s+(?:to|into)\b # forwards, opens
    | \bke(?:ep|eps|pt|eping)\b[^.;:]*\bout\b   # blocks
    | \bgo(?:es)?\s+on\b               # continues
    | \bstands?\b                      # is
    | \bwants?\b                       # needs, requires
    | \bmade\s+up\b                    # generated
    | \bthe\s+other\s+way\s+round\b
    """,
    re.VERBOSE | re.IGNORECASE,
)


def _docstrings(tree: ast.Module) -> set[ast.Constant]:
    found = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for statement in body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                found.add(statement.value)
    return found


def texts() -> Iterator[tuple[str, str]]:
    """Yield every text of the program that may reach a user, with its place: literals of several words."""
    for path in sorted((ROOT / "gputui").rglob("*.py")):
        if "sim" in path.parts:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        spared = _docstrings(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node in spared:
                continue
            if " " in node.value.strip():
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


def test_texts_of_the_program_are_standard_english() -> None:
    found = [f"{place}: {text!r}" for place, text in texts() if BANNED.search(text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_standard_english(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    found = [f"{page.name}:{number}: {line}" for number, line in enumerate(lines, 1) if BANNED.search(line)]
    assert not found, "\n".join(found)
