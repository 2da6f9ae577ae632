"""Scripts with what dash prints for them: ``python -m tests.sim.shell.language.scripts`` records that again."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("scripts.txt")
_NEXT, _OUTPUT = "\n%%\n", "\n--\n"


@dataclass(frozen=True)
class Script:
    """A script, its standard output and, after "status", an exit status other than 0."""

    text: str
    output: str


def scripts() -> list[Script]:
    """Return the recorded scripts."""
    pairs = [part.partition(_OUTPUT) for part in FILE.read_text("utf-8").removesuffix("\n").split(_NEXT)]
    return [Script(text, output) for text, _, output in pairs]


def shown(output: str, status: int) -> str:
    """Return what is recorded of a run."""
    return output + (f"status {status}\n" if status else "")


def _run(text: str) -> str:
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(
            ["dash", "-c", text],
            cwd=place,
            env={"HOME": "/root", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    return shown(done.stdout.decode(), done.returncode)


def _record() -> None:
    parts = [f"{script.text}{_OUTPUT}{_run(script.text)}" for script in scripts()]
    FILE.write_text(_NEXT.join(parts) + "\n", "utf-8")


if __name__ == "__main__":
    _record()
