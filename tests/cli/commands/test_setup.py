"""Making a configuration, checking it, changing a password."""

import io
import json
import stat
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, PlainValidator

from gputui import vendors
from gputui.cli import prompts
from gputui.cli.commands import init
from gputui.cli.session import open_history
from gputui.config.accounts import secret_at
from gputui.config.loader import Account
from gputui.config.paths import scope_of
from gputui.config.secrets import SecretRef
from gputui.history.saved_views import SavedView, SavedViews
from gputui.sim.server import Running
from tests.cli.conftest import Simulation, write_config

Run = Callable[..., tuple[int, str, str]]
Person = Callable[..., None]


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Person:
    """A person at the terminal who types these lines and, where nothing shows, these secrets."""

    def sit_down(*lines: str, secrets: tuple[str, ...] = ("wonderland",)) -> None:
        hidden: Iterator[str] = iter(secrets)

        def getpass(prompt: str, stream: object = None) -> str:
            try:
                return next(hidden)
            except StopIteration:
                raise EOFError from None

        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        monkeypatch.setattr(prompts, "interactive", lambda: True)
        monkeypatch.setattr("getpass.getpass", getpass)

    return sit_down


@pytest.fixture
def server(home: Path, shared_simulation: Simulation) -> str:
    """The address of a pody server, with no configuration for it."""
    return shared_simulation.running.base_urls["lab"]


