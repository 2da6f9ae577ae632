import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gputui.cli.commands.get import BAD_HOSTS, COST, KINDS, ODDS, SPEND, WASTE
from gputui.config.paths import history_path, scope_of
from gputui.history.history import History, Snapshot
from gputui.history.saved_views import SavedView, SavedViews
from gputui.models import Image, Instance, Phase, Ref, Resource

Run = Callable[..., tuple[int, str, str]]


Words = tuple[str, ...]

_SCRIPTS: dict[str, str] = {}


@pytest.fixture
def script(run: Run) -> Callable[[str], str]:
    """Return the completion script of a shell, printed once."""

    def of(shell: str) -> str:
        if shell not in _SCRIPTS:
            _SCRIPTS[shell] = run("completion", shell)[1]
        return _SCRIPTS[shell]

    return of


def answers(program: Sequence[str | Path], **environment: str) -> list[set[str]]:
    """Run a shell that prints completions, ``//`` after those of each command line; it has nothing else to say."""
    done = subprocess.run(
        program, capture_output=True, text=True, timeout=60, check=True, env={**os.environ, **environment}
    )
    assert done.stderr == ""
    return [set(lines.split()) for lines in done.stdout.split("//\n")[:-1]]


def bash_offers(script: str, *lines: Words, path: str = "/usr/bin:/bin", typed: str = "") -> list[set[str]]:
    """Return what bash offers for the last word of each line; ``typed`` is a line that it has split otherwise."""
    asked = [
        f"COMP_WORDS=({' '.join(map(shlex.quote, words))}); COMP_CWORD={len(words) - 1};"
        f" COMP_LINE={shlex.quote(line)}; COMP_POINT={len(line)}; COMPREPLY=(); _gputui;"
        " printf '%s\\n' \"${COMPREPLY[@]}\" //"
        for words, line in ((words, typed or " ".join(words)) for words in lines)
    ]
    return answers(["bash", "-c", "\n".join((script, *asked))], PATH=path)


