"""Paths that a user writes, with the name of a user that this machine does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from gputui.config.paths import as_path, config_path, state_dir
from gputui.config.secrets import SecretRef
from gputui.errors import ConfigError, SshError
from gputui.models import SSHLogin
from gputui.own_program import option_words
from gputui.ssh.credentials import Credentials

UNKNOWN = "~no-such-user/file"


def test_an_unknown_user_in_a_path_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert as_path(UNKNOWN) == Path(UNKNOWN)
    assert as_path("~/file") == Path.home() / "file"
    monkeypatch.setenv("GPUTUI_CONFIG", UNKNOWN)
    assert config_path() == Path(UNKNOWN)
    assert option_words(UNKNOWN) == ("--config", str(Path.cwd() / UNKNOWN))


def test_no_state_is_kept_for_an_unknown_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPUTUI_STATE_DIR", UNKNOWN)
    with pytest.raises(ConfigError, match=r"GPUTUI_STATE_DIR: there is no user no-such-user\."):
        state_dir()


def test_a_secret_in_a_file_of_an_unknown_user_cannot_be_read() -> None:
    with pytest.raises(ConfigError, match="cannot read ~no-such-user/file: No such file"):
        SecretRef.parse(f"file:{UNKNOWN}", where="accounts.lab.token").resolve()


async def test_an_ssh_key_of_an_unknown_user_cannot_be_read() -> None:
    credentials = Credentials("lab/main", SSHLogin(key=UNKNOWN, agent=False), None, None)
    with pytest.raises(SshError, match=r"The SSH key .*~no-such-user/file cannot be read: No such file"):
        await credentials.load()
