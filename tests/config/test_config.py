"""The configuration: what is read, and what is told about a file that cannot be used."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest

from gputui import vendors
from gputui.api.deepdock.account import DeepdockAccount
from gputui.api.gpuhub.account import GpuhubAccount
from gputui.api.pody.account import PodyAccount
from gputui.api.yotta.account import YottaAccount
from gputui.config import secrets
from gputui.config.accounts import normalise_base_url
from gputui.config.loader import (
    Question,
    account_model,
    answer_problem,
    load_config,
    parse_config,
    questions,
    ssh_login,
)
from gputui.config.paths import config_path, state_dir
from gputui.config.preview import Preview, read_preview
from gputui.config.secrets import SecretRef
from gputui.errors import ConfigError
from gputui.text import clean

ACCOUNT = """
[accounts.lab]
kind = "pody"
base_url = "http://10.0.0.5:8799"
username = "alice"
password = "env:PODY_PASSWORD"
"""


def problems(text: str, *, private: bool = True) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, name="config.toml", private=private)
    return list(caught.value.problems)


def lab(extra: str = "", **options: bool) -> PodyAccount:
    account = parse_config(ACCOUNT + extra, name="c", private=True, **options).accounts["lab"]
    assert isinstance(account, PodyAccount)
    return account


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


def test_every_problem_is_told_at_once_with_its_key_and_the_fix() -> None:
    assert problems("""
