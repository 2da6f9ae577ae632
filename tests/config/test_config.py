"""The configuration as it is read."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from gputui.api.pody.account import PodyAccount
from gputui.config.accounts import normalise_base_url
from gputui.config.loader import (
    load_config,
    parse_config,
    ssh_login,
)
from gputui.config.paths import config_path, state_dir
from gputui.config.preview import read_preview
from gputui.errors import ConfigError
from gputui.models import Money
from tests.config.parsing import ACCOUNT, lab, problems


def test_an_account_with_defaults() -> None:
    account = lab()
    assert (account.name, account.kind, account.base_url) == ("lab", "pody", "http://10.0.0.5:8799")
    assert (account.username, account.read_only, account.timeout) == ("alice", False, 30.0)
    assert account.ssh.agent
    assert account.gpu_memory_bytes is None


def test_everything_can_be_set() -> None:
    config = parse_config(
        ACCOUNT
        + """
read_only = true
gpu_model = "RTX 4090"
gpu_memory = "24G"
timeout = 5
ssh = { user = "alice", port = 2222, key = "~/.ssh/lab", password = "hunter2", agent = false, jump = "a@b:22" }
[ui]
theme = "nord"
utc = true
mouse = false
tmux_window = "never"
keys = { ssh = "s,ctrl+o" }
[polling]
stock = 10
events = 1.5
""",
        name="c",
        private=True,
    )
    account = config.accounts["lab"]
    assert isinstance(account, PodyAccount)
    assert account.read_only
    assert account.gpu_memory_bytes == 24 * 2**30
    assert account.ssh.port == 2222
    assert config.ui.keys == {"ssh": "s,ctrl+o"}
    assert (config.polling.stock, config.polling.events, config.polling.lists) == (10, 1.5, 5)


def test_budgets_are_read_with_their_names() -> None:
    text = f"""{ACCOUNT}
[budgets.team]
amount = 500
currency = "USD"
per = "week"
accounts = ["lab"]
levels = [100, 50]
"""
    (budget,) = parse_config(text, name="c", private=True).budget_list
    assert (budget.name, budget.amount, budget.per) == ("team", Money(Decimal(500), "USD"), "week")
    assert (budget.accounts, budget.levels) == (("lab",), (50.0, 100.0))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://10.0.0.5:8799/", "http://10.0.0.5:8799"),
        ("https://GPU01.Example.org", "https://gpu01.example.org"),
        ("http://h:80/pody/", "http://h:80/pody"),
        ("http://[fd00::1]:8799", "http://[fd00::1]:8799"),
    ],
)
def test_a_base_url_is_normalised(written: str, meant: str) -> None:
    assert normalise_base_url(written) == meant


@pytest.mark.parametrize(
    "jump", ["bastion", "alice@bastion", "alice@bastion:2222", "[fd00::1]:22", "a@10.0.0.1", "a@corp.example@gw"]
)
def test_a_jump_host_is_accepted(jump: str) -> None:
    assert lab(f'ssh = {{ jump = "{jump}" }}').ssh.jump == jump


def test_read_only_wins_over_the_file() -> None:
    assert lab("read_only = false", read_only=True).read_only


def test_ssh_login_resolves_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    monkeypatch.setenv("POD_PASSWORD", "podpass")
    login = ssh_login(lab('ssh = { user = "root", key = "~/.ssh/lab", password = "env:POD_PASSWORD" }'))
    assert (login.user, login.key, login.agent) == ("root", "/home/alice/.ssh/lab", True)
    assert login.password is not None
    assert login.password.reveal() == "podpass"


@pytest.mark.parametrize(
    ("written", "accepts"), [("", None), ('host_keys = "ask"', False), ('host_keys = "accept-new"', True)]
)
def test_new_host_keys_are_asked_about_or_accepted(written: str, accepts: bool | None) -> None:
    assert ssh_login(lab(f"ssh = {{ {written} }}")).accept_new is accepts


def test_another_openssh_configuration_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    assert ssh_login(lab('ssh = { config = "~/lab/ssh_config" }')).config == Path("/home/alice/lab/ssh_config")


def test_host_keys_are_never_accepted_blindly() -> None:
    assert "accept-new" in problems(ACCOUNT + 'ssh = { host_keys = "no" }')[0]


class TestLoading:
    def test_a_private_file_may_contain_secrets(self, tmp_path: Path) -> None:
        file = tmp_path / "config.toml"
        file.write_text(ACCOUNT.replace("env:PODY_PASSWORD", "hunter2"))
        file.chmod(0o600)
        assert list(load_config(file).accounts) == ["lab"]
        file.chmod(0o640)
        with pytest.raises(ConfigError, match="chmod 600") as caught:
            load_config(file)
        assert caught.value.problems[0].startswith(f"{file}: accounts.lab.password: ")

    def test_a_missing_file_says_how_to_make_one(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="gputui init"):
            load_config(tmp_path / "none.toml")

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="is a folder; name a file"):
            load_config(tmp_path)

    def test_other_encodings_are_reported(self, tmp_path: Path) -> None:
        file = tmp_path / "config.toml"
        file.write_bytes("# Größe".encode("latin-1"))
        with pytest.raises(ConfigError, match="byte 5 is not UTF-8"):
            load_config(file)

    def test_the_environment_names_file_and_state(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GPUTUI_CONFIG", "/etc/gputui.toml")
        monkeypatch.setenv("GPUTUI_STATE_DIR", "/var/gputui")
        assert config_path() == Path("/etc/gputui.toml")
        assert state_dir() == Path("/var/gputui")

    def test_without_it_they_are_where_the_desktop_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("GPUTUI_CONFIG", raising=False)
        monkeypatch.setenv("XDG_CONFIG_HOME", "/home/alice/.config")
        assert config_path() == Path("/home/alice/.config/gputui/config.toml")


def test_the_first_frame_shows_no_name_that_acts_on_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        r'[accounts."a\u001b]52;c;aGk=\u0007"]' + "\n[accounts.lab]\n" + r"[ui.regions]" + "\n" + r'"x\u001b" = ["y"]'
    )
    preview = read_preview(file)
    assert list(preview.accounts) == ["lab"]
    assert preview.ui.regions == {}
