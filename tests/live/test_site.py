"""The documentation site: built as its target does, with pictures of the program, and complete by itself."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_site_is_built_and_its_pages_load_nothing_from_other_servers() -> None:
    subprocess.run(["make", "site"], cwd=ROOT, check=True, capture_output=True, timeout=400)

    pages = sorted((ROOT / "build/site").rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        text = page.read_text("utf-8")
        assert not re.findall(r'(?:src="|rel="stylesheet" href=")https?://[^"]+', text), page.name
        for picture in re.findall(r'<img[^>]* src="([^"]+)"', text):
            assert (page.parent / picture).is_file(), f"{page.name}: {picture}"
    assert (ROOT / "build/site/search/search_index.js").is_file()
    home = (ROOT / "build/site/images/views/home.svg").read_text("utf-8")
    assert "Problems" in home
