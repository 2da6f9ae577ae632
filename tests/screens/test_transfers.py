"""``u`` on an instance: files of both sides, copies between them, and the list of transfers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gputui.app.login import Login
from gputui.errors import CopyError
from gputui.models import Ref
from gputui.ssh.sftp.local import LocalPlace
from tests.screens.stage import Stage, staged, unsafe_on
from tests.screens.world import lab


@dataclass
class Sides:
    """The files of this machine and of the instance, both directories."""

    here: Path
    there: Path
    held: asyncio.Event = field(default_factory=asyncio.Event)
    failure: str = ""


@pytest.fixture
def sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sides:
    sides = Sides(tmp_path / "here", tmp_path / "there")
    sides.held.set()
    for folder in (sides.here, sides.there):
        folder.mkdir()

    class Instance(LocalPlace):
        name = "lab/pod/eval"

        async def real(self, path: bytes) -> bytes:
            return await super().real(str(sides.there).encode() if path == b"." else path)

        async def write_small(self, *arguments: Any) -> None:
            await sides.held.wait()
            if sides.failure:
                raise CopyError(sides.failure)
            await super().write_small(*arguments)

    @asynccontextmanager
    async def reach(fleet: object, ref: Ref, connect: object = None) -> AsyncIterator[LocalPlace]:
        yield Instance()

    async def connect(*_: object) -> bool:
        return True

    monkeypatch.setattr("gputui.fleet.transfers.reach", reach)
    monkeypatch.setattr(Login, "connect", connect)
    monkeypatch.chdir(sides.here)
    return sides


async def show_files(stage: Stage) -> None:
    assert stage.table.select(Ref("lab", "pod", "eval"))
    await stage.press("u")
    await stage.until_text("lab/pod/eval:")


async def test_marked_files_are_copied_to_the_other_side(sides: Sides) -> None:
    for name in ("model.bin", "notes.txt", "other"):
        (sides.here / name).write_text(name)
    (sides.there / "notes.txt").write_text("old")
    (sides.there / "runs").mkdir()
    async with staged(lab()) as stage:
        await show_files(stage)
        await stage.until_text("model.bin")
        await stage.until_text("runs/")
        await stage.press("g", "j", "space", "space", "u")
        await stage.until_text("Replaced where they differ: notes.txt.")
        await stage.press("y")
        await stage.until(lambda: "Copied to" in stage.toasts, "the end of the copies")
        assert (sides.there / "notes.txt").read_text() == "notes.txt"
        assert sorted(path.name for path in sides.there.iterdir()) == ["model.bin", "notes.txt", "runs"]
        await stage.command("transfers")
        assert stage.text.count("✓ done") == 2


async def test_directories_are_opened_and_left_by_enter_and_names_are_safe(sides: Sides) -> None:
    (sides.there / "runs" / "seven").mkdir(parents=True)
    (sides.there / "\x1b[31mred\nline [bold]").touch()
    async with staged(lab()) as stage:
        await show_files(stage)
        await stage.until_text("runs/")
        assert unsafe_on(stage) == []
        assert "[31mred" in stage.text
        await stage.press("tab", "j", "enter")
        await stage.until_text("seven/")
        await stage.press("g", "enter")
        await stage.until_text("runs/")
        row = stage.view.query_one("#there").cursor_row  # type: ignore[attr-defined]  # a table
        assert row.name == "runs"


async def test_names_are_marked_by_a_pattern_and_hidden_ones_left_out(sides: Sides) -> None:
    for name in ("a.pt", "b.pt", ".c.pt", "notes.txt"):
        (sides.here / name).touch()
    async with staged(lab()) as stage:
        await show_files(stage)
        await stage.until_text("notes.txt")
        await stage.command("mark-matching *.pt")
        await stage.until(lambda: "2 marked" in stage.title, "the marks")
        await stage.press("full_stop")
        assert ".c.pt" not in stage.text
        assert "1 hidden" in stage.title
        await stage.press("full_stop")
        assert ".c.pt" in stage.text


async def test_a_directory_is_typed_created_and_missed(sides: Sides) -> None:
    (sides.here / "runs" / "seven").mkdir(parents=True)
    async with staged(lab()) as stage:
        await show_files(stage)
        await stage.until_text("runs/")
        await stage.press("d", *"ru")
        await stage.until(lambda: "runs/" in stage.text.partition("Go to a directory")[2], "the completion")
        await stage.press("right", "enter")
        await stage.until_text("seven/")
        await stage.press("n", *"eight", "enter")
        await stage.until_text("eight/")
        assert (sides.here / "runs" / "eight").is_dir()
        await stage.command("directory /no/such")
        await stage.until(lambda: "/no/such: there is no such file or directory." in stage.toasts, "the refusal")
        assert "eight/" in stage.text


async def test_a_mark_does_not_pass_to_a_file_of_the_same_name_in_another_directory(sides: Sides) -> None:
    for folder in (sides.here, sides.here / "sub"):
        folder.mkdir(exist_ok=True)
        (folder / "data").write_text(folder.name)
    async with staged(lab()) as stage:
        await show_files(stage)
        await stage.until_text("data")
        await stage.press("G", "space")
        assert "1 marked" in stage.title
        await stage.press("g", "j", "enter")
        await stage.until_text("/sub")
        await stage.until(lambda: "marked" not in stage.title, "the end of the mark")


async def test_a_failed_copy_is_named_and_can_be_retried(sides: Sides) -> None:
    (sides.here / "model.bin").write_text("x")
    sides.failure = "lab/pod/eval:/x: the disk is full."
    async with staged(lab()) as stage:
        await show_files(stage)
        await stage.until_text("model.bin")
        await stage.press("G", "u")
        await stage.until_text("Copy to")
        await stage.press("y")
        await stage.until(lambda: "the disk is full" in stage.toasts, "the failure")
        await stage.command("transfers")
        assert "✗ failed" in stage.text
        sides.failure = ""
        await stage.press("enter", "r")
        await stage.until_text("✓ done")
        assert (sides.there / "model.bin").exists()


async def test_the_end_of_the_program_asks_while_something_is_copied(sides: Sides) -> None:
    (sides.here / "model.bin").write_text("x")
    sides.held.clear()
    async with staged(lab()) as stage:
        await show_files(stage)
        await stage.until_text("model.bin")
        await stage.press("G", "u")
        await stage.until_text("Copy to")
        await stage.press("y")
        assert "1 transfer under way" in stage.title
        await stage.press("ctrl+q")
        assert "These copies are interrupted" in stage.text
        await stage.press("n")
        await stage.command("transfers")
        await stage.press("enter", "c")
        await stage.until_text("cancelled")
        await stage.press("ctrl+q")
        assert stage.ended()


async def test_a_view_without_transfers_says_how_to_begin_one() -> None:
    async with staged(lab()) as stage:
        await stage.command("transfers")
        assert "No transfers. u on an instance copies files." in stage.text
