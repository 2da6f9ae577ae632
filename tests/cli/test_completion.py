import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gputui.cli.columns import COST, KINDS

Run = Callable[..., tuple[int, str, str]]


def complete(script: str, *words: str) -> set[str]:
    """Return what bash would offer for the last of these words."""
    line = " ".join(f"'{word}'" for word in words)
    asked = (
        f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _gputui; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, timeout=20, check=True)
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