def fish_offers(script: Path, *lines: str, path: str = "/usr/bin:/bin") -> list[set[str]]:
    """Return what fish would offer at the end of each line."""
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    asked = (f"complete -C {shlex.quote(line)} | string split -f 1 \\t; echo //" for line in lines)
    program = ["fish", "--no-config", "-c", "\n".join((f"source {script}", *asked))]
    return answers(program, HOME=str(script.parent), PATH=path)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_valid(shell: str, script: Callable[[str], str], tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    path = tmp_path / "script"
    path.write_text(script(shell))

    done = subprocess.run([shell, "-n", path], capture_output=True, text=True, timeout=20, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_bash_offers_what_fits(script: Callable[[str], str]) -> None:
    offered: dict[Words, set[str]] = {
        ("gputui", "st"): {"start", "stop"},
        ("gputui", "get", ""): {*KINDS, COST, WASTE, SPEND, ODDS, BAD_HOSTS},
        ("gputui", "get", "gpus", "-o", ""): {"table", "wide", "json", "csv"},
        ("gputui", "get", "gpus", "--w"): {"--watch"},
        ("gputui", "config", ""): {"path", "check"},
        ("gputui", "config", "check", "-o", ""): {"table", "json"},
        ("gputui", "completion", "z"): {"zsh"},
        ("gputui", "stop", "main", "--y"): {"--yes"},
        ("gputui", "stop", "main", "--n"): {"--no-cache"},
        ("gputui", "sc"): {"scale"},
        ("gputui", "block", "main", "--f"): {"--for"},
        ("gputui", "get", "events", "--f"): {"--filter"},
        ("gputui", "--read"): {"--read-only"},
        ("gputui", "get", "gpus", "-A", ""): set(),
    }
    assert dict(zip(offered, bash_offers(script("bash"), *offered), strict=True)) == offered


def test_fish_offers_what_fits(script: Callable[[str], str], tmp_path: Path) -> None:
    path = tmp_path / "gputui.fish"
    path.write_text(script("fish"))
    offered = {
        "gputui st": {"start", "stop"},
        "gputui get g": {"gpus"},
        "gputui get gpus -o ": {"table", "wide", "json", "csv"},
        "gputui config ": {"path", "check"},
        "gputui config check -o ": {"table", "json"},
    }
    assert dict(zip(offered, fish_offers(path, *offered), strict=True)) == offered


# --- accounts and REFs, from the configuration and the last session ----------------------------------------------

CONFIG = """
[accounts.lab]
kind = "pody"
[accounts.hub]
kind = "gpuhub"
"""


@pytest.fixture
def listed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration, what the last session listed, and a folder with the program in it."""
    monkeypatch.setenv("GPUTUI_STATE_DIR", str(tmp_path))
    config = tmp_path / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    monkeypatch.setenv("GPUTUI_CONFIG", str(config))
    history = History(history_path(tmp_path))

    def pods(account: str, *names: str) -> Snapshot:
        rows = [Instance(Ref(account, "pod", name), name, Phase.RUNNING, "running") for name in names]
        return Snapshot(account, Resource.INSTANCES, datetime(2026, 3, 1, tzinfo=UTC), rows)

    images = [Image(Ref("lab", "image", "pytorch:2.7"), "pytorch", "2.7", own=True)]
    history.record(
        snapshots=[
            pods("lab", "train-a", "train-b", "$(touch pwned)", "a b", "-rf"),
            pods("gone", "train-of-another-time"),
            Snapshot("lab", Resource.IMAGES, datetime(2026, 3, 1, tzinfo=UTC), images),
        ]
    )
    saved_views = SavedViews(history.preferences(scope_of(config)))
    for name in ("night", "two words"):
        saved_views.add(SavedView(name, "instances"))
    history.close()
    program = tmp_path / "bin" / "gputui"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gputui "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program.parent


@pytest.mark.parametrize(
    ("command", "typed", "offered"),
    [
        ("ssh", "lab/", {"lab/", "lab/pod/train-a", "lab/pod/train-b", "lab/pod/-rf"}),
        ("stop", "lab/pod/train-b", {"lab/pod/train-b"}),
        ("describe", "h", {"hub"}),
        ("resize", "tr", set()),
    ],
)
def test_refs_that_fit_the_command_are_offered(
    command: str, typed: str, offered: set[str], listed: Path, run: Run
) -> None:
    status, out, err = run("__complete", "refs", command, typed)
    assert (status, set(out.split()), err) == (0, offered, "")


def test_bash_offers_accounts_and_refs(listed: Path, script: Callable[[str], str]) -> None:
    offered: dict[Words, set[str]] = {
        ("gputui", "ssh", ""): {"lab/", "hub/", "lab/pod/train-a", "lab/pod/train-b", "lab/pod/-rf"},
        ("gputui", "ssh", "tr"): {"train-a", "train-b"},
        ("gputui", "delete", "lab/im"): {"lab/image/pytorch:2.7"},
        ("gputui", "get", "events", "--of", "train-b"): {"train-b"},
        ("gputui", "get", "gpus", "-A", ""): {"lab", "hub"},
        ("gputui", "get", "gpus", "--columns", "host,mem"): {"host,memory"},
        ("gputui", "get", "cost", "--sort", "g"): {"gpus"},
        ("gputui", "get", "spend", "--columns", "sp"): {"spent"},
        ("gputui", "get", "spend", "--by", "o"): {"owner"},
        ("gputui", "get", "instances", "--view", ""): {"night"},
        ("gputui", "--view", "ev"): {"events"},
        ("gputui", "passwd", "l"): {"lab"},
        ("gputui", "ssh", "$(t"): set(),
    }
    found = bash_offers(script("bash"), *offered, path=f"{listed}:/usr/bin:/bin")
    assert dict(zip(offered, found, strict=True)) == offered


def test_fish_offers_accounts_and_refs(listed: Path, script: Callable[[str], str], tmp_path: Path) -> None:
    path = tmp_path / "gputui.fish"
    path.write_text(script("fish"), encoding="utf-8")
    offered = {
        "gputui ssh ": {"lab/", "hub/", "lab/pod/train-a", "lab/pod/train-b", "lab/pod/-rf"},
        "gputui get events --of train-b": {"train-b"},
        "gputui get gpus -A ": {"lab", "hub"},
        "gputui get gpus --columns host,mem": {"host,memory"},
        "gputui passwd l": {"lab"},
    }
    found = fish_offers(path, *offered, path=f"{listed}:/usr/bin:/bin")
    assert dict(zip(offered, found, strict=True)) == offered


def test_bash_takes_off_what_it_has_cut_at_a_colon(listed: Path, script: Callable[[str], str]) -> None:
    words = ("gputui", "delete", "lab/image/pytorch", ":", "2")
    line = "gputui delete lab/image/pytorch:2"
    assert bash_offers(script("bash"), words, path=f"{listed}:/usr/bin:/bin", typed=line) == [{"2.7"}]


def test_zsh_offers_what_the_last_session_listed(listed: Path, script: Callable[[str], str], tmp_path: Path) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    file = tmp_path / "_gputui"
    file.write_text(script("zsh"), encoding="utf-8")
    asked = (
        f"compdef() {{ }}; source {file};"
        " compadd() { print -l -- $whole $open }; PREFIX=tr; gputui_line=(gputui ssh tr); _gputui_ask refs ssh"
    )
    done = subprocess.run(
        ["zsh", "-f", "-c", asked],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
        env=os.environ | {"PATH": f"{listed}:/usr/bin:/bin"},
    )
    assert set(done.stdout.split()) == {"train-a", "train-b"}


def test_another_configuration_on_the_line_is_the_one_that_is_read(listed: Path, run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text('[accounts.attic]\nkind = "pody"\n', encoding="utf-8")
    asked = ("__complete", "refs", "ssh", "", "gputui", "--config", str(other), "ssh", "")
    assert run(*asked) == (0, "attic/\n", "")


@pytest.mark.parametrize("damage", ["no history", "no configuration", "not a database", "too few words"])
def test_what_cannot_be_read_offers_nothing_and_says_nothing(
    damage: str, listed: Path, run: Run, tmp_path: Path
) -> None:
    words = ["refs", "ssh", "tr"]
    if damage == "no history":
        history_path(tmp_path).unlink()
    elif damage == "no configuration":
        (tmp_path / "config.toml").unlink()
    elif damage == "not a database":
        history_path(tmp_path).write_bytes(b"x" * 5000)
    else:
        words = ["refs"]
    assert run("__complete", *words)[1:] == ("", "")


def test_nothing_heavy_is_imported_for_it(listed: Path) -> None:
    asked = (
        "import sys; from gputui.cli import main; main(['__complete', 'refs', 'ssh', 'tr']);"
        "heavy = {'httpx', 'pydantic', 'textual', 'asyncssh', 'rich', 'argparse', 'asyncio'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.splitlines() == ["train-a", "train-b", "[]"]
