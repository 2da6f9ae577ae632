"""Public keys installed on an instance by the real sh, and checked by a login."""

from __future__ import annotations

from pathlib import Path

import asyncssh
import pytest

from gputui.errors import ConfigError, SshError
from gputui.ssh.authorized_keys import OwnKey, accepts, install, own_keys
from tests.ssh.conftest import LoadAgent, Person
from tests.ssh.shells import ShellServer


def new_key(home: Path, name: str = "id_ed25519") -> asyncssh.SSHKey:
    """Write both halves of a key into the user's ~/.ssh, which is the server's as well."""
    (home / ".ssh").mkdir(mode=0o700, exist_ok=True)
    key = asyncssh.generate_private_key("ssh-ed25519", comment="it's me")
    key.write_private_key(home / ".ssh" / name)
    key.write_public_key(home / ".ssh" / f"{name}.pub")
    return key


async def own(path: Path | None = None) -> list[OwnKey]:
    async with own_keys(path) as keys:
        return keys


async def test_a_key_is_added_once_behind_what_is_there(person: Person, home: Path) -> None:
    new_key(home)
    file = home / ".ssh" / "authorized_keys"
    keys = await own()
    file.write_text(f"# {keys[0].line}\nssh-rsa AAAA without a line end")
    file.chmod(0o666)
    async with ShellServer() as server:
        connection = await person.connect(server.port)
        assert await install(connection, keys) == [True]
        assert await install(connection, keys) == [False]

    assert file.read_text() == f"# {keys[0].line}\nssh-rsa AAAA without a line end\n{keys[0].line}\n"
    assert keys[0].line.endswith(" it's me")
    assert file.stat().st_mode & 0o777 == 0o644


async def test_the_directory_is_made_for_the_user_alone(person: Person, home: Path, tmp_path: Path) -> None:
    key = new_key(home)
    async with ShellServer(("sh", "-c", f'HOME={tmp_path}; eval "$0"')) as server:
        assert await install(await person.connect(server.port), await own(home / ".ssh" / "id_ed25519.pub")) == [True]
    assert (tmp_path / ".ssh").stat().st_mode & 0o777 == 0o700
    file = tmp_path / ".ssh" / "authorized_keys"
    assert file.stat().st_mode & 0o777 == 0o600
    assert key.export_public_key().decode().split()[1] in file.read_text()


async def test_what_cannot_be_written_is_reported(person: Person, home: Path) -> None:
    new_key(home)
    keys = await own()
    (home / ".ssh" / "authorized_keys").mkdir()
    async with ShellServer() as server:
        connection = await person.connect(server.port)
        with pytest.raises(SshError, match=r"not added to ~/.ssh/authorized_keys: [^\ufffd]*directory\.$"):
            await install(connection, keys)


async def test_a_login_with_the_key_alone_tells_whether_it_works(person: Person, home: Path) -> None:
    key = new_key(home)
    (mine,) = await own()
    assert mine.private is not None
    async with ShellServer() as server:
        connection = await person.connect(server.port)
        assert not await accepts(connection, mine.private)
        server.client_keys.append(key)
        before = list(server.passwords)
        assert await accepts(connection, mine.private)
        assert server.passwords == before


async def test_keys_of_the_agent_come_first_and_a_named_file_wins(home: Path, load_agent: LoadAgent) -> None:
    new_key(home)
    held = asyncssh.generate_private_key("ssh-ed25519", comment="held")
    server = ShellServer()
    load_agent(server, [held])
    assert [key.comment for key in await own()] == ["held"]
    assert [key.comment for key in await own(home / ".ssh" / "id_ed25519")] == ["it's me"]


async def test_without_any_key_the_way_out_is_named(home: Path) -> None:
    with pytest.raises(ConfigError, match="ssh-keygen"):
        await own()
