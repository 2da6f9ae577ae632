"""Copies of files and trees, in both directions, against an SFTP server that fails."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from asyncssh import sftp as asyncssh_sftp

from gputui.errors import CopyError, LinkLostError
from gputui.ssh.sftp import one_file
from gputui.ssh.sftp.checksum import remote_sha256
from gputui.ssh.sftp.copy import Copy
from gputui.ssh.sftp.places import DiskFullError
from gputui.ssh.sftp.state import Options
from tests.ssh.sftp.conftest import Far
from tests.ssh.shells import ShellServer

TREE = Options(recursive=True)
LARGE = bytes(range(256)) * 4 * 2**10  # 1 MiB, several blocks
BIT = 128 * 2**10


@pytest.fixture(autouse=True)
def short_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_file, "IN_FLIGHT", BIT)


def listing(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def write_each(folder: Path, names: list[bytes]) -> None:
    for name in names:
        (folder / os.fsdecode(name)).write_bytes(name)


async def failure(copy: Copy) -> CopyError:
    with pytest.raises(CopyError) as caught:
        await copy.run()
    return caught.value


@pytest.mark.parametrize("data", [b"", b"small", LARGE], ids=["empty", "small", "large"])
@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_file_arrives_with_its_bytes_time_and_permissions(far: Far, direction: str, data: bytes) -> None:
    source, target = (far.here, far.root) if direction == "up" else (far.root, far.here)
    file = source / "run.sh"
    file.write_bytes(data)
    file.chmod(0o750)
    os.utime(file, (1_700_000_000, 1_700_000_000))
    (target / "logs").mkdir()

    copy = await (far.up("run.sh", "/logs") if direction == "up" else far.down("/run.sh", "logs/"))
    await copy.run()

    (arrived,) = (target / "logs").iterdir()
    assert (arrived.name, arrived.read_bytes()) == ("run.sh", data)
    assert (arrived.stat().st_mtime, stat.S_IMODE(arrived.stat().st_mode)) == (1_700_000_000, 0o700)  # the umask
    assert copy.progress.done == copy.progress.total == len(data)


async def test_a_file_that_nobody_may_write_keeps_its_permissions(far: Far) -> None:
    for name, data in (("small", b"x"), ("large", LARGE)):
        (far.here / name).write_bytes(data)
        (far.here / name).chmod(0o444)
        await (await far.up(name, name)).run()
        assert stat.S_IMODE((far.root / name).stat().st_mode) == 0o444


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_tree_arrives_with_links_empty_directories_and_any_name(far: Far, direction: str) -> None:
    source, target = (far.here, far.root) if direction == "up" else (far.root, far.here)
    tree = source / "tree"
    (tree / "empty").mkdir(parents=True)
    (tree / "deep" / "er").mkdir(parents=True)
    names = [b"-rf", b"new\nline", b"\xff\xfe", b"'quoted'; $(x)", "ä €".encode(), b"n" * 250]
    write_each(tree / "deep" / "er", names)
    (tree / "loop").symlink_to(".")
    (tree / "gone").symlink_to("/no/such")
    os.mkfifo(tree / "pipe")
    os.utime(tree / "deep", (1_600_000_000, 1_600_000_000))

    copy = await (far.up("tree", "/copy", TREE) if direction == "up" else far.down("/tree", "copy", TREE))
    await copy.run()

    arrived = target / "copy"
    assert copy.problems == []
    assert listing(arrived) == listing(tree)
    assert set(map(os.fsdecode, names)) == {path.name for path in (arrived / "deep/er").iterdir()}
    assert ((arrived / "loop").readlink(), (arrived / "gone").readlink()) == (Path(), Path("/no/such"))
    assert (arrived / "empty").is_dir()
    assert (arrived / "deep").stat().st_mtime == 1_600_000_000
    (skipped,) = copy.skipped
    assert "pipe was skipped" in skipped


async def test_a_directory_needs_to_be_asked_for(far: Far) -> None:
    (far.here / "tree").mkdir()
    error = await failure(await far.up("tree", "/"))
    assert "-r" in error.hint
    assert list(far.root.iterdir()) == []


async def test_a_named_link_is_followed(far: Far) -> None:
    (far.root / "real").write_bytes(b"data")
    (far.root / "link").symlink_to("real")
    (far.root / "gone").symlink_to("nothing")
    await (await far.down("/link", "copy")).run()
    assert not (far.here / "copy").is_symlink()
    assert (far.here / "copy").read_bytes() == b"data"
    assert "it is a link to nothing" in str(await failure(await far.down("/gone", "copy")))


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_dropped_link_leaves_a_part_that_the_next_attempt_continues(far: Far, direction: str) -> None:
    source, target = (far.here, far.root) if direction == "up" else (far.root, far.here)
    (source / "model").write_bytes(LARGE * 2)
    (target / "model").write_bytes(b"the old one")
    far.faults.drop_after = 3 * 2**19  # six blocks; two reads and two writes of them may be in flight
    go = far.up("model", "/model") if direction == "up" else far.down("/model", "model")
    copy = await go
    with pytest.raises(LinkLostError):
        await copy.run()
    assert (target / "model").read_bytes() == b"the old one"
    (part,) = [path for path in target.iterdir() if path.name != "model"]
    assert copy.parts
    assert part.name in copy.parts[0]
    reached = part.stat().st_size
    assert reached > 4 * BIT

    far.faults.drop_after = -1
    again = await (far.up("model", "/model") if direction == "up" else far.down("/model", "model"))
    await again.run()

    assert (target / "model").read_bytes() == LARGE * 2
    assert [path.name for path in target.iterdir()] == ["model"]
    assert again.progress.done == 2 * len(LARGE)
    assert again.progress.moved <= 2 * len(LARGE) - reached + 3 * BIT


async def test_a_part_of_other_bytes_is_begun_again(far: Far) -> None:
    (far.here / "model").write_bytes(LARGE)
    copy = await far.up("model", "/model")
    far.faults.drop_after = 2**19
    with pytest.raises(LinkLostError):
        await copy.run()
    far.faults.drop_after = -1
    (part,) = far.root.iterdir()
    part.write_bytes(bytes(part.stat().st_size))
    again = await far.up("model", "/model")
    await again.run()
    assert (far.root / "model").read_bytes() == LARGE
    assert again.progress.moved == len(LARGE)


async def test_a_tree_continues_where_the_link_was_lost(far: Far) -> None:
    (far.here / "tree").mkdir()
    for number in range(60):
        (far.here / "tree" / str(number)).write_bytes(b"x" * 1000)
    far.faults.drop_after = 40_000
    copy = await far.up("tree", "/tree", TREE)
    with pytest.raises(LinkLostError):
        await copy.run()
    far.faults.drop_after = -1
    again = Copy(copy.source, copy.path, await far.place(), copy.destination, TREE, to=copy.to)
    await again.run()
    assert listing(far.root / "tree") == listing(far.here / "tree")
    assert again.progress.files_kept > 0
    assert again.progress.moved < 60_000


async def test_a_file_that_changes_while_it_is_copied_is_not_put_in_place(far: Far) -> None:
    log = far.here / "log"
    log.write_bytes(LARGE)

    def grow() -> None:
        with log.open("ab") as file:
            file.write(b"more")

    far.faults.on_data = grow
    error = await failure(await far.up("log", "/log"))
    assert "changed while it was copied" in error.message
    assert list(far.root.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
async def test_a_file_that_has_more_than_its_size_is_not_cut_off(far: Far) -> None:
    error = await failure(await far.up("/proc/self/status", "/status"))
    assert "changed while it was copied" in error.message
    assert list(far.root.iterdir()) == []


async def test_a_full_disk_is_named_and_the_part_stays(far: Far) -> None:
    (far.here / "model").write_bytes(LARGE)
    far.faults.disk = {"bavail": 3}
    copy = await far.up("model", "/model")
    error = await failure(copy)
    assert isinstance(error, DiskFullError)
    assert "the disk is full" in error.message
    assert not (far.root / "model").exists()
    await copy.discard()
    assert list(far.root.iterdir()) == []


@pytest.mark.parametrize(
    ("disk", "reason"),
    [
        ({"flags": 1}, "the file system is read-only."),
        ({"files": 9, "favail": 0}, "the file system takes no more files."),
        ({"bavail": 2**40, "files": 0, "flags": 0}, "reports a failure. It gives no reason. Is a quota used up"),
    ],
)
async def test_the_reason_of_a_failure_is_read_from_the_file_system(
    far: Far, disk: dict[str, int], reason: str
) -> None:
    (far.here / "notes").write_bytes(b"x")
    far.faults.disk = disk
    copy = await far.up("notes", "/notes")
    assert reason in str(await failure(copy))
    assert copy.parts == []


async def test_a_directory_that_vanishes_leaves_no_part_to_continue(far: Far) -> None:
    (far.here / "model").write_bytes(LARGE)
    (far.root / "to").mkdir()
    far.faults.on_data = lambda: shutil.rmtree(far.root / "to", ignore_errors=True)
    copy = await far.up("model", "/to")
    assert "there is no such file or directory" in str(await failure(copy))
    assert copy.parts == []


async def test_files_that_may_not_be_read_leave_the_others(far: Far) -> None:
    (far.root / "tree").mkdir()
    for name in ("a", "b", "c"):
        (far.root / "tree" / name).write_bytes(name.encode())
    far.faults.refused = {b"b"}
    copy = await far.down("/tree", "tree", TREE)
    await copy.run()
    assert listing(far.here / "tree") == {"a": b"a", "c": b"c"}
    (problem,) = copy.problems
    assert str(problem) == "lab/pod/main:/tree/b: permission denied."


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("put", [Path.symlink_to, Path.hardlink_to])
async def test_nothing_is_written_into_what_another_user_put_in_the_place_of_a_part(
    far: Far, monkeypatch: pytest.MonkeyPatch, direction: str, data: bytes, put: Callable[[Path, Path], None]
) -> None:
    monkeypatch.setattr(one_file.FileCopier, "part_of", lambda self, path, to, attrs: to + b".gputui-part")
    source, target = (far.here, far.root) if direction == "up" else (far.root, far.here)
    (source / "model").write_bytes(data)
    (target / "mine").write_bytes(b"mine")
    put(target / "to.gputui-part", Path("mine") if put is Path.symlink_to else target / "mine")

    await (await (far.up("model", "/to") if direction == "up" else far.down("/model", "to"))).run()
    assert listing(target) == {"mine": b"mine", "to": data}
    assert not (target / "to").is_symlink()


@pytest.fixture
def _cannot_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without a rename that replaces."""
    handler = asyncssh_sftp.SFTPServerHandler
    kept = [pair for pair in handler._extensions if b"openssh" not in pair[0]]
    monkeypatch.setattr(handler, "_extensions", kept)


