"""The user's known_hosts files: who is trusted, what is refused, and how a new key gets in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gputui.errors import HostKeyError, SshError
from gputui.ssh.known_hosts import KnownHosts
from gputui.ssh.trust import TrustedKeys
from gputui.ssh.user_known_hosts import NewKeys, UserKnownHosts
from tests.ssh.test_known_hosts import new_key

KEY, OTHER, AUTHORITY = new_key()[0], new_key()[0], new_key()[0]
HASHED = "|1|MntrVTETKnJwp5hWpfBzTcAnpJQ=|SdNOl9cxbprwVtrAfNdeOapjbhA="
"""``[10.0.0.1]:2222``, as ssh-keygen -H wrote it."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "known_hosts"


@pytest.fixture
def host(tmp_path: Path, file: Path) -> UserKnownHosts:
    return UserKnownHosts("lab/ssh/gpu01", "10.0.0.1", 2222, KnownHosts(tmp_path / "state"), (file,))


@pytest.mark.parametrize(
    "names",
    [
        *("[10.0.0.1]:2222", "web,[10.0.0.1]:2222", "[10.0.*]:2222", "*,!web", HASHED),
        "10.0.0.1",  # a name without a port is good for any, as in OpenSSH
    ],
)
def test_a_line_about_the_host_makes_its_key_known(host: UserKnownHosts, file: Path, names: str) -> None:
    file.write_text(f"# a comment\n\n{names} {KEY.algorithm} {KEY.data} somebody@here\n")
    assert host.trusted() == TrustedKeys((KEY,))


@pytest.mark.parametrize(
    "names",
    ["[10.0.0.1]:22", "10.0.0.2", "*,![10.0.0.1]:*,!10.0.0.1", "[10.0.0.11]:2222", HASHED[:-3] + "=", "|2|a|b"],
)
def test_a_line_about_another_host_does_not(host: UserKnownHosts, file: Path, names: str) -> None:
    file.write_text(f"{names} {KEY.algorithm} {KEY.data}\n")
    assert host.trusted().is_empty
    assert host.refusal(KEY) is None


def test_authorities_and_revoked_keys_are_kept_apart_and_unknown_markers_passed_over(
    host: UserKnownHosts, file: Path
) -> None:
    file.write_text(
        f"@cert-authority *.1]:* {AUTHORITY.algorithm} {AUTHORITY.data}\n"
        f"@revoked * {OTHER.algorithm} {OTHER.data}\n"
        f"@future * {KEY.algorithm} {KEY.data}\n"
    )
    assert host.trusted() == TrustedKeys((), (AUTHORITY,), (OTHER,))
    refusal = host.refusal(OTHER)
    assert refusal is not None
    assert f"is marked as revoked in {file}:2" in refusal.message
    assert host.refusal(KEY) is None


def test_a_changed_key_is_refused_with_file_line_and_the_way_out(host: UserKnownHosts, file: Path) -> None:
    file.write_text(f"\n{HASHED} {KEY.algorithm} {KEY.data}\n")
    refusal = host.refusal(OTHER)
    assert refusal is not None
    assert f"remembered {KEY} ({file}:2), now {OTHER}" in refusal.message
    assert f"ssh-keygen -f {file} -R '[10.0.0.1]:2222'" in refusal.hint


def test_another_key_under_the_name_without_the_port_is_no_change(host: UserKnownHosts, file: Path) -> None:
    file.write_text(f"10.0.0.1 {KEY.algorithm} {KEY.data}\n")
    assert host.refusal(OTHER) is None


def test_a_damaged_line_counts_for_its_host_alone(host: UserKnownHosts, file: Path) -> None:
    file.write_bytes(f"web ssh-ed25519 AAAA\n\xff\n[10.0.0.1]:2222 {KEY.algorithm} {KEY.data}\n".encode("latin-1"))
    assert host.trusted().keys == (KEY,)
    file.write_text("\n[10.0.0.1]:2222 ssh-ed25519 AAAA\n")
    with pytest.raises(HostKeyError, match=f"{file}:2 is damaged"):
        host.trusted()


def test_a_file_that_cannot_be_read_is_not_taken_for_an_empty_one(host: UserKnownHosts, file: Path) -> None:
    assert host.trusted().is_empty
    file.mkdir()
    with pytest.raises(SshError, match="a changed host key would look like a new one"):
        host.trusted()


def test_a_new_key_is_appended_and_nothing_else_changes(host: UserKnownHosts, file: Path) -> None:
    before = f"# mine\nweb {OTHER.algorithm} {OTHER.data}"
    file.write_text(before)
    question = host.question(KEY)
    assert question.kept_in == f"added to {file}"
    question.remember()
    assert file.read_text() == f"{before}\n[10.0.0.1]:2222 {KEY.algorithm} {KEY.data}\n"
    assert host.trusted().keys == (KEY,)
    assert replace(host, port=22).trusted().is_empty


def test_a_new_key_gets_a_private_file_in_a_new_directory(host: UserKnownHosts, tmp_path: Path) -> None:
    file = tmp_path / "new" / "known_hosts"
    replace(host, user_files=(file,), name="rack").question(KEY).remember()
    assert file.read_text() == f"rack {KEY.algorithm} {KEY.data}\n"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("hashes", [None, True])
def test_names_are_hashed_where_those_of_the_file_are(host: UserKnownHosts, file: Path, hashes: bool | None) -> None:
    if hashes is None:
        file.write_text(f"{HASHED} {OTHER.algorithm} {OTHER.data}\n")
    there = replace(host, host="node7", hashes=hashes)
    there.question(KEY).remember()
    assert "node7" not in file.read_text()
    assert there.trusted().keys == (KEY,)


def test_the_question_counts_the_other_names_and_instances_with_the_key(host: UserKnownHosts, file: Path) -> None:
    names = ("web,web2", KEY), ("|1|AAAA|AAAA", KEY), ("x", OTHER)
    file.write_text("".join(f"{name} {key.algorithm} {key.data}\n" for name, key in names))
    host.hosts.remember("lab/pod/main", "10.0.0.1", 2222, KEY)
    question = host.question(KEY)
    assert question.same_key_at == ("web", f"a hashed name ({file}:2)", "lab/pod/main")
    assert question.address_was == ("lab/pod/main",)


def test_a_configuration_may_forbid_the_question(host: UserKnownHosts, file: Path) -> None:
    refusal = replace(host, new_keys=NewKeys.REFUSE).refusal(KEY)
    assert refusal is not None
    assert "StrictHostKeyChecking forbids the question" in refusal.message
    assert str(file) in refusal.hint
    assert replace(host, new_keys=NewKeys.ACCEPT).accepts_new


def test_without_a_file_of_the_user_no_key_is_stored(host: UserKnownHosts, home: Path) -> None:
    question = replace(host, user_files=()).question(KEY)
    question.remember()
    assert "for this login alone" in question.kept_in
    assert list(home.rglob("known_hosts")) == []
