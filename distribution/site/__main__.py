"""Puts the sources of the site together: ``python -m distribution.site FOLDER``. mkdocs makes pages of them."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from distribution.pictures.__main__ import main as take_pictures
from distribution.site.reference import cli_reference, config_reference

ROOT = Path(__file__).parents[2]
_TO_DOCS = re.compile(r"\]\(docs/")
_PICTURE = re.compile(r"^!\[[^\]]*\]\(([^)]+)\)$", re.MULTILINE)
_ADDED = ("site.css", "iframe-worker.js")
"""Files of this folder that the pages load."""


def put_together(folder: Path) -> None:
    """Write the pages, without the pictures of the views: of docs/, the READMEs, and the generated references."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", folder)
    for name, page in (("README.md", "index.md"), ("README.zh.md", "index.zh.md"), ("CHANGELOG.md", "changelog.md")):
        text = (ROOT / name).read_text("utf-8")
        text = (
            _TO_DOCS.sub("](", text)
            .replace("](README.md)", "](index.md)")
            .replace("](README.zh.md)", "](index.zh.md)")
        )
        (folder / page).write_text(text.replace("](CONTRIBUTING.md)", "](contributing.md)"), "utf-8")
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (folder / "contributing.md").write_text(_TO_DOCS.sub("](", contributing), "utf-8")
    shutil.copy(Path(__file__).parent / "views.md", folder)
    for written in folder.glob("*.md"):
        # A picture is a screen of text: where it is small, a click shows it alone.
        written.write_text(_PICTURE.sub(r"[\g<0>](\1)", written.read_text("utf-8")), "utf-8")
    for name in _ADDED:
        shutil.copy(Path(__file__).parent / name, folder)
    references = folder / "reference"
    references.mkdir()
    (references / "cli.md").write_text(cli_reference(), "utf-8")
    (references / "config.md").write_text(config_reference(), "utf-8")


if __name__ == "__main__":
    put_together(Path(sys.argv[1]))
    take_pictures("views", str(Path(sys.argv[1]) / "images" / "views"))