@pytest.mark.usefixtures("_cannot_replace")
async def test_a_file_stays_where_a_server_that_cannot_replace_it_refuses_the_new_one(far: Far) -> None:
    (far.here / "model").write_bytes(LARGE)
    (far.root / "model").write_bytes(b"the old one")
    far.faults.never_named = b"model"
    await failure(await far.up("model", "/model"))
    assert listing(far.root)["model"] == b"the old one"
    far.faults.never_named = b""
    await (await far.up("model", "/model")).run()
    assert listing(far.root) == {"model": LARGE}


@pytest.mark.usefixtures("_cannot_replace")
async def test_a_server_that_cannot_replace_files_is_helped(far: Far) -> None:
    (far.here / "model").write_bytes(LARGE)
    (far.root / "model").write_bytes(b"the old one")
    await (await far.up("model", "/model")).run()
    assert listing(far.root) == {"model": LARGE}


async def test_a_copy_that_differs_from_its_source_is_not_put_in_place(far: Far) -> None:
    (far.here / "model").write_bytes(b"some bytes")
    far.faults.corrupt = True
    error = await failure(await far.up("model", "/model", Options(checksum=True)))
    assert "differs from its source" in error.message
    assert list(far.root.iterdir()) == []
    far.faults.corrupt = False
    await (await far.up("model", "/model", Options(checksum=True))).run()
    assert listing(far.root) == {"model": b"some bytes"}