def accounts(path: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = tomllib.loads(path.read_text())["accounts"]
    return found


def test_init_writes_a_private_file_after_saying_what_the_server_is(
    server: str, home: Path, run: Run, person: Person
) -> None:
    person("", "", server, "alice")

    status, out, err = run("init")

    path = home / "config.toml"
    assert (status, out) == (0, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert accounts(path) == {
        "lab": {"kind": "pody", "base_url": server, "username": "alice", "password": "wonderland"}
    }
    assert "pody 0.4.1" in err
    assert "You are alice" in err
    assert "wonderland" not in err
    assert run("get", "images", "-o", "json")[0] == 0


def test_init_keeps_a_reference_as_a_reference(
    server: str, home: Path, run: Run, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_PASSWORD", "wonderland")
    person("", "", server, "alice", secrets=("env:LAB_PASSWORD",))

    assert run("init")[0] == 0
    assert accounts(home / "config.toml")["lab"]["password"] == "env:LAB_PASSWORD"


def test_init_adds_to_what_is_there_and_leaves_the_rest_as_it_was(
    world: Running, home: Path, run: Run, person: Person
) -> None:
    before = "# mine\n" + (home / "config.toml").read_text()
    write_config(home, before)
    person("y", "lab", "third", "pody", world.base_urls["lab"], "alice")

    status, _, err = run("init")

    assert status == 0
    assert "lab is there already" in err
    assert (home / "config.toml").read_text().startswith(before.rstrip())
    assert list(accounts(home / "config.toml")) == ["lab", "lab-b", "third"]


def test_init_offers_the_hosts_of_the_openssh_configuration(
    home: Path, run: Run, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(home))
    (home / ".ssh").mkdir()
    (home / ".ssh" / "config").write_text("Host gpu01 gpu02\nHost web*\n")
    person("own", "ssh", "bob@host:99999", "gpu0*, alice@10.0.0.9:2222")

    status, _, err = run("init")
    assert "  ssh       hosts of your own, over SSH\n" in err

    assert status == 0
    assert accounts(home / "config.toml")["own"] == {"kind": "ssh", "hosts": ["gpu0*", "alice@10.0.0.9:2222"]}
    assert f"{home}/.ssh/config has gpu01, gpu02." in err
    assert "It contains bob@host:99999; write a name of ~/.ssh/config or user@host:port." in err
    assert "hosts: 3" in err


def test_init_leaves_an_existing_file_alone_when_asked_to(
    world: Running, home: Path, run: Run, person: Person
) -> None:
    before = (home / "config.toml").read_text()
    person("n")

    assert run("init")[0] == 0
    assert (home / "config.toml").read_text() == before


def test_init_does_not_touch_a_file_it_cannot_understand(home: Path, run: Run, person: Person) -> None:
    write_config(home, "not toml")
    person("y")

    assert run("init")[0] == 2
    assert (home / "config.toml").read_text() == "not toml"


def test_init_writes_nothing_when_the_answers_end(server: str, home: Path, run: Run, person: Person) -> None:
    person("", "", server)

    status, _, err = run("init")

    assert status == 130
    assert "Nothing was written." in err
    assert list(home.iterdir()) == []


def test_init_asks_again_after_a_wrong_password(server: str, home: Path, run: Run, person: Person) -> None:
    answers = ("", "", server, "alice")
    person(*answers, "n", "y", *answers, secrets=("guess", "wonderland"))

    status, _, err = run("init")

    assert status == 0
    assert "wrong user name or password" in err
    assert accounts(home / "config.toml")["lab"]["password"] == "wonderland"


def test_init_keeps_odd_characters_of_a_password(server: str, home: Path, run: Run, person: Person) -> None:
    odd = 'q"\\u0041\x7f ä日🚀#'
    person("", "", server, "alice", "y", secrets=(odd,))

    assert run("init")[0] == 0
    assert accounts(home / "config.toml")["lab"]["password"] == odd


def test_init_asks_what_a_kind_of_account_needs_and_nothing_else(
    home: Path, run: Run, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    class MoonAccount(Account):
        kind: Literal["moon"]
        base_url: str = Field(title="Its crater", examples=["https://tycho.example"])
        token: Annotated[SecretRef, PlainValidator(secret_at("token"))] = Field(title="Access token")
        region: str | None = Field(default=None, title="Region")
        colour: str | None = None

    moon = vendors.Vendor(protocol=vendors.PROTOCOL, account="", backend="", docs="https://moon.example/keys")
    monkeypatch.setattr(vendors, "usable", lambda: {"moon": moon})
    monkeypatch.setattr(vendors, "kinds", lambda: ["moon"])
    monkeypatch.setattr(vendors, "load", lambda kind, part: MoonAccount)
    monkeypatch.setattr(init, "_check", lambda account: True)
    person("base", "moon", "ftp://tycho", "https://tycho.example", "", secrets=("", "env:MOON_TOKEN"))

    status, _, err = run("init")

    assert status == 0
    assert accounts(home / "config.toml") == {
        "base": {"kind": "moon", "base_url": "https://tycho.example", "token": "env:MOON_TOKEN"}
    }
    assert "The keys of such an account: https://moon.example/keys" in err
    assert "Its crater (for example https://tycho.example): " in err
    assert "It is not an http or https URL" in err
    assert "Region (optional): " in err
    assert "User name" not in err


def test_init_needs_but_a_token_for_a_cloud(
    home: Path, run: Run, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "_check", lambda account: True)
    person("cloud", "gpuhub", "aws", "autodl", secrets=("env:AUTODL_TOKEN",))

    status, _, err = run("init")

    assert status == 0
    assert accounts(home / "config.toml") == {
        "cloud": {"kind": "gpuhub", "preset": "autodl", "token": "env:AUTODL_TOKEN"}
    }
    assert "It should be 'gpuhub', 'autodl', 'autodl-art' or 'autodl-private'" in err


def test_init_needs_but_a_key_for_yotta(
    home: Path, run: Run, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "_check", lambda account: True)
    person("cloud", "yotta", secrets=("env:YOTTA_API_KEY",))

    status, _, err = run("init")

    assert status == 0
    assert accounts(home / "config.toml") == {"cloud": {"kind": "yotta", "api_key": "env:YOTTA_API_KEY"}}
    assert "Enter secrets themselves" in err


def test_init_needs_but_an_address_for_deepdock(
    home: Path, run: Run, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "_check", lambda account: True)
    person("dock", "deepdock", "", secrets=())

    assert run("init")[0] == 0
    assert accounts(home / "config.toml") == {"dock": {"kind": "deepdock"}}

    person("y", "h07", "deepdock", "http://10.0.0.7:8000", secrets=())

    status, _, err = run("init")

    assert status == 0
    assert accounts(home / "config.toml")["h07"] == {"kind": "deepdock", "base_url": "http://10.0.0.7:8000"}
    assert "Address; http://127.0.0.1:8000 when left out" in err
    assert "Enter secrets themselves" not in err


def test_init_adds_to_a_file_that_begins_with_a_byte_order_mark(
    world: Running, home: Path, run: Run, person: Person
) -> None:
    write_config(home, "\ufeff" + (home / "config.toml").read_text())
    person("y", "third", "pody", world.base_urls["lab"], "alice")

    assert run("init")[0] == 0
    assert list(accounts(home / "config.toml")) == ["lab", "lab-b", "third"]


def test_init_follows_a_link_instead_of_replacing_it(world: Running, home: Path, run: Run, person: Person) -> None:
    real = home / "dotfiles.toml"
    (home / "config.toml").rename(real)
    (home / "config.toml").symlink_to(real)
    person("y", "third", "pody", world.base_urls["lab"], "alice")

    assert run("init")[0] == 0
    assert (home / "config.toml").is_symlink()
    assert "third" in accounts(real)


def test_init_needs_a_terminal(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("lab\n"))

    status, _, err = run("init")

    assert status == 2
    assert "terminal" in err


def test_check_prints_version_identity_quota_and_latency_of_every_account(world: Running, run: Run) -> None:
    status, out, err = run("config", "check", "-o", "json")

    findings = json.loads(out)
    assert (status, err) == (0, "")
    assert [finding["account"] for finding in findings] == ["lab", "lab-b"]
    for finding in findings:
        assert finding["ok"]
        assert finding["latency_ms"] > 0
        assert finding["info"]["version"] == "0.4.1"
        assert finding["info"]["user"] == "alice"
        assert finding["info"]["quota"]
    _, table, _ = run("config", "check")
    assert "0.4.1" in table
    assert " ms" in table
    assert "wonderland" not in out + table


def test_check_continues_after_a_failure_and_exits_with_the_worst(
    own_simulation: Simulation, home: Path, run: Run
) -> None:
    text = own_simulation.running.config_toml().replace('"wonderland"', '"wrong-one"', 1)
    write_config(home, text)
    own_simulation.call(lambda running: running.unplug("lab-b"))

    status, out, err = run("config", "check", "-o", "json")

    assert status == 3
    assert [finding["error"]["title"] for finding in json.loads(out)] == ["Not signed in", "No answer"]
    assert "wrong-one" not in out + err


@pytest.mark.parametrize(("theme", "status"), [("gputui-light", 0), ("nord", 0), ("nrod", 2)])
def test_check_knows_the_themes(theme: str, status: int, world: Running, home: Path, run: Run) -> None:
    write_config(home, world.config_toml() + f'\n[ui]\ntheme = "{theme}"\n')

    ended, _, err = run("config", "check")

    assert ended == status
    assert ("ui.theme: there is no theme 'nrod'. The themes are gputui, gputui-light, " in err) is (status == 2)


def test_check_knows_the_views_to_begin_with_and_the_saved_ones(world: Running, home: Path, run: Run) -> None:
    config = write_config(home, world.config_toml() + '\n[ui]\nstart = "nigt"\n')
    wrong = "ui.start: there is no view nigt. No view is saved on this machine; the others are home, stock, "
    status, _, err = run("config", "check")
    assert (status, wrong in err) == (2, True)

    with open_history() as history:
        SavedViews(history.preferences(scope_of(config))).add(SavedView("nigt", "instances"))
    assert run("config", "check")[0] == 0
    write_config(home, world.config_toml() + '\n[ui]\nstart = "gpus"\n')
    assert run("config", "check")[0] == 0


def test_check_refuses_a_key_map_that_cannot_be(world: Running, home: Path, run: Run) -> None:
    write_config(home, world.config_toml() + '\n[ui]\nkeys = { ssh = "x", shh = "w" }\n')

    status, out, err = run("config", "check")

    assert (status, out) == (2, "")
    assert "ui.keys.shh: there is no such command; did you mean ssh?" in err
    assert "ui.keys.ssh: x is the key of exec already" in err


def test_faults_of_custom_commands_fail_the_check_and_nothing_else(world: Running, home: Path, run: Run) -> None:
    faulty = """
[[commands]]
name = "push"
run = "rsync {pth}"
[[commands]]
name = "log"
run = "true"
key = "s"
"""
    path = write_config(home, world.config_toml() + faulty)

    status, out, err = run("config", "check")

    assert status == 2
    assert " ok " in out
    assert "gputui: Custom commands that are left out, or whose key is not used:" in err
    assert f"  {path}: commands.push.run: has no field {{pth}}; the fields are ref," in err
    assert f"  {path}: commands.log: s is the key of ssh already; assign another to one of them" in err
    status, _, err = run("get", "instances")
    assert (status, err) == (0, "")


def test_path_prints_where_the_configuration_is_looked_for(home: Path, run: Run) -> None:
    assert run("config", "path") == (0, f"{home / 'config.toml'}\n", "")
    assert run("config", "path", "--config", "/elsewhere.toml")[1] == "/elsewhere.toml\n"


def test_every_problem_of_a_configuration_is_reported(home: Path, run: Run) -> None:
    write_config(home, '[accounts.lab]\nkind = "pody"\nbase_url = "ftp://x"\nusernam = "a"\n')

    status, _, err = run("get", "instances")

    assert status == 2
    for problem in ("accounts.lab.base_url", "accounts.lab.usernam", "accounts.lab.password"):
        assert problem in err


def test_a_password_is_changed_and_the_place_to_follow_named(
    own_simulation: Simulation, home: Path, run: Run, person: Person
) -> None:
    person(secrets=("looking-glass", "looking-glass"))

    status, out, err = run("passwd", "lab")

    assert (status, out) == (0, "")
    assert f"accounts.lab.password in {home / 'config.toml'}" in err
    assert run("get", "instances", "-A", "lab")[0] == 1
    write_config(home, own_simulation.running.config_toml().replace("wonderland", "looking-glass", 1))
    assert run("get", "instances", "-A", "lab")[0] == 0
    _, log, _ = run("audit", "-o", "json")
    assert [entry["action"] for entry in json.loads(log)] == ["passwd"]
    assert "looking-glass" not in log + err


@pytest.mark.parametrize("secrets", [("one", "other"), ("",), ("one",)])
def test_a_password_not_typed_twice_the_same_changes_nothing(
    secrets: tuple[str, ...], own_simulation: Simulation, run: Run, person: Person
) -> None:
    person(secrets=secrets)

    status, _, err = run("passwd", "lab")

    assert status == 2
    assert "Nothing was changed" in err
    assert run("get", "instances", "-A", "lab")[0] == 0


@pytest.mark.parametrize(
    ("reference", "advice"),
    [
        ("env:LAB_PASSWORD", "environment variable LAB_PASSWORD"),
        ("file:{home}/secret", "{home}/secret"),
        ("cmd:echo wonderland", "the command of accounts.lab.password"),
    ],
)
def test_each_kind_of_reference_has_its_own_advice(
    reference: str,
    advice: str,
    own_simulation: Simulation,
    home: Path,
    run: Run,
    person: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAB_PASSWORD", "wonderland")
    (home / "secret").write_text("wonderland\n")
    text = own_simulation.running.config_toml().replace("wonderland", reference.format(home=home), 1)
    write_config(home, text)
    person(secrets=("looking-glass", "looking-glass"))

    status, _, err = run("passwd", "lab")

    assert status == 0
    assert advice.format(home=home) in err
