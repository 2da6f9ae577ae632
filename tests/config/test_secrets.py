"""Secrets by reference: each kind, failures, and none of them ever shown."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gputui.config import secrets
from gputui.config.loader import (
    parse_config,
)
from gputui.config.secrets import SecretRef
from gputui.errors import ConfigError
from tests.config.parsing import ACCOUNT, lab, problems


def test_a_plain_secret_needs_a_private_file() -> None:
    text = ACCOUNT.replace("env:PODY_PASSWORD", "hunter2") + 'ssh = { password = "hunter2" }'
    found = problems(text, private=False)
    assert [problem.split(": ")[1] for problem in found] == ["accounts.lab.ssh.password", "accounts.lab.password"]
    assert all("run chmod 600 config.toml" in problem for problem in found)
    assert [problem.rpartition(" ")[2] for problem in found] == ["env:LAB_SSH_PASSWORD", "env:LAB_PASSWORD"]
    assert "hunter2" not in "".join(found)
    assert lab('ssh = { password = "hunter2" }').ssh.password is not None


def test_a_reference_needs_no_private_file() -> None:
    assert parse_config(ACCOUNT, name="c", private=False).accounts


class TestSecrets:
    def test_every_kind_of_reference(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = tmp_path / "password"
        file.write_text("from file\n")
        monkeypatch.setenv("PODY_PASSWORD", "from env")
        command = f"cmd:{sys.executable} -c \"print('from cmd')\""
        references = ["env:PODY_PASSWORD", f"file:{file}", command, "hunter2:x"]
        values = [SecretRef.parse(text, where="accounts.lab.password").resolve().reveal() for text in references]
        assert values == ["from env", "from file", "from cmd", "hunter2:x"]

    def test_nothing_shows_a_plain_secret(self) -> None:
        account = lab('ssh = { password = "hunter2" }')
        assert "hunter2" not in f"{account!r}{account}{account.ssh.password!r}"

    @pytest.mark.parametrize(
        ("reference", "message"),
        [
            ("env:GPUTUI_TEST_UNSET", "the environment variable GPUTUI_TEST_UNSET is not set"),
            ("file:/nowhere/at/all", "cannot read /nowhere/at/all: No such file"),
            (f"cmd:{sys.executable} -c 'print(\"hunter2\"); raise SystemExit(3)'", "ended with exit status 3"),
            ("cmd:/nowhere/at/all hunter2", "the command did not start"),
            ("cmd:true", "is an empty text"),
        ],
    )
    def test_a_failure_names_the_key_and_not_the_value(self, reference: str, message: str) -> None:
        with pytest.raises(ConfigError, match=r"^accounts\.lab\.password: ") as caught:
            SecretRef.parse(reference, where="accounts.lab.password").resolve()
        assert message in caught.value.message
        assert caught.value.hint
        assert "hunter2" not in str(caught.value)

    def test_a_command_that_hangs_is_ended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(secrets, "COMMAND_TIMEOUT", 0.1)
        with pytest.raises(ConfigError, match="took longer than"):
            SecretRef.parse("cmd:sleep 60", where="accounts.lab.password").resolve()

    def test_a_command_has_no_terminal_to_ask_on(self) -> None:
        program = "import os; print(os.getsid(0) == os.getpid())"
        reference = SecretRef.parse(f"cmd:{sys.executable} -c '{program}'", where="accounts.lab.password")
        assert reference.resolve().reveal() == "True"

    def test_what_a_command_that_hangs_has_started_is_ended_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        script = tmp_path / "ask"
        script.write_text(f"sleep 60 > {fifo} &\nwait\n")
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        monkeypatch.setattr(secrets, "COMMAND_TIMEOUT", 0.5)
        with pytest.raises(ConfigError, match="took longer than"):
            SecretRef.parse(f"cmd:sh {script}", where="accounts.lab.password").resolve()
        select.select([reader], [], [], 5)
        # The end of the file: no writer has it open. While one has, this is a BlockingIOError.
        assert os.read(reader, 1) == b""
        os.close(reader)

    def test_the_keyring_is_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class LockedError(Exception):
            pass

        def get_password(service: str, user: str) -> str | None:
            if user == "locked":
                raise LockedError("hunter2")
            return {("gputui", "alice"): "from keyring"}.get((service, user))

        errors = SimpleNamespace(KeyringError=LockedError)
        monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get_password, errors=errors))
        monkeypatch.setitem(sys.modules, "keyring.errors", errors)

        def resolve(user: str) -> str:
            return SecretRef.parse(f"keyring:gputui/{user}", where="accounts.lab.password").resolve().reveal()

        assert resolve("alice") == "from keyring"
        with pytest.raises(ConfigError, match="keyring set gputui bob"):
            resolve("bob")
        with pytest.raises(ConfigError, match="Unlock it") as caught:
            resolve("locked")
        assert "hunter2" not in str(caught.value)

    def test_without_the_keyring_package_its_installation_is_suggested(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)
        with pytest.raises(ConfigError, match=r"pip install 'gputui\[keyring\]'"):
            SecretRef.parse("keyring:gputui/alice", where="accounts.lab.password").resolve()

    @pytest.mark.parametrize("text", ["", "env:", "env:A B", "file:", "file:password", "cmd:", "cmd:'x", "keyring:x"])
    def test_what_cannot_be_a_reference_is_reported_when_it_is_read(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"; |for example|needs"):
            SecretRef.parse(text, where="accounts.lab.password")


def test_a_password_may_contain_any_character() -> None:
    text = r"[accounts.lab]" + '\nkind = "pody"\nbase_url = "http://h"\nusername = "a"\n' + r'password = "a\u001bb"'
    parse_config(text, name="c.toml", private=True)
