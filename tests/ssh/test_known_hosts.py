"""The remembered host keys: one file an id, readable by its owner alone, never silently forgotten."""

from __future__ import annotations

import stat
from pathlib import Path

import asyncssh
import pytest

from gputui.errors import HostKeyError, SshError
from gputui.models import Ref, SSHTarget
from gputui.private_files import open_private
from gputui.ssh import known_hosts
from gputui.ssh.known_hosts import HostKey, KnownHosts, host_id_of

ID = "lab/pod/main"


def new_key() -> tuple[HostKey, str]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    return HostKey.parse(key.export_public_key().decode()), key.get_fingerprint()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state" / "known_hosts"


def test_a_remembered_key_is_known_to_the_next_process(directory: Path) -> None:
    key, _ = new_key()
    assert KnownHosts(directory).keys(ID) == ()
    KnownHosts(directory).remember(ID, "10.0.0.5", 23092, key)
    assert KnownHosts(directory).keys(ID) == (key,)
    assert KnownHosts(directory).keys("lab/pod/other") == ()


def test_only_the_owner_can_read_and_lines_are_openssh_lines(directory: Path) -> None:
    key, _ = new_key()
    KnownHosts(directory).remember(ID, "fe80::1", 22, key)
    (file,) = directory.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert file.read_text().splitlines() == [f"# {ID}", f"[fe80::1]:22 ssh-ed25519 {key.data}"]


def test_the_fingerprint_is_the_one_openssh_shows() -> None:
    key, fingerprint = new_key()
    assert key.fingerprint == fingerprint


@pytest.mark.parametrize("host_id", ["../../../etc/passwd", "..", "a" * 4000, "lab/pod/\x1b[31m\nx", "jump/[::1]:22"])
def test_any_id_stays_inside_the_directory(directory: Path, host_id: str) -> None:
    key, _ = new_key()
    hosts = KnownHosts(directory)
    hosts.remember(host_id, "h", 22, key)
    assert hosts.keys(host_id) == (key,)
    assert [path.parent for path in directory.parent.rglob("*.hosts")] == [directory]
    assert hosts.forget(host_id)
    assert hosts.keys(host_id) == ()
    assert not hosts.forget(host_id)


@pytest.mark.parametrize("line", ["[h]:22 ssh-ed25519 AAAA", "[h]:22", "\x00\x01", "[h]:22 ssh-rsa !!!!"])
def test_a_damaged_file_is_refused_rather_than_skipped(directory: Path, line: str) -> None:
    key, _ = new_key()
    hosts = KnownHosts(directory)
    hosts.remember(ID, "h", 22, key)
    (file,) = directory.iterdir()
    file.write_text(file.read_text() + line + "\n")
    with pytest.raises(HostKeyError, match="line 3"):
        hosts.keys(ID)


def test_the_question_names_other_ids_with_that_key(directory: Path) -> None:
    key, other = new_key()[0], new_key()[0]
    hosts = KnownHosts(directory)
    hosts.remember("lab/pod/twin", "10.0.0.5", 1, key)
    hosts.remember("lab/pod/before", "10.0.0.5", 22, other)
    question = hosts.question(ID, "10.0.0.5", 22, key)
    assert question.same_key_at == ("lab/pod/twin",)
    assert question.address_was == ("lab/pod/before",)
    assert key.fingerprint in question.describe()
    assert "The same key is known for 1 other instance: lab/pod/twin." in question.describe()


def test_the_question_counts_the_instances_that_have_the_key(directory: Path) -> None:
    key, hosts = new_key()[0], KnownHosts(directory)
    for number in range(6):
        hosts.remember(f"lab/pod/p{number}", "10.0.0.5", 22, key)
    asked = hosts.question(ID, "10.0.0.6", 22, key).describe()
    assert "for 6 other instances: lab/pod/p0, lab/pod/p1, lab/pod/p2 and 3 more." in asked
    hosts.remember("jump/gw:22", "10.0.0.5", 22, key)
    assert "for 7 other hosts: jump/gw:22, lab/pod/p0" in hosts.question(ID, "10.0.0.6", 22, key).describe()


def test_a_question_reads_every_file_once(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, _ = new_key()
    hosts = KnownHosts(directory)
    for number in range(3):
        hosts.remember(f"lab/pod/p{number}", "10.0.0.5", 22, key)
    opened: list[str] = []

    def counting(path: Path, flags: int) -> int:
        opened.append(path.name)
        return open_private(path, flags)

    monkeypatch.setattr(known_hosts, "open_private", counting)
    question = hosts.question(ID, "10.0.0.5", 22, key)
    assert question.address_was == ("lab/pod/p0", "lab/pod/p1", "lab/pod/p2")
    assert len(opened) == len(set(opened)) == 3


def test_an_instance_created_again_under_its_name_is_unknown_and_not_changed(tmp_path: Path) -> None:
    hosts, ref = KnownHosts(tmp_path), Ref("lab", "pod", "main")
    (key, _), (other, _) = new_key(), new_key()
    before, after = (
        host_id_of(ref, SSHTarget("10.0.0.5", 23092, "root", generation=text)) for text in ("28f8", "91ab")
    )
    hosts.remember(before, "10.0.0.5", 23092, key)
    assert hosts.keys(before) == (key,)
    assert hosts.keys(after) == ()
    assert "was lab/pod/main before" in hosts.question(after, "10.0.0.5", 23092, other).describe()


def test_forgetting_a_name_forgets_every_instance_that_had_it(tmp_path: Path) -> None:
    hosts, ref = KnownHosts(tmp_path), Ref("lab", "pod", "main")
    key, _ = new_key()
    made = host_id_of(ref, SSHTarget("10.0.0.5", 23092, "root", generation="28f8"))
    hosts.remember(made, "10.0.0.5", 23092, key)
    hosts.remember("lab/pod/maintenance", "10.0.0.5", 23093, key)
    assert hosts.forget(str(ref))
    assert hosts.keys(made) == ()
    assert hosts.keys("lab/pod/maintenance") == (key,)
    assert not hosts.forget(str(ref))


def test_a_link_in_place_of_a_file_of_keys_is_refused_and_not_followed(directory: Path) -> None:
    key, _ = new_key()
    hosts = KnownHosts(directory)
    hosts.remember(ID, "10.0.0.5", 22, key)
    (file,) = directory.iterdir()
    target = directory.parent / "authorized_keys"
    file.rename(target)
    file.symlink_to(target)
    before = target.read_bytes()
    with pytest.raises(SshError, match="it is a symbolic link"):
        hosts.keys(ID)
    with pytest.raises(SshError, match="it is a symbolic link"):
        hosts.remember(ID, "10.0.0.6", 22, key)
    assert target.read_bytes() == before
