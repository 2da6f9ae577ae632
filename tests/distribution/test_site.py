"""The sources of the documentation site: all pages of its navigation, references of all commands and keys."""

from __future__ import annotations

import re
from pathlib import Path

from distribution.pictures.scenes import README, VIEWS
from distribution.site.__main__ import put_together
from distribution.site.reference import cli_reference, config_reference
from gputui import vendors
from gputui.cli.commands import COMMANDS
from gputui.config.loader import Config, account_model

ROOT = Path(__file__).parents[2]


def test_all_pages_of_the_navigation_are_there_and_each_page_is_in_it(tmp_path: Path) -> None:
    put_together(tmp_path)
    named = set(re.findall(r"[\w./-]+\.md$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE))
    assert named == {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.md")}
    assert "](docs/" not in (tmp_path / "index.md").read_text("utf-8")


def test_each_picture_opens_itself_in_full_size(tmp_path: Path) -> None:
    put_together(tmp_path)
    for name in ("index.md", "index.zh.md", "views.md"):
        text = (tmp_path / name).read_text("utf-8")
        shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
        assert shown
        assert re.findall(r"\[!\[[^\]]*\]\([^)]+\)\]\(([^)]+)\)", text) == shown


def test_pages_opened_as_files_load_the_search_and_the_style_from_the_site(tmp_path: Path) -> None:
    put_together(tmp_path)
    settings = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert "plugins: [search, offline]" in settings
    # The plugin takes its own from another server, unless there is one of this name.
    (worker,) = re.findall(r"polyfills: \[(.+)\]", settings)
    (style,) = re.findall(r"extra_css: \[(.+)\]", settings)
    assert "iframe-worker" in worker
    assert (tmp_path / worker).is_file()
    assert (tmp_path / style).is_file()


def test_the_page_of_views_shows_the_pictures_that_are_taken() -> None:
    page = (ROOT / "distribution/site/views.md").read_text("utf-8")
    assert set(re.findall(r"images/views/(\w+)\.svg", page)) == {scene.name for scene in VIEWS}


def test_the_readmes_show_the_pictures_that_are_taken_and_no_others_are_kept() -> None:
    taken = {f"{scene.name}.png" for scene in README}
    assert {path.name for path in (ROOT / "docs/images").iterdir()} == taken
    for name in ("README.md", "README.zh.md"):
        assert set(re.findall(r"\]\(docs/images/([^)]+)\)", (ROOT / name).read_text("utf-8"))) == taken


def test_every_command_and_every_key_of_the_configuration_is_in_its_reference() -> None:
    assert set(re.findall(r"^## gputui (.+)$", cli_reference(), re.MULTILINE)) == set(COMMANDS)
    page = config_reference()
    for kind in vendors.kinds():
        section = page.partition(f'kind = "{kind}"`')[2].partition("\n## ")[0]
        assert set(account_model(kind).model_fields) - {"name"} == set(
            re.findall(r"^\| `(\w+)` ", section, re.MULTILINE)
        )
    for key in set(Config.model_fields) - {"accounts"}:
        assert re.search(rf"^## `\[\[?{key}(\.NAME)?\]\]?`$", page, re.MULTILINE), key
