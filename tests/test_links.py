"""Every link of the project's pages names a file, and a heading in it, that exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[1]
_SKIPPED = {".git", ".venv", "build", "dist", "node_modules"}
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*<?([^()\s<>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.MULTILINE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def pages() -> list[Path]:
    """Return the Markdown files of the project."""
    # What is for the site alone has links to what its build makes: tests/distribution/test_site.py has them.
    site = ROOT / "distribution" / "site"
    found = (
        path
        for path in ROOT.rglob("*.md")
        if not _SKIPPED.intersection(path.relative_to(ROOT).parts) and site not in path.parents
    )
    return sorted(found)


def links(text: str) -> list[str]:
    """Return the targets of the links of a page; what looks like one in code is none."""
    written = _CODE.sub("", _FENCE.sub("", text))
    return [*_LINK.findall(written), *_REFERENCE.findall(written)]


def anchors(text: str) -> set[str]:
    """Return the names of a page's headings, as they are made of their words for links."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", _FENCE.sub("", text), re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (unique := f"{name}-{number}" if number else name) in found:
            number += 1
        found.add(unique)
    return found


def problem(page: Path, link: str) -> str | None:
    """Return why a link is broken; None where its target exists, or is outside the project."""
    if _SCHEME.match(link):
        return None
    name, _, anchor = unquote(link).partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.is_relative_to(ROOT) or not target.exists():
        return f"{link}: there is no such file"
    if anchor and anchor not in anchors(target.read_text("utf-8")):
        return f"{link}: {target.name} has no such heading"
    return None


def test_the_pages_are_found() -> None:
    names = {str(page.relative_to(ROOT)) for page in pages()}
    assert {"README.md", "CHANGELOG.md", "docs/design.md", "benchmarks/README.md"} <= names


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_have_a_target(page: Path) -> None:
    assert [why for link in links(page.read_text("utf-8")) if (why := problem(page, link))] == []


def test_targets_of_links_belong_to_the_project() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        return  # an archive of the source: all that is in it belongs to it
    tracked = {ROOT / name for name in listed.stdout.decode().split("\0") if name}
    folders = {parent for path in tracked for parent in path.parents}
    for page in pages():
        for link in links(page.read_text("utf-8")):
            if not _SCHEME.match(link) and (name := unquote(link).partition("#")[0]):
                assert (page.parent / name).resolve() in tracked | folders, f"{page.name}: {link}"


def test_a_link_without_a_target_is_found(tmp_path: Path) -> None:
    page = ROOT / "docs" / "cli.md"
    assert links("[a](missing.md) `[b](c)` ![d](e.png \"t\")\n```\n[f](g)\n```\n[h]: i.md\n") == [
        "missing.md", "e.png", "i.md",
    ]  # fmt: skip
    assert problem(page, "missing.md")
    assert problem(page, "config.md#no-such-heading")
    assert problem(page, "../../outside.md")
    assert problem(page, "config.md") is None
    assert problem(page, "https://example.org/") is None


_SOURCE = re.compile(r"`((?:[a-z_]+/)+[a-z_]*(?:\.py)?|[a-z_]+\.py)`")


def test_files_of_the_program_that_pages_name_are_there() -> None:
    missing = []
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for name in _SOURCE.findall(page.read_text("utf-8")):
            if (name.endswith(".py") or name.startswith(("gputui/", "tests/"))) and not any(
                (ROOT / base / name).exists() for base in ("", "gputui", "gputui/api/yotta", "gputui/models")
            ):
                missing.append(f"{page.name}: {name}")
    assert not missing, missing
