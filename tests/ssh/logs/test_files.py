"""A log in a file, read by the sh of this machine over a connection."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gputui.errors import GputuiError, LogError
from gputui.models import LogPage, LogPosition, LogQuery
from gputui.ssh.client import Connection
from gputui.ssh.logs import files
from gputui.ssh.logs.files import FileLog
from gputui.ssh.logs.looks import Looks
from gputui.ssh.logs.paths import find
from tests.ssh.conftest import Person
from tests.ssh.shells import ShellServer


@pytest.fixture
async def looks(person: Person) -> AsyncIterator[Looks]:
    async with ShellServer() as server:
        connection = await person.connect(server.port)

        @asynccontextmanager
        async def lease() -> AsyncIterator[Connection]:
            yield connection

        yield Looks(lease, "main")


class Reading:
    """A file that is read, and the place where it was left."""

    def __init__(self, looks: Looks, path: str) -> None:
        self.log = FileLog(looks, None, path)
        self.after: LogPosition | None = None

    async def past(self, after: LogPosition | None = None, size: int = 1000) -> LogPage:
        return await self.log.read(LogQuery(), after=after, backward=True, size=size)

    async def newest(self) -> list[str]:
        page = await self.past()
        self.after = page.lines[-1].position if page.lines else None
        return [line.text for line in page.lines]

    async def new(self) -> list[str]:
        texts = []
        while True:
            page = await self.log.read(LogQuery(), after=self.after, backward=False, size=1000)
            texts += [line.text for line in page.lines]
            self.after = page.next
            if not page.more:
                return texts


async def failure(looks: Looks, path: Path | str) -> GputuiError:
    with pytest.raises(LogError) as caught:
        await Reading(looks, str(path)).newest()
    return caught.value


async def test_a_log_is_read_and_followed(looks: Looks, tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("one\ntwo\n")
    reading = Reading(looks, str(path))

    assert await reading.newest() == ["one", "two"]
    assert await reading.new() == []
    with path.open("a") as log:
        log.write("three\nfo")
    assert await reading.new() == ["three"]
    with path.open("a") as log:
        log.write("ur\n")
    assert await reading.new() == ["four"]


async def test_the_past_of_a_long_log_is_read_page_by_page_without_a_gap(looks: Looks, tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    texts = [f"step {number} " + "x" * (number % 200) for number in range(8000)]
    path.write_text("\n".join(texts) + "\n")
    reading = Reading(looks, str(path))

    page = await reading.past(size=100)
    found = [line.text for line in page.lines]
    pages = 1
    while page.more:
        page = await reading.past(page.next, size=100)
        found[:0] = [line.text for line in page.lines]
        pages += 1

    assert found == texts
    assert pages > 5


async def test_an_empty_log_is_followed_from_its_beginning(looks: Looks, tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.touch()
    reading = Reading(looks, str(path))

    assert await reading.newest() == []
    path.write_text("first\n")
    assert await reading.new() == ["first"]


async def test_a_last_line_without_an_end_is_shown_once_nothing_is_added(looks: Looks, tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("one\nSegmentation fau")
    reading = Reading(looks, str(path))

    assert await reading.newest() == ["one"]
    os.utime(path, (time.time() - 60,) * 2)
    assert await reading.new() == ["Segmentation fau"]


async def test_a_rotated_log_is_read_to_its_end_and_the_new_file_from_its_beginning(
    looks: Looks, tmp_path: Path
) -> None:
    path = tmp_path / "train.log"
    path.write_text("one\n")
    reading = Reading(looks, str(path))
    await reading.newest()

    with path.open("a") as log:
        log.write("last of the old\n")
    path.rename(tmp_path / "train.log.1")
    path.write_text("one\n")

    assert await reading.new() == [
        "last of the old",
        "── gputui: the file was rotated: a new one begins here ──",
        "one",
    ]
    path.with_suffix(".other").write_text("one\n")
    path.with_suffix(".other").rename(path)
    note, line = await reading.new()
    assert "may be missing" in note
    assert line == "one"


async def test_a_truncated_log_is_noticed_though_it_is_longer_already(looks: Looks, tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("run 1\nstep 1\n")
    reading = Reading(looks, str(path))
    await reading.newest()
    before = reading.after

    path.write_text("run 2\nstep 1\nstep 2\nstep 3\n")
    note, *rest = await reading.new()

    assert "the file was truncated" in note
    assert rest == ["run 2", "step 1", "step 2", "step 3"]
    older = await reading.past(before)
    assert "no longer there" in older.lines[0].text
    path.write_text("run 3\n")
    assert (await reading.new())[1:] == ["run 3"]


async def test_a_log_that_is_copied_and_truncated_goes_on_wherever_its_writer_is(
    looks: Looks, tmp_path: Path
) -> None:
    path = tmp_path / "train.log"
    with path.open("w") as writer:  # at its own place: behind the truncation there is a gap
        writer.write("step 1\n" * 3000)
        writer.flush()
        reading = Reading(looks, str(path))
        assert len(await reading.newest()) == 3000
        copy = tmp_path / "train.log.1"
        copy.write_bytes(path.read_bytes())
        os.truncate(path, 0)
        assert (await reading.new())[:1] == [
            "── gputui: the file was truncated: it begins again here; what was written before that may be missing ──"
        ]
        writer.write("step 2\n")
        writer.flush()
        assert (await reading.new())[-1] == "step 2"
        os.truncate(path, 0)
        writer.write("step 3\nstep 4\n")
        writer.flush()
        note, *rest = await reading.new()
        assert "the file was truncated while it is written on" in note
        assert rest == ["step 3", "step 4"]
    with path.open("a") as writer:  # at the end of what there is
        os.truncate(path, 0)
        writer.write("step 5\n")
        writer.flush()
        note, *rest = await reading.new()
        assert "the file was truncated" in note
        assert rest == ["step 5"]


async def test_a_gap_that_a_truncation_leaves_is_passed_however_long_it_is(looks: Looks, tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("one\n")
    reading = Reading(looks, str(path))
    await reading.newest()
    os.truncate(path, 0)
    await reading.new()
    with path.open("r+b") as writer:
        writer.seek(10**10)
        writer.write(b"two\nthree\n")

    note, *rest = await reading.new()

    assert "zero bytes are left out" in note
    assert rest == ["two", "three"]
    os.truncate(path, 2 * 10**10)
    assert "zero bytes are left out" in (await reading.new())[-1]
    with path.open("a") as writer_at_end:
        writer_at_end.write("four\n")
    assert await reading.new() == ["four"]


async def test_a_log_that_vanishes_is_named_and_followed_when_it_is_there_again(looks: Looks, tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("one\n")
    reading = Reading(looks, str(path))
    await reading.newest()

    path.unlink()
    with pytest.raises(LogError, match="is not there"):
        await reading.new()
    path.write_text("two\n")

    note, *rest = await reading.new()
    assert note.startswith("── gputui: the file was ")
    assert rest == ["two"]


async def test_a_log_that_may_not_be_read_says_so(person: Person, tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("one\n")
    path.chmod(0)
    # The superuser may read everything: a look is that of another user.
    shell = ("setpriv", "--reuid=65534", "--clear-groups") if os.geteuid() == 0 else ()
    async with ShellServer((*shell, "/bin/sh", "-c")) as server:
        connection = await person.connect(server.port)

        @asynccontextmanager
        async def lease() -> AsyncIterator[Connection]:
            yield connection

        failed = await failure(Looks(lease, "main"), path)
        assert str(failed) == f"{path}: permission denied. The user of the login may not read it."


async def test_a_line_longer_than_a_look_is_shown_in_parts(
    looks: Looks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_MOST", 2**16)
    path = tmp_path / "train.log"
    path.write_text("begin\n" + "x" * 200_000 + "\nend\n")
    reading = Reading(looks, str(path))

    texts = await reading.new()
    assert texts[0] == "begin"
    assert texts[-1] == "end"
    assert len(texts) > 4
    assert "more bytes" in texts[1]
    page = await reading.past()
    assert page.lines[-1].text == "end"
    while page.more:
        page = await reading.past(page.next)
    assert page.lines[0].text == "begin"


@pytest.mark.parametrize(
    "name",
    ["-rf", "a b.log", "two\nlines", "a$(touch pwned).log", "'quoted'", "ä.log", "a[1].log", "back\\slash", "*"],
)
async def test_a_path_is_taken_as_it_is(
    looks: Looks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("here\n")

    assert await Reading(looks, name).newest() == ["here"]
    assert [file.path for file in (await find(looks, None, name)).files] == [name]
    assert not (tmp_path / "pwned").exists()


async def test_a_glob_finds_files_the_newest_first(looks: Looks, tmp_path: Path, home: Path) -> None:
    (home / "a dir").mkdir()
    names = [b"a dir/one.log", b"a dir/two\n.log", b"a dir/\xff.log", b"a dir/three.txt"]
    for age, name in enumerate(names):
        path = os.fsencode(home) + b"/" + name
        (home / os.fsdecode(name)).write_text("line\n")
        os.utime(path, (1_700_000_000 - age,) * 2)
    (home / "a dir" / "directory.log").mkdir()

    found = (await find(looks, None, "~/a dir/*.log")).files

    assert [os.fsencode(file.path).rpartition(b"/")[2] for file in found] == [b"one.log", b"two\n.log", b"\xff.log"]
    assert [file.size for file in found] == [5, 5, 5]
    assert await Reading(looks, found[2].path).newest() == ["line"]
    with pytest.raises(LogError, match=r"No file matches ~/\*\.nothing"):
        await find(looks, None, "~/*.nothing")


async def test_of_many_files_some_are_known_and_that_there_are_more(
    looks: Looks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gputui.ssh.logs.paths.MOST_FILES", 3)
    for name in "abcd":
        (tmp_path / f"{name}.log").touch()

    found = await find(looks, None, f"{tmp_path}/*.log")
    assert ([Path(file.path).name for file in found.files], found.more) == (["a.log", "b.log", "c.log"], True)
    assert not (await find(looks, None, f"{tmp_path}/[a-c].log")).more


async def test_it_says_why_a_file_cannot_be_read(looks: Looks, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")

    assert f"{tmp_path}/none is not there." in str(await failure(looks, tmp_path / "none"))
    assert "is a directory" in str(await failure(looks, tmp_path))
    assert "is no file" in str(await failure(looks, tmp_path / "pipe"))
    assert "cannot be read" in str(await failure(looks, tmp_path / "loop"))


async def test_what_the_host_names_its_files_does_not_reach_the_terminal(looks: Looks, tmp_path: Path) -> None:
    path = tmp_path / "a\x1b]0;title\x07.log"
    path.mkdir()
    for said in (await failure(looks, path), await failure(looks, f"{path}.*")):
        assert "title" in said.message
        assert "\x1b" not in said.message


async def test_a_look_that_hangs_is_not_followed_by_another(looks: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gputui.ssh.logs.looks.SECONDS", 0.3)
    monkeypatch.setattr("gputui.ssh.scripts._TERM_SECONDS", 0.1)
    monkeypatch.setattr("gputui.ssh.scripts._KILL_SECONDS", 0.1)
    monkeypatch.setattr("gputui.ssh.scripts._Running._signal", _no_signal)

    with pytest.raises(LogError, match="was not read within"):
        await looks.look("sleep 60", None, limit=100)
    with pytest.raises(LogError, match="hangs there"):
        await looks.look("echo again", None, limit=100)


async def _no_signal(*_: object) -> None:
    """Signal nothing: a process that waits for a disk takes none."""
