"""A vendor's package that cannot be used is the fault of its own accounts; everything else works."""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from gputui import vendors
from gputui.sim.server import Running
from gputui.vendors import PROTOCOL
from tests.cli.conftest import write_config
from tests.tui.harness import Terminal
from tests.tui.warm import ROOT

Run = Callable[..., tuple[int, str, str]]


def package(folder: Path, kind: str, code: str, *, name: str = "gputui-broken") -> Path:
    """Write an installed package that registers a kind, as pip would leave it."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(code, "utf-8")
    info = folder / f"{module}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[gputui.backends]\n{kind} = {module}:VENDOR\n", "utf-8")
    return folder


VENDOR = "from gputui.vendors import Vendor\nVENDOR = Vendor(protocol={}, account='{}', backend='{}'{})\n"
ACCOUNT = """
from typing import Literal
from gputui.config.accounts import Account
class BrokenAccount(Account):
    kind: Literal["broken"]
    def model_post_init(self, context):
        {}
"""
NAMED = "gputui_broken:BrokenAccount"
BROKEN = {
    "its module cannot be imported": (
        "import nowhere",
        "gputui-broken, which provides the kind broken, cannot be imported "
        "(ModuleNotFoundError: No module named 'nowhere'). Update or reinstall gputui-broken.",
    ),
    "its module ends the program": (
        "raise SystemExit(0)",
        "gputui-broken, which provides the kind broken, cannot be imported (SystemExit: 0)",
    ),
    "a later protocol": (
        VENDOR.format(PROTOCOL + 1, "a:B", "a:B", ", streams='a:C'"),
        f"gputui-broken was written for version {PROTOCOL + 1} of gputui's protocol for back ends; "
        f"this release has {PROTOCOL}. "
        "Update gputui.",
    ),
    "an earlier protocol": (
        VENDOR.format(PROTOCOL - 1, "a:B", "a:B", ""),
        f"gputui-broken was written for version {PROTOCOL - 1} of gputui's protocol for back ends; "
        f"this release has {PROTOCOL}. "
        "Update gputui-broken.",
    ),
    "a part that is not known": (
        VENDOR.format(PROTOCOL, "a:B", "a:B", ", streams='a:C'"),
        "(TypeError: unknown streams)",
    ),
    "no vendor": ("VENDOR = 3", "registers no usable vendor (TypeError: it is no gputui.vendors.Vendor)"),
    "an account model that cannot be imported": (
        VENDOR.format(PROTOCOL, "gputui_broken:Nothing", "a:B", ""),
        "cannot be imported (AttributeError: module 'gputui_broken' has no attribute 'Nothing')",
    ),
    "an account model that is none": (
        VENDOR.format(PROTOCOL, "builtins:int", "a:B", ""),
        "its account is no subclass of",
    ),
    "an account model that fails": (
        ACCOUNT.format("raise KeyError('crater')") + VENDOR.format(PROTOCOL, NAMED, "a:B", ""),
        "gputui-broken, which provides the kind broken, fails (KeyError: 'crater')",
    ),
    "a back end that cannot be imported": (
        ACCOUNT.format("pass") + VENDOR.format(PROTOCOL, NAMED, "gputui_nowhere:B", ""),
        "cannot be imported (ModuleNotFoundError: No module named 'gputui_nowhere')",
    ),
    "a back end that cannot be opened": (
        ACCOUNT.format("pass") + VENDOR.format(PROTOCOL, NAMED, "builtins:int", ""),
        "gputui-broken, which provides the kind broken, fails (TypeError: int() argument must be",
    ),
}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install a package that registers a kind, with this code, and forget it afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    installed: list[str] = []

    def forget() -> None:
        importlib.invalidate_caches()
        vendors.find.cache_clear()
        vendors._registered.cache_clear()
        for name in installed:
            sys.modules.pop(name, None)

    def install_it(kind: str, code: str, *, name: str = "gputui-broken") -> None:
        package(folder, kind, code, name=name)
        installed.append(name.replace("-", "_"))
        forget()

    monkeypatch.syspath_prepend(str(folder))
    yield install_it
    monkeypatch.undo()
    forget()


@pytest.fixture
def accounts(world: Running, home: Path) -> list[str]:
    """The simulator's accounts of lab, after one whose kind is broken."""
    lab = world.config_toml().split("[accounts.lab-b]")[0].rpartition("[accounts.lab]")
    bad = '[accounts.bad]\nkind = "broken"\nbase_url = "http://127.0.0.1:9"\n\n'
    write_config(home, bad + "".join(lab[1:]))
    return ["bad", "lab"]


