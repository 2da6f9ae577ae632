"""The texts that users read, and docstrings: standard English, without phrasings that are hard to understand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
        *(ROOT / "docs").glob("*.md"),
        ROOT / "benchmarks" / "README.md",
        ROOT / "tests" / "live" / "README.md",
    ]
)
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
    | \bfor\s+good\b                   # permanently
    | \bheld\b                         # stored, contained
    | \bcan(?:not)?\s+be\s+(?:had|listened)\b # is available, cannot listen
    | \bleft\s+(?:alone|as\s+it\s+is)\b # unchanged
    | \bwhat\s+there\s+is\b             # the rows, the commands
    | \bspeaks?\s+of\b | \bspoken\s+of\b # names, describes
    | \bdo(?:es)?\s+without\b           # does not need
    | \bthe\s+other\s+way\s+round\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
HOLDS = re.compile(r"\bholds?\b", re.IGNORECASE)
"""Texts say contains; in a docstring a condition may hold."""


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


def _texts() -> Iterator[tuple[str, str, bool]]:
    """Yield place and text of each literal of several words, the simulator's too, and whether it is a docstring."""
    for path in sorted((ROOT / "gputui").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        docstrings = _docstrings(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value, node in docstrings


def test_texts_and_docstrings_of_the_program_are_standard_english() -> None:
    texts = list(_texts())
    assert len(texts) > 1_000
    found = [
        f"{place}: {text!r}"
        for place, text, is_docstring in texts
        if BANNED.search(text) or (not is_docstring and HOLDS.search(text))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_are_standard_english(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    found = [f"{number}: {line}" for number, line in enumerate(lines, 1) if BANNED.search(line) or HOLDS.search(line)]
    assert not found, "\n".join(found)