async def test_a_file_of_the_same_size_and_time_is_compared_where_that_is_asked_for(far: Far) -> None:
    for folder, data in ((far.here, b"new"), (far.root, b"old")):
        (folder / "file").write_bytes(data)
        os.utime(folder / "file", (1, 1))
    kept = await far.up("file", "/file")
    await kept.run()
    assert (kept.progress.files_kept, listing(far.root)) == (1, {"file": b"old"})
    await (await far.up("file", "/file", Options(checksum=True))).run()
    assert listing(far.root) == {"file": b"new"}


@pytest.mark.parametrize("name", [b"../escaped", b"a/b", b""])
async def test_a_server_cannot_write_outside_the_target(far: Far, name: bytes) -> None:
    far.faults.names = [name]
    (far.root / "tree").mkdir()
    copy = await far.down("/tree", "tree", TREE)
    await copy.run()
    (problem,) = copy.problems
    assert "cannot be" in problem.message
    assert not (far.here / "escaped").exists()


async def test_nothing_is_written_through_a_link_in_the_target(far: Far, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (far.here / "tree").mkdir()
    (far.here / "tree" / "sub").symlink_to(outside)
    (far.root / "tree" / "sub").mkdir(parents=True)
    (far.root / "tree" / "sub" / "file").write_bytes(b"x")
    copy = await far.down("/tree", ".", TREE)
    await copy.run()
    (problem,) = copy.problems
    assert "is not a directory" in problem.message
    assert list(outside.iterdir()) == []


async def test_a_tree_is_not_copied_into_itself(far: Far) -> None:
    (far.root / "tree").mkdir()
    place = await far.place()
    error = await failure(Copy(place, b"/tree", place, b"/tree/copy", TREE))
    assert "into itself" in error.message


async def test_bytes_go_from_one_instance_to_another_through_here(far: Far) -> None:
    (far.root / "model").write_bytes(LARGE)
    (far.root / "other").mkdir()
    one, other = await far.place("lab/pod/one"), await far.place("lab/pod/two")
    await Copy(one, b"/model", other, b"/other").run()
    assert (far.root / "other" / "model").read_bytes() == LARGE


async def test_a_pause_stops_the_bytes(far: Far) -> None:
    (far.here / "model").write_bytes(LARGE)
    copy = await far.up("model", "/model")
    copy.gate.close()
    task = asyncio.create_task(copy.run())
    while not copy.progress.total:
        await copy.target.stat(b"/")
    for _ in range(9):  # more round trips than come before the first byte
        await copy.target.stat(b"/")
    assert (copy.progress.total, copy.progress.moved) == (len(LARGE), 0)
    copy.gate.open()
    await task
    assert listing(far.root) == {"model": LARGE}


async def test_a_cancelled_copy_leaves_only_what_can_be_removed(far: Far) -> None:
    (far.here / "model").write_bytes(LARGE * 4)
    copy = await far.up("model", "/model")
    task = asyncio.create_task(copy.run())
    await far.faults.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [path.name.endswith(".gputui-part") for path in far.root.iterdir()] == [True]
    await copy.discard()
    assert list(far.root.iterdir()) == []


async def test_sums_come_from_a_command_there_or_from_the_bytes_read_back(far: Far) -> None:
    name = "-it's\n"
    (far.root / name).write_bytes(LARGE)
    wanted = hashlib.sha256(LARGE).hexdigest()
    assert await (await far.place()).sha256(name.encode()) == wanted  # this server runs no commands
    async with ShellServer() as server:
        connection = await far.person.connect(server.port, host_id="lab/pod/shell")
        assert await remote_sha256(connection, None, os.fsencode(far.root / name)) == wanted