colour = 1
[accounts.lab]
kind = "pody"
base_ur = "http://h"
password = "env:P"
timeout = "5"
ssh = { usr = "x", port = 99999 }
[accounts."a/b"]
kind = "pody"
[accounts.two]
kind = "podi"
[accounts.three]
[accounts.four]
kind = "pody"
base_url = "http://h"
username = "a:b"
password = "env:9"
name = "x"
gpu_memory = "many"
[ui]
tmux_window = "perhaps"
[polling]
stock = 0
""") == [
        "config.toml: colour: unknown key; the keys here are accounts, ui, polling",
        'config.toml: accounts.lab.base_url: is missing; add base_url = "http://10.0.0.5:8799"',
        "config.toml: accounts.lab.ssh.port: should be less than or equal to 65535; change it",
        "config.toml: accounts.lab.ssh.usr: unknown key; did you mean user?",
        "config.toml: accounts.lab.timeout: must be a number; write it without quotes",
        'config.toml: accounts.lab.username: is missing; add username = "alice"',
        "config.toml: accounts.lab.base_ur: unknown key; did you mean base_url?",
        "config.toml: accounts.a/b: is not a name for an account; "
        "use at most 32 letters, digits, dots, dashes and underscores",
        "config.toml: accounts.two.kind: unknown kind of back end; this release has: deepdock, gpuhub, pody, yotta",
        "config.toml: accounts.three.kind: is missing; this release has: deepdock, gpuhub, pody, yotta",
        "config.toml: accounts.four.name: unknown key; did you mean username?",
        'config.toml: accounts.four.gpu_memory: is not a size; write it as "24G"',
        "config.toml: accounts.four.username: cannot contain a colon; "
        "the server would read what follows as the password",
        "config.toml: accounts.four.password: env: needs the name of an environment variable; "
        "for example env:LAB_PASSWORD",
        "config.toml: ui.tmux_window: should be 'ask', 'always' or 'never'; change it",
        "config.toml: polling.stock: should be greater than or equal to 0.5; change it",
    ]


def test_a_key_map_that_cannot_be_is_told_with_all_else() -> None:
    assert problems(ACCOUNT + 'typo = 1\n[ui]\nkeys = { ssh = "x", "table.up" = "n o" }')[1:] == [
        "config.toml: ui.keys.table.up: 'n o' contains a space; "
        "write only a comma between keys, and space for the space bar",
        "config.toml: ui.keys.ssh: x is the key of exec already; assign another to one of them",
    ]


def test_every_kind_of_account_has_a_back_end_and_the_other_way_round() -> None:
    assert vendors.kinds() == list(vendors.usable())
    for kind in vendors.kinds():
        assert get_args(account_model(kind).model_fields["kind"].annotation) == (kind,)
        assert isinstance(vendors.load(kind, "backend"), type)
        assert vendors.load(kind, "simulator").kind == kind


def test_what_is_asked_for_an_account_follows_from_its_keys() -> None:
    assert questions(PodyAccount) == [
        Question("base_url", "Address", required=True, secret=False, example="http://10.0.0.5:8799"),
        Question("username", "User name", required=True, secret=False, example="alice"),
        Question("password", "Password", required=True, secret=True, example="env:PODY_PASSWORD"),
    ]
    assert answer_problem(PodyAccount, "pody", "username", "alice") is None
    assert "colon" in str(answer_problem(PodyAccount, "pody", "username", "a:b"))


def hub(text: str) -> GpuhubAccount:
    account = parse_config(f"[accounts.hub]\n{text}", name="c", private=True).accounts["hub"]
    assert isinstance(account, GpuhubAccount)
    return account


@pytest.mark.parametrize(
    ("preset", "base_url", "currency", "regions", "last"),
    [
        ("gpuhub", "https://api.gpuhub.com", "USD", 3, "Singapore-B"),
        ("autodl", "https://api.autodl.com", "CNY", 11, "yangzhouDC1"),
        ("autodl-private", "https://private.autodl.com", "CNY", 0, ""),
    ],
)
def test_a_preset_is_enough_beside_the_token(
    preset: str, base_url: str, currency: str, regions: int, last: str
) -> None:
    account = hub(f'preset = "{preset}"\ntoken = "env:T"')
    assert (account.kind, account.base_url, account.currency) == ("gpuhub", base_url, currency)
    assert (len(account.regions), "".join(account.regions[-1:])) == (regions, last)
    assert account.requests_per_second is None


def test_what_is_written_wins_over_the_preset() -> None:
    account = hub(
        'kind = "gpuhub"\ntoken = "tok"\nbase_url = "http://127.0.0.1:8700/"\nregions = ["a", "b"]\n'
        'currency = "EUR"\nrequests_per_second = 4'
    )
    assert (account.preset, account.base_url) == ("gpuhub", "http://127.0.0.1:8700")
    assert (account.regions, account.currency, account.requests_per_second) == (["a", "b"], "EUR", 4)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('preset = "aws"', "preset: should be 'gpuhub', 'autodl' or 'autodl-private'; change it"),
        ("preset = 3", "preset: should be 'gpuhub', 'autodl' or 'autodl-private'; change it"),
        ('regions = "sgp1"', 'regions: must be a list; write it as ["one", "two"]'),
        ('regions = ["a", 1]', 'regions.1: must be a text; write it in quotes, for example "value"'),
        ('regions = ["a", "a"]', "regions: has a twice; remove one"),
        (
            'regions = ["a", ""]',
            "regions: contains a name that is empty or has spaces around it; write only names of regions",
        ),
        (
            'regions = ["a,b"]',
            "regions: contains a comma or a slash inside a name; write one name in each pair of quotes",
        ),
        ('currency = "usd"', 'currency: is not a currency; write its three letters, for example "USD"'),
        ("requests_per_second = 0", "requests_per_second: should be greater than 0; change it"),
        ("region = 1", "region: unknown key; did you mean regions?"),
    ],
)
def test_a_mistake_in_a_cloud_account_is_told_with_its_fix(line: str, problem: str) -> None:
    text = f'[accounts.hub]\nkind = "gpuhub"\ntoken = "t"\n{line}'
    assert problems(text) == [f"config.toml: accounts.hub.{problem}"]


def test_an_account_without_a_token_is_told_how_to_write_one() -> None:
    assert problems('[accounts.hub]\npreset = "autodl"') == [
        'config.toml: accounts.hub.token: is missing; add token = "env:GPUHUB_TOKEN"'
    ]
    assert problems('[accounts.hub]\npreset = "autodl"\ntoken = "plain"', private=False)[0].endswith(
        "or write a reference such as env:HUB_TOKEN"
    )


def test_sets_of_regions_have_names() -> None:
    config = parse_config(ACCOUNT + '[ui.regions]\nasia = ["sgp1", "westDC2"]', name="c", private=True)
    assert config.ui.regions == {"asia": ["sgp1", "westDC2"]}
    assert problems(ACCOUNT + '[ui.regions]\nasia = ["a", "a"]') == [
        "config.toml: ui.regions.asia: has a twice; remove one"
    ]


def test_a_cloud_account_is_asked_for_its_cloud_and_token() -> None:
    assert questions(GpuhubAccount) == [
        Question(
            "preset", "Which cloud: gpuhub, autodl or autodl-private", required=False, secret=False, example="autodl"
        ),
        Question("token", "API token", required=True, secret=True, example="env:GPUHUB_TOKEN"),
    ]
    assert answer_problem(GpuhubAccount, "gpuhub", "preset", "autodl") is None
    assert "should be 'gpuhub'" in str(answer_problem(GpuhubAccount, "gpuhub", "preset", "aws"))


def dock(text: str = "") -> DeepdockAccount:
    account = parse_config(f'[accounts.dock]\nkind = "deepdock"\n{text}', name="c", private=True).accounts["dock"]
    assert isinstance(account, DeepdockAccount)
    return account


def test_a_deepdock_account_needs_nothing_but_its_kind() -> None:
    account = dock()
    assert (account.base_url, account.header, account.gpu_memory_bytes) == ("http://127.0.0.1:8000", None, None)


def test_a_deepdock_account_with_everything() -> None:
    account = dock(
        'base_url = "http://h07:8000/"\ngpu_model = "RTX 4090"\ngpu_memory = "24G"\n'
        'header = { name = "X-Api-Key", value = "hunter2" }'
    )
    assert (account.base_url, account.gpu_model, account.gpu_memory_bytes) == (
        "http://h07:8000",
        "RTX 4090",
        24 * 2**30,
    )
    assert account.header is not None
    assert (account.header.name, account.header.value.resolve().reveal()) == ("X-Api-Key", "hunter2")
    assert "hunter2" not in repr(account)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('header = "X-Api-Key: k"', "header: must be a table; write it as { key = value }"),
        ('header = { name = "X-Api-Key" }', 'header.value: is missing; add value = "env:DEEPDOCK_KEY"'),
        ('header = { value = "env:K" }', 'header.name: is missing; add name = "X-Api-Key"'),
        ('header = { name = "X", valu = "k", value = "k" }', "header.valu: unknown key; did you mean value?"),
        (
            'header = { name = "X-Api-Key:", value = "k" }',
            'header.name: is not the name of a header; write it as "X-Api-Key", without a colon',
        ),
        (
            'header = { name = "", value = "k" }',
            'header.name: is not the name of a header; write it as "X-Api-Key", without a colon',
        ),
        (
            'header = { name = "HOST", value = "k" }',
            "header.name: is a header that HTTP itself needs; use another one",
        ),
        (
            'header = { name = "Content-Length", value = "k" }',
            "header.name: is a header that HTTP itself needs; use another one",
        ),
        ('gpu_memory = "many"', 'gpu_memory: is not a size; write it as "24G"'),
    ],
)
def test_a_mistake_in_a_deepdock_account_is_told_with_its_fix(line: str, problem: str) -> None:
    text = f'[accounts.dock]\nkind = "deepdock"\n{line}'
    assert problems(text) == [f"config.toml: accounts.dock.{problem}"]


def test_a_plain_value_of_a_header_needs_a_private_file() -> None:
    text = '[accounts.dock]\nkind = "deepdock"\nheader = { name = "X-Api-Key", value = "hunter2" }'
    (problem,) = problems(text, private=False)
    assert problem.startswith("config.toml: accounts.dock.header.value: is plain text in a file that others can read")
    assert problem.endswith("or write a reference such as env:DOCK_HEADER_VALUE")


def test_a_deepdock_account_is_asked_for_its_address_alone() -> None:
    assert questions(DeepdockAccount) == [
        Question(
            "base_url",
            "Address; http://127.0.0.1:8000 when left out",
            required=False,
            secret=False,
            example="http://10.0.0.7:8000",
        ),
    ]


@pytest.mark.parametrize(("text", "line"), [("a = b", 1), ("[accounts.lab\n", 1), ('x = 1\ny = "z\n"', 2)])
def test_broken_toml_names_the_line(text: str, line: int) -> None:
    (problem,) = problems(text)
    assert problem.startswith("config.toml: ")
    assert f"line {line}" in problem


@pytest.mark.parametrize("text", ["", "[accounts]", "accounts = 3", "[ui]\nutc = true"])
def test_a_file_without_accounts_says_how_to_add_one(text: str) -> None:
    assert "config.toml: accounts: there are none; add one as [accounts.NAME], or run gputui init" in problems(text)


@pytest.mark.parametrize("text", ["ui = 3", "polling = []", "accounts.lab = 1", "[ui]\nkeys = 3"])
def test_what_should_be_a_table_is_told(text: str) -> None:
    assert any("must be a table; write it as" in problem for problem in problems(text))


def test_a_plain_secret_needs_a_private_file() -> None:
    text = ACCOUNT.replace("env:PODY_PASSWORD", "hunter2") + 'ssh = { password = "hunter2" }'
    told = problems(text, private=False)
    assert [problem.split(": ")[1] for problem in told] == ["accounts.lab.ssh.password", "accounts.lab.password"]
    assert all("run chmod 600 config.toml" in problem for problem in told)
    assert [problem.rpartition(" ")[2] for problem in told] == ["env:LAB_SSH_PASSWORD", "env:LAB_PASSWORD"]
    assert "hunter2" not in "".join(told)
    assert lab('ssh = { password = "hunter2" }').ssh.password is not None


def test_a_reference_needs_no_private_file() -> None:
    assert parse_config(ACCOUNT, name="c", private=False).accounts


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
    ("url", "fix"),
    [
        ("10.0.0.5:8799", "write it as http://HOST:PORT"),
        ("ftp://h", "write it as http://HOST:PORT"),
        ("http://", "write it as http://HOST:PORT"),
        ("http://h:port", "write it as http://HOST:PORT"),
        ("http://[::1", "write it as http://HOST:PORT"),
        ("http://alice:hunter2@h", "use separate keys for them"),
        ("http://h/?token=hunter2", "remove what follows"),
        ("http://h/#hunter2", "remove what follows"),
        ("http://h hunter2", "remove it"),
        ("http://h\\u001b", "remove it"),
    ],
)
def test_a_base_url_that_cannot_be_used_is_told_without_repeating_it(url: str, fix: str) -> None:
    (problem,) = problems(ACCOUNT.replace("http://10.0.0.5:8799", url))
    assert problem.startswith("config.toml: accounts.lab.base_url: ")
    assert problem.endswith(fix)
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    "jump", ["bastion", "alice@bastion", "alice@bastion:2222", "[fd00::1]:22", "a@10.0.0.1", "a@corp.example@gw"]
)
def test_a_jump_host_is_accepted(jump: str) -> None:
    assert lab(f'ssh = {{ jump = "{jump}" }}').ssh.jump == jump


@pytest.mark.parametrize("jump", ["", "a b", "@c", "-oProxyCommand=x y", "h:port"])
def test_what_is_no_jump_host_is_refused(jump: str) -> None:
    assert "jump host" in problems(ACCOUNT + f'ssh = {{ jump = "{jump}" }}')[0]


def test_read_only_wins_over_the_file() -> None:
    assert lab("read_only = false", read_only=True).read_only


def test_ssh_login_resolves_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    monkeypatch.setenv("POD_PASSWORD", "podpass")
    login = ssh_login(lab('ssh = { user = "root", key = "~/.ssh/lab", password = "env:POD_PASSWORD" }'))
    assert (login.user, login.key, login.agent) == ("root", "/home/alice/.ssh/lab", True)
    assert login.password is not None
    assert login.password.reveal() == "podpass"


class TestLoading:
    def test_a_private_file_may_hold_secrets(self, tmp_path: Path) -> None:
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

    def test_other_encodings_are_told(self, tmp_path: Path) -> None:
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
        # The end of the file: nobody has it open for writing. While somebody has, this is a BlockingIOError.
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

    def test_without_the_keyring_package_its_installation_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)
        with pytest.raises(ConfigError, match=r"pip install 'gputui\[keyring\]'"):
            SecretRef.parse("keyring:gputui/alice", where="accounts.lab.password").resolve()

    @pytest.mark.parametrize("text", ["", "env:", "env:A B", "file:", "file:password", "cmd:", "cmd:'x", "keyring:x"])
    def test_what_cannot_be_a_reference_is_told_when_it_is_read(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"; |for example|needs"):
            SecretRef.parse(text, where="accounts.lab.password")


def test_a_yotta_account_needs_nothing_but_its_key() -> None:
    account = parse_config('[accounts.y]\nkind = "yotta"\napi_key = "hunter2"', name="c", private=True).accounts["y"]
    assert isinstance(account, YottaAccount)
    assert (account.base_url, account.currency) == ("https://api.yottalabs.ai", "USD")
    assert account.api_key.resolve().reveal() == "hunter2"
    assert "hunter2" not in repr(account)
    assert questions(YottaAccount) == [
        Question("api_key", "API key", required=True, secret=True, example="env:YOTTA_API_KEY")
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", 'api_key: is missing; add api_key = "env:YOTTA_API_KEY"'),
        (
            'api_key = "k"\ncurrency = "dollars"',
            'currency: is not a currency; write its three letters, for example "USD"',
        ),
        (
            'api_key = "k"\ntoken = "k"',
            "token: unknown key; the keys here are kind, base_url, ssh, read_only, timeout, currency, price, prices, "
            "api_key",
        ),
        ("api_key = 7", "api_key: must be a text; for example env:Y_API_KEY"),
    ],
)
def test_a_mistake_in_a_yotta_account_is_told_with_its_fix(text: str, problem: str) -> None:
    assert problems(f'[accounts.y]\nkind = "yotta"\n{text}') == [f"config.toml: accounts.y.{problem}"]


@pytest.mark.parametrize(
    "line",
    [
        r'gpu_model = "RTX\u001b]52;c;aGk=\u0007"', r'username = "a\u202eb"', r'ssh = { user = "r\u001b[2J" }',
        r'ssh = { key = "~/.ssh/\u009b31m" }',
    ],
)  # fmt: skip
def test_a_text_that_would_act_on_the_terminal_is_refused(line: str) -> None:
    text = f'[accounts.lab]\nkind = "pody"\nbase_url = "http://h"\npassword = "env:P"\n{line}\n'
    text += "" if line.startswith("username") else 'username = "a"\n'
    with pytest.raises(ConfigError) as caught:
        parse_config(text, name="c.toml", private=True)
    assert "contains a character that cannot be shown; remove it" in str(caught.value)
    assert clean(str(caught.value), multiline=True) == str(caught.value)


def test_a_password_may_hold_any_character() -> None:
    text = r"[accounts.lab]" + '\nkind = "pody"\nbase_url = "http://h"\nusername = "a"\n' + r'password = "a\u001bb"'
    parse_config(text, name="c.toml", private=True)


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + "9" * 5_000])
def test_a_file_that_cannot_be_parsed_is_a_mistake_in_the_file(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="correct the line"):
        parse_config(text, name="c.toml", private=True)
    file = tmp_path / "c.toml"
    file.write_text(text)
    assert read_preview(file) == Preview()


def test_the_first_frame_shows_no_name_that_acts_on_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(
        r'[accounts."a\u001b]52;c;aGk=\u0007"]' + "\n[accounts.lab]\n" + r"[ui.regions]" + "\n" + r'"x\u001b" = ["y"]'
    )
    preview = read_preview(file)
    assert list(preview.accounts) == ["lab"]
    assert preview.ui.regions == {}


YOTTA_KEY = '[accounts.yotta]\nkind = "yotta"\napi_key = "k"\n'


def test_prices_are_stated_by_gpu_model_or_for_any() -> None:
    account = parse_config(
        f'{YOTTA_KEY}price = 0.1\n[accounts.yotta.prices]\n"H100" = 2.5\n"RTX 4090" = 1\n', name="c", private=True
    ).accounts["yotta"]
    assert (account.price, account.prices, account.currency) == (0.1, {"H100": 2.5, "RTX 4090": 1.0}, "USD")
    assert lab("price = 0").price == 0
    assert lab().price is None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("price = -1", "accounts.yotta.price:"),
        ("price = nan", "accounts.yotta.price:"),
        ("price = true", "accounts.yotta.price:"),
        ('prices = { "H100" = "2.5" }', "accounts.yotta.prices.H100:"),
        ('prices = { "H100" = -2 }', "accounts.yotta.prices.H100:"),
        ("prices = 2.5", "accounts.yotta.prices:"),
        ('prices = { " " = 2.5 }', 'write "H100" = 2.5'),
        (
            'prices = { "RTX 4090" = 1, "NVIDIA_RTX_4090_24G" = 2 }',
            "has RTX 4090 and NVIDIA_RTX_4090_24G, which are one model; remove one",
        ),
    ],
)
def test_a_mistake_in_prices_names_the_key(line: str, problem: str) -> None:
    (found,) = problems(YOTTA_KEY + line + "\n")
    assert problem in found
