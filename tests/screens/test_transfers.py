"""``u`` on an instance: files of both sides, copies between them, and the list of transfers."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gputui.app.login import Login
from gputui.errors import CopyError
from gputui.fleet.transfer import Spot, Transfer, TransferState
from gputui.fleet.transfers import Transfers
from gputui.models import FileRow, Ref
from gputui.screens.files.commands import extent_text
from gputui.ssh.sftp.local import LocalPlace
from gputui.ssh.sftp.places import Names
from gputui.ssh.sftp.state import Options, Progress
from gputui.ssh.sftp.wire import Attrs
from tests.fleet.fakes import START
from tests.screens.pictures import BOTH, Take
from tests.screens.stage import NARROW, Stage, staged, unsafe_on
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
        await stage.press("end", "space")
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
        await stage.press("end", "u")
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
        await stage.press("end", "u")
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


class Listed(LocalPlace):
    """A place whose names never change, for pictures."""

    def __init__(self, home: bytes, names: Names, failure: str = "") -> None:
        super().__init__()
        self._home = home
        self._names = names
        self._failure = failure

    async def real(self, path: bytes) -> bytes:
        return self._home

    async def scan(self, path: bytes) -> Names:
        if self._failure:
            raise CopyError(self._failure)
        return self._names


AT = int(START.timestamp()) * 10**9
HOME = Listed(
    b"/home/op/work",
    [
        (b"runs", Attrs(0, stat.S_IFDIR, AT - 3 * 10**14)),
        (b".cache", Attrs(0, stat.S_IFDIR, AT)),
        (b"model-00001-of-00002.safetensors", Attrs(4_967_215_360, stat.S_IFREG, AT - 10**12)),
        (b"latest", Attrs(4, stat.S_IFLNK, AT)),
        (b"pipe", Attrs(0, stat.S_IFIFO, AT)),
        (b"\x1b[31mred\nline [bold]", Attrs(12, stat.S_IFREG, AT)),
        ("数据集.tar".encode(), Attrs(734_003_200, stat.S_IFREG, AT)),
    ],
)


async def test_picture(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Listed(b"/root", [(b"logs", Attrs(0, stat.S_IFDIR, AT)), (b"latest", Attrs(4, stat.S_IFREG, AT))])

    @asynccontextmanager
    async def opened(self: Transfers, ref: Ref | None) -> AsyncIterator[LocalPlace]:
        yield HOME if ref is None else there

    async def connect(*_: object) -> bool:
        return True

    monkeypatch.setattr(Transfers, "open", opened)
    monkeypatch.setattr(Login, "connect", connect)
    async with staged(lab(), size=NARROW) as stage:
        await show_files(stage)
        await stage.until_text("logs/")
        await stage.command("mark-matching model*")
        await take(stage, "files", BOTH)
    there._failure = "lab/pod/eval:/root: permission denied."
    async with staged(lab(), size=NARROW) as stage:
        await show_files(stage)
        await stage.until_text("denied.")
        await take(stage, "refused")


async def test_picture_of_transfers(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    async with staged(lab(), size=NARROW) as stage:
        transfers = stage.fleet.work.transfers
        eval_, home = Ref("lab", "pod", "eval"), b"/home/op/work/"
        for number, (name, state) in enumerate(
            [
                (b"model-00001-of-00002.safetensors", TransferState.RUNNING),
                (b"data", TransferState.PAUSED),
                (b"notes.txt", TransferState.DONE),
                (b"checkpoints", TransferState.FAILED),
                (b"more", TransferState.WAITING),
            ]
        ):
            transfer = Transfer(Spot(None, home + name), Spot(eval_, b"/data/"), Options(), state, number=number)
            transfer.progress = Progress(
                total=8 * 2**30, done=number * 2**30, files=12, files_done=number, counted=True
            )
            transfers.all.append(transfer)
        running, _, done, failed, waiting = transfers.all
        running.progress.done = 3 * 2**30
        running.samples.extend([(0.0, 0), (2.0, 2 * 2**20 * 87)])
        done.progress = Progress(total=53, done=53, files=1, files_done=1, counted=True)
        failed.error = CopyError("lab/pod/eval:/data/checkpoints: the disk is full (3 bytes free).")
        waiting.progress = Progress()
        await stage.command("transfers")
        await take(stage, "transfers", BOTH)
        for transfer in transfers.all:
            transfer.state = TransferState.DONE


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([("file", 1024), ("file", 1024)], "2 files, 2K."),
        ([("directory", None)], "1 directory with all that is in it."),
        (
            [("file", 5), ("directory", None), ("directory", 4096)],
            "1 file, 5B, and 2 directories with all that is in them.",
        ),
    ],
)
def test_the_question_says_how_much_is_copied_as_far_as_it_is_known(
    rows: list[tuple[str, int | None]], text: str
) -> None:
    files = [
        FileRow(Ref("lab", "file", str(number)), "a", b"a", kind, size, None)
        for number, (kind, size) in enumerate(rows)
    ]
    assert extent_text(files) == text
