"""The description on a package index, with and without an address of the repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from distribution.long_description import long_description
from hatch_build import MetadataHook

ROOT = Path(__file__).parents[2]

README = """\
# gputui

[中文](README.zh.md)

![The stock](docs/images/stock.png)

See [pody](https://pypi.org/project/pody/) and [all keys](docs/keys.md), `[#]` in a list.
"""


def test_a_known_repository_has_the_pictures_and_pages_of_the_release() -> None:
    text = long_description(README, repository="https://example.com/o/gputui", version="0.1.0")

    assert "![The stock](https://example.com/o/gputui/raw/v0.1.0/docs/images/stock.png)" in text
    assert "[all keys](https://example.com/o/gputui/blob/v0.1.0/docs/keys.md)" in text
    assert "[pody](https://pypi.org/project/pody/)" in text


def test_without_a_repository_nothing_leads_nowhere() -> None:
    assert long_description(README, repository="", version="0.1.0") == (
        "# gputui\n\nSee [pody](https://pypi.org/project/pody/) and all keys, `[#]` in a list.\n"
    )


def test_the_address_of_the_repository_is_all_that_the_metadata_need_for_pictures_and_links() -> None:
    base = "https://example.com/o/gputui"
    metadata: dict[str, Any] = {"version": "0.1.0"}
    MetadataHook(str(ROOT), {"repository": f"{base}/"}).update(metadata)
    text = metadata["readme"]["text"]
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert len(pictures) == len(list((ROOT / "docs/images").iterdir()))
    for address in pictures:
        before, _, path = address.partition("/raw/v0.1.0/")
        assert before == base
        assert (ROOT / path).is_file()
    for address in re.findall(r"(?<!!)\[[^\]]+\]\(([^)]+)\)", text):
        assert address.startswith(("https://", "#"))
        before, named, path = address.partition("/blob/v0.1.0/")
        assert not named or (before == base and (ROOT / path.partition("#")[0]).is_file())
    assert metadata["urls"]["Repository"] == base
    for name in ("Documentation", "Changelog"):
        path = metadata["urls"][name].removeprefix(f"{base}/blob/HEAD/")
        assert (ROOT / path).is_file()


def test_without_an_address_the_metadata_have_no_links_and_no_broken_pictures() -> None:
    metadata: dict[str, Any] = {"version": "0.1.0"}
    MetadataHook(str(ROOT), {"repository": ""}).update(metadata)
    assert metadata["urls"] == {}
    assert "![" not in metadata["readme"]["text"]
    assert set(re.findall(r"\]\(([^:)]*:)", metadata["readme"]["text"])) == {"https:"}
