"""This machine as a place of files, whose threads may be late."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from gputui.ssh.sftp import local
from gputui.ssh.sftp.local import LocalPlace


async def test_of_a_cancelled_copy_no_part_is_made_after_it_was_removed_and_no_file_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, late, opened = threading.Event(), threading.Event(), list[int]()
    open_part = local._open_part

    def open_late(path: bytes, mode: int, *, new: bool) -> int:
        begun.set()
        assert late.wait(10)
        opened.append(open_part(path, mode, new=new))
        return opened[0]

    monkeypatch.setattr(local, "_open_part", open_late)
    place, part = LocalPlace(), bytes(tmp_path / "part")
    opening = asyncio.create_task(place.open_part(part, 0o600, new=True))
    await asyncio.to_thread(begun.wait, 10)
    opening.cancel()
    asyncio.get_running_loop().call_later(0.05, late.set)
    with pytest.raises(asyncio.CancelledError):
        await opening
    await place.remove(part)
    await asyncio.to_thread(late.wait, 10)
    await asyncio.get_running_loop().shutdown_default_executor()
    assert not (tmp_path / "part").exists()
    (fd,) = opened
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


async def test_a_cancelled_copy_does_not_wait_for_a_checksum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, late = threading.Event(), threading.Event()

    def slow(path: bytes) -> str:
        begun.set()
        assert late.wait(10)
        return ""

    monkeypatch.setattr(local, "local_sha256", slow)
    making = asyncio.create_task(LocalPlace().sha256(bytes(tmp_path)))
    await asyncio.to_thread(begun.wait, 10)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert not late.is_set()
    late.set()
