import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gputui.cli.commands.get import COST, KINDS
from gputui.config.paths import history_path
from gputui.history.history import History, Snapshot
from gputui.models import Image, Instance, Phase, Ref, Resource

Run = Callable[..., tuple[int, str, str]]


def complete(script: str, *words: str, path: str = "/usr/bin:/bin", line: str = "") -> set[str]:
    """Return what bash would offer for the last of these words; ``line`` is the command line, where it matters."""
    quoted = " ".join(f"'{word}'" for word in words)
    asked = (
        f"{script}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; COMP_LINE='{line}'; COMP_POINT={len(line)};"
        " _gputui; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    environment = os.environ | {"PATH": path}
    done = subprocess.run(
        ["bash", "-c", asked], capture_output=True, text=True, timeout=20, check=True, env=environment
    )
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_valid(shell: str, run: Run, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(run("completion", shell)[1])

    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, timeout=20, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("gputui", "st"), {"start", "stop"}),
        (("gputui", "get", ""), {*KINDS, COST}),
        (("gputui", "get", "gpus", "-o", ""), {"table", "json", "csv"}),
        (("gputui", "get", "gpus", "--w"), {"--watch"}),
        (("gputui", "config", ""), {"path", "check"}),
        (("gputui", "config", "check", "-o", ""), {"table", "json"}),
        (("gputui", "completion", "z"), {"zsh"}),
        (("gputui", "stop", "main", "--y"), {"--yes"}),
        (("gputui", "stop", "main", "--n"), {"--no-cache"}),
        (("gputui", "sc"), {"scale"}),
        (("gputui", "block", "main", "--f"), {"--for"}),
        (("gputui", "get", "events", "--f"), {"--filter"}),
        (("gputui", "--read"), {"--read-only"}),
        (("gputui", "get", "gpus", "-A", ""), set()),
    ],
)
def test_bash_offers_what_fits(words: tuple[str, ...], offered: set[str], run: Run) -> None:
    assert complete(run("completion", "bash")[1], *words) == offered


def test_fish_offers_what_fits(run: Run, tmp_path: Path) -> None:
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    script = tmp_path / "gputui.fish"
    script.write_text(run("completion", "fish")[1])

    def offered(line: str) -> set[str]:
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        )
        return {row.split("\t")[0] for row in done.stdout.splitlines()}

    assert offered("gputui st") == {"start", "stop"}
    assert offered("gputui get g") == {"gpus"}
    assert offered("gputui get gpus -o ") == {"table", "json", "csv"}
    assert offered("gputui config ") == {"path", "check"}
    assert offered("gputui config check -o ") == {"table", "json"}


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
    history.close()
    program = tmp_path / "bin" / "gputui"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gputui "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program.parent


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("ssh", ""), {"lab/", "hub/", "lab/pod/train-a", "lab/pod/train-b", "lab/pod/-rf"}),
        (("ssh", "tr"), {"train-a", "train-b"}),
        (("ssh", "lab/"), {"lab/", "lab/pod/train-a", "lab/pod/train-b", "lab/pod/-rf"}),
        (("stop", "lab/pod/train-b"), {"lab/pod/train-b"}),
        (("describe", "h"), {"hub"}),
        (("delete", "lab/im"), {"lab/image/pytorch:2.7"}),
        (("get", "events", "--of", "train-b"), {"train-b"}),
        (("get", "gpus", "-A", ""), {"lab", "hub"}),
        (("passwd", "l"), {"lab"}),
        (("resize", "tr"), set()),
        (("ssh", "$(t"), set()),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_accounts_and_refs_are_offered(
    shell: str, words: tuple[str, ...], offered: set[str], listed: Path, run: Run, tmp_path: Path
) -> None:
    path = f"{listed}:/usr/bin:/bin"
    script = run("completion", shell)[1]
    if shell == "bash":
        assert complete(script, "gputui", *words, path=path, line=" ".join(("gputui", *words))) == offered
        return
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")
    if "$" in words[-1]:
        return  # fish itself would run it before it completes anything
    file = tmp_path / "gputui.fish"
    file.write_text(script, encoding="utf-8")
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {file}; complete -C 'gputui {' '.join(words)}'"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
        env=os.environ | {"HOME": str(tmp_path), "PATH": path},
    )
    assert {row.split("\t")[0] for row in done.stdout.splitlines()} == offered


def test_bash_takes_off_what_it_has_cut_at_a_colon(listed: Path, run: Run) -> None:
    words = ("gputui", "delete", "lab/image/pytorch", ":", "2")
    found = complete(
        run("completion", "bash")[1],
        *words,
        path=f"{listed}:/usr/bin:/bin",
        line="gputui delete lab/image/pytorch:2",
    )
    assert found == {"2.7"}


def test_zsh_offers_what_the_last_session_listed(listed: Path, run: Run, tmp_path: Path) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    file = tmp_path / "_gputui"
    file.write_text(run("completion", "zsh")[1], encoding="utf-8")
    asked = (
        f"autoload -Uz compinit; compinit -u -d {tmp_path}/dump; source {file};"
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


def test_another_configuration_on_the_line_is_the_one_that_is_read(listed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text('[accounts.attic]\nkind = "pody"\n', encoding="utf-8")
    done = subprocess.run(
        [listed / "gputui", "__complete", "refs", "ssh", "", "gputui", "--config", other, "ssh", ""],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert done.stdout.split() == ["attic/"]


@pytest.mark.parametrize("damage", ["no history", "no configuration", "not a database", "too few words"])
def test_what_cannot_be_read_offers_nothing_and_says_nothing(damage: str, listed: Path, tmp_path: Path) -> None:
    words = ["refs", "ssh", "tr"]
    if damage == "no history":
        history_path(tmp_path).unlink()
    elif damage == "no configuration":
        (tmp_path / "config.toml").unlink()
    elif damage == "not a database":
        history_path(tmp_path).write_bytes(b"x" * 5000)
    else:
        words = ["refs"]
    done = subprocess.run(
        [listed / "gputui", "__complete", *words], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_nothing_heavy_is_imported_for_it(listed: Path) -> None:
    asked = (
        "import sys; from gputui.cli import main; main(['__complete', 'refs', 'ssh', 'tr']);"
        "heavy = {'httpx', 'pydantic', 'textual', 'asyncssh', 'rich', 'argparse', 'asyncio'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.splitlines() == ["train-a", "train-b", "[]"]