@pytest.mark.parametrize("case", BROKEN)
def test_an_account_of_a_broken_package_says_so_and_the_others_work(
    case: str, accounts: list[str], install: Callable[..., None], run: Run
) -> None:
    code, problem = BROKEN[case]
    install("broken", code)

    status, out, err = run("config", "check", "-o", "json")
    bad, lab = json.loads(out)
    assert (status, bad["ok"], lab["ok"]) == (2, False, True)
    assert problem in f"{bad['error']['message']} {bad['error']['hint']}"
    assert err.startswith("gputui: bad: ")
    status, out, err = run("get", "instances")
    assert status == 2
    assert "main" in out
    assert problem in err


CHANGES = [
    ("start", "bad/pod/main", "--yes"),
    ("stop", "bad/main", "--yes"),
    ("exec", "bad/pod/main", "--", "true"),
    ("ssh", "bad/main"),
    ("create", "pod", "-A", "bad", "--set", "ins=x", "--yes"),
    ("create", "pod", "-A", "bad"),
    ("describe", "bad/pod/main"),
    ("describe", "bad"),
]


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gputui.cli.commands.ssh.sys", SimpleNamespace(stdin=Tty(), stdout=Tty()))


@pytest.mark.parametrize("argv", CHANGES, ids=" ".join)
@pytest.mark.parametrize("case", ["its module cannot be imported", "a later protocol"])
def test_what_is_asked_of_an_unusable_account_is_refused_with_the_cause_and_the_way_out(
    case: str,
    argv: tuple[str, ...],
    accounts: list[str],
    install: Callable[..., None],
    run: Run,
    at_a_terminal: None,
) -> None:
    code, problem = BROKEN[case]
    install("broken", code)

    status, out, err = run(*argv)

    assert (status, out) == (2, "")
    assert err.startswith(f"gputui: bad: {problem}")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("argv", CHANGES, ids=" ".join)
def test_what_is_asked_of_an_account_without_its_secret_is_refused_with_the_cause_and_the_way_out(
    argv: tuple[str, ...], world: Running, home: Path, run: Run, at_a_terminal: None
) -> None:
    text = (home / "config.toml").read_text("utf-8").split("[accounts.lab-b]")[0]
    bad = text.replace("[accounts.lab]", "[accounts.bad]")
    write_config(home, text + re.sub(r'password = ".*"', 'password = "env:GPUTUI_NOT_SET"', bad))

    status, out, err = run(*argv)

    assert (status, out) == (2, "")
    assert "accounts.bad.password: the environment variable GPUTUI_NOT_SET is not set. Set it" in err
    assert len(err.splitlines()) == 1


def test_a_kind_that_two_packages_register_is_used_by_neither(
    accounts: list[str], install: Callable[..., None], run: Run, home: Path
) -> None:
    install("pody", VENDOR.format(PROTOCOL, "a:B", "a:B", ""), name="gputui-other")
    text = (home / "config.toml").read_text("utf-8").split("[accounts.lab]")[1]
    dock = '[accounts.dock]\nkind = "deepdock"\nbase_url = "http://127.0.0.1:9"\n'
    write_config(home, f"[accounts.lab]{text}\n{dock}")

    status, out, err = run("config", "check", "-o", "json")

    lab, other = json.loads(out)
    assert lab["error"]["message"] == "The kind pody is registered by gputui and gputui-other."
    assert lab["error"]["hint"] == "Uninstall gputui-other."
    assert other["error"]["title"] == "No answer"
    assert status == 3
    assert "gputui: lab: The kind pody is registered by gputui and gputui-other." in err


def test_an_unknown_kind_names_those_that_are_registered(home: Path, install: Callable[..., None], run: Run) -> None:
    install("broken", "import nowhere")
    write_config(home, '[accounts.x]\nkind = "mars"\n')
    status, _, err = run("get", "instances")
    assert status == 2
    assert "unknown kind of back end; this release has: broken, deepdock, gpuhub, pody, ssh, yotta" in err


def test_the_screen_says_why_an_account_cannot_be_used(
    accounts: list[str], install: Callable[..., None], home: Path, tmp_path: Path
) -> None:
    install("broken", "import nowhere")
    env = {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path / 'site'}",
        "GPUTUI_CONFIG": str(home / "config.toml"),
        "GPUTUI_STATE_DIR": str(home / "state"),
    }
    with Terminal([sys.executable, "-m", "gputui", "--view", "instances"], env=env, columns=140, rows=30) as terminal:
        terminal.wait_for("✗ bad  gputui-broken, which provides the kind broken, cannot be imported")
        terminal.wait_for("✗ bad back end unusable")
        terminal.wait_for("main")
