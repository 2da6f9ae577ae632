"""Copies against a real OpenSSH server, compared with its own scp."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gputui.errors import CopyError, LinkLostError
from gputui.ssh.sftp.copy import Copy
from gputui.ssh.sftp.local import HERE
from gputui.ssh.sftp.places import DiskFullError, Place
from gputui.ssh.sftp.remote import RemotePlace
from gputui.ssh.sftp.state import Options
from gputui.ssh.sftp.wildcards import expand

from .conftest import LogIn
from .openssh import OpenSSH

TREE = Options(recursive=True)
MIB = 2**20


@pytest.fixture
def openssh(openssh: OpenSSH) -> OpenSSH:
    """The server, with SFTP."""
    openssh.stop()
    openssh._more = "Subsystem sftp internal-sftp"
    openssh.start()
    return openssh


def entries(folder: Path) -> dict[str, tuple[str, int, int, str]]:
    """Return kind, permissions, time and content of everything in a directory."""
    found = {}
    for path in sorted(folder.rglob("*")):
        info = path.lstat()
        content = str(path.readlink()) if path.is_symlink() else ""
        if stat.S_ISREG(info.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        kind = stat.filemode(info.st_mode)
        found[str(path.relative_to(folder))] = (kind, info.st_size, int(info.st_mtime), content)
    return found


def make_tree(folder: Path) -> None:
    (folder / "a" / "b").mkdir(parents=True)
    for name in (b"-x", b"two\nlines", b"\xff", "ä".encode(), b"big"):
        path = folder / "a" / "b" / os.fsdecode(name)
        path.write_bytes(name * (MIB if name == b"big" else 1))
        os.utime(path, (1_700_000_000, 1_700_000_000))
        path.chmod(0o640)
    (folder / "a" / "run").write_bytes(b"#!/bin/sh\n")
    (folder / "a" / "run").chmod(0o755)


def scp(server: OpenSSH, source: Path, target: Path) -> None:
    hosts = server.folder / "hosts"
    hosts.write_text(f"[127.0.0.1]:{server.port} {(server.folder / 'host.pub').read_text()}")
    subprocess.run(
        [
            *("scp", "-q", "-r", "-p", "-F", "none", "-i", str(server.key), "-P", str(server.port)),
            *("-o", f"UserKnownHostsFile={hosts}", "-o", "IdentityAgent=none"),
            *(f"{server.user}@127.0.0.1:{source}", str(target)),
        ],
        check=True,
    )


async def copied(source: Place, path: Path, target: Place, to: Path, options: Options = TREE) -> Copy:
    copy = Copy(source, os.fsencode(path), target, os.fsencode(to), options)
    await copy.run()
    assert (copy.problems, copy.skipped) == ([], [])
    return copy


async def test_a_tree_arrives_as_with_scp_in_both_directions(openssh: OpenSSH, log_in: LogIn, tmp_path: Path) -> None:
    make_tree(tmp_path / "tree")
    scp(openssh, tmp_path / "tree", tmp_path / "by_scp")
    there = await RemotePlace.open("lab/pod/main", await log_in())
    await copied(HERE, tmp_path / "tree", there, tmp_path / "up")
    await copied(there, tmp_path / "up", HERE, tmp_path / "down", Options(recursive=True, checksum=True))
    there.close()
    assert entries(tmp_path / "up") == entries(tmp_path / "by_scp")
    assert entries(tmp_path / "down") == entries(tmp_path / "by_scp")


async def test_links_stay_links_which_scp_would_follow(openssh: OpenSSH, log_in: LogIn, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "loop").symlink_to(".")
    (tree / "gone").symlink_to("/no/such/thing")
    there = await RemotePlace.open("lab/pod/main", await log_in())
    await copied(HERE, tree, there, tmp_path / "up")
    await copied(there, tmp_path / "up", HERE, tmp_path / "down")
    there.close()
    assert [os.readlink(tmp_path / "down" / name) for name in ("loop", "gone")] == [".", "/no/such/thing"]  # noqa: PTH115


async def test_a_server_that_is_killed_and_back_continues(openssh: OpenSSH, log_in: LogIn, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(os.urandom(MIB) * 96)
    there = await RemotePlace.open("lab/pod/main", await log_in())
    copy = Copy(HERE, os.fsencode(tmp_path / "model"), there, os.fsencode(tmp_path / "copy"))
    running = asyncio.create_task(copy.run())
    while copy.progress.moved < 32 * MIB:  # noqa: ASYNC110  (bytes of a real link)
        await asyncio.sleep(0.001)
    openssh.stop()
    with pytest.raises(LinkLostError):
        await running
    assert not (tmp_path / "copy").exists()
    openssh.start()
    there = await RemotePlace.open("lab/pod/main", await log_in())
    again = await copied(HERE, tmp_path / "model", there, tmp_path / "copy", Options())
    there.close()
    assert (tmp_path / "copy").read_bytes() == (tmp_path / "model").read_bytes()
    assert again.progress.moved < 80 * MIB


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of 4 MiB, or with the options that the test gives."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", getattr(request, "param", "size=4m"), "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def test_a_full_disk_is_named(openssh: OpenSSH, log_in: LogIn, tmp_path: Path, small_disk: Path) -> None:
    (tmp_path / "model").write_bytes(bytes(8 * MIB))
    there = await RemotePlace.open("lab/pod/main", await log_in())
    copy = Copy(HERE, os.fsencode(tmp_path / "model"), there, os.fsencode(small_disk))
    with pytest.raises(DiskFullError, match="the disk is full"):
        await copy.run()
    assert not (small_disk / "model").exists()
    await copy.discard()
    assert entries(small_disk) == {}
    there.close()


@pytest.mark.parametrize(
    ("small_disk", "reason"),
    [("ro", "the file system is read-only"), ("nr_inodes=1", "the file system takes no more files")],
    indirect=["small_disk"],
)
async def test_a_file_system_that_takes_no_file_is_named(
    openssh: OpenSSH, log_in: LogIn, tmp_path: Path, small_disk: Path, reason: str
) -> None:
    (tmp_path / "notes").write_bytes(b"x")
    there = await RemotePlace.open("lab/pod/main", await log_in())
    copy = Copy(HERE, os.fsencode(tmp_path / "notes"), there, os.fsencode(small_disk))
    with pytest.raises(CopyError, match=reason):
        await copy.run()
    assert copy.parts == []
    there.close()


async def test_wildcards_match_what_they_match_with_scp(openssh: OpenSSH, log_in: LogIn, tmp_path: Path) -> None:
    for name in ("one/a.log", "one/.hidden.log", "two/b.log", "two/c.txt", "two/-d.log", "to/none"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    pattern = tmp_path / "[ot]*" / "*.l[a-o]g"
    scp(openssh, pattern, tmp_path / "to")
    there = await RemotePlace.open("lab/pod/main", await log_in())
    found = await expand(there, os.fsencode(pattern))
    there.close()
    assert {Path(os.fsdecode(path)).name for path in found} == {path.name for path in (tmp_path / "to").glob("*.log")}
