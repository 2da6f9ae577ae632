"""Builds the archive: one file that needs nothing but Python, with all packages in it.

Python imports no compiled module from a zip file, so the packages are packed into it as one compressed tree, which
the first start unpacks. Compiled modules for several Pythons have names of their own and are next to each other.
"""

from __future__ import annotations

import argparse
import filecmp
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from distribution import packed_simulator

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORM = "manylinux_2_28"
"""The oldest glibc that all compiled packages support."""

_ROOT = Path(__file__).parents[1]
_START = Path(__file__).parent / "archive_start"
_REQUIREMENTS = _ROOT / "requirements" / "packed.txt"
_NO_PACKAGES = {"bin", "share"}
_OF_INSTALLER = {".lock", "RECORD", "INSTALLER", "REQUESTED", "uv_cache.json"}
_SUFFIX = re.compile(r"\.cpython-\d+-[\w-]+\.so$")
_TIME = 1_577_836_800  # 2020-01-01: two builds of one commit are the same file
_ZIP_TIME = (2020, 1, 1, 0, 0, 0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Build the archive of a wheel: ``python -m distribution.archive WHEEL FOLDER``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("folder", type=Path, help="where the archive is written")
    args = parser.parse_args(arguments)
    version = args.wheel.name.split("-")[1]
    with tempfile.TemporaryDirectory() as made:
        tree = Path(made) / "tree"
        _fill(tree, args.wheel)
        path = (
            args.folder / f"gputui-{version}-py{_digits(PYTHONS[0])}.py{_digits(PYTHONS[-1])}-{PLATFORM}_x86_64.pyz"
        )
        write_archive(path, tree, version)
    sys.stdout.write(f"{path}\n")


def _digits(python: str) -> str:
    return python.replace(".", "")


def _fill(tree: Path, wheel: Path) -> None:
    """Install the program and its packages for every Python into one tree."""
    tree.mkdir()
    for python in PYTHONS:
        installed = tree.with_name(python)
        _install(installed, python, "--require-hashes", "-r", str(_REQUIREMENTS))
        _install(installed, python, str(wheel))
        _merge(installed, tree)
    packed_simulator.unpack(tree)


def _install(folder: Path, python: str, *what: str) -> None:
    subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"),
            *("--target", str(folder), "--python-version", python, "--python-platform", f"x86_64-{PLATFORM}", *what),
        ],
        check=True,
    )


def _merge(installed: Path, tree: Path) -> None:
    """Add what one Python has to the tree. Exits where a package installs another file under a name for each."""
    for path in _files(installed):
        name = path.relative_to(installed)
        if name.parts[0] in _NO_PACKAGES or name.name in _OF_INSTALLER:
            continue
        target = tree / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        elif not (name.parts[0].endswith(".dist-info") or filecmp.cmp(path, target, shallow=False)):
            raise SystemExit(f"{name} differs between Pythons: the archive cannot have both.")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def write_archive(path: Path, tree: Path, version: str) -> None:
    """Write the archive of a tree of packages. Exits where it has not one compiled module for each Python."""
    suffixes = {found[0] for file in _files(tree) if (found := _SUFFIX.search(file.name))}
    if len(suffixes) != len(PYTHONS):
        raise SystemExit(f"The compiled modules are for {sorted(suffixes)}, not for Python {', '.join(PYTHONS)}.")
    packed = _packed(tree)
    start = (_START / "__main__.py").read_text("utf-8")
    for name, value in {
        "NAME": f"gputui-{version}-{hashlib.sha256(packed).hexdigest()[:12]}",
        "SUFFIXES": " ".join(sorted(suffixes)),
    }.items():
        before, empty, after = start.partition(f'\n{name} = ""\n')
        assert empty, f"{name} is no longer in the start of the archive"
        start = f'{before}\n{name} = "{value}"\n{after}'
    files = {"__main__.py": start.encode(), "tree.tar.xz": packed}
    files |= {name: (_START / name).read_bytes() for name in ("unpack.py", "other_python.py")}
    with path.open("wb") as stream:
        stream.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(stream, "w") as archive:
            for member, data in files.items():
                archive.writestr(zipfile.ZipInfo(member, _ZIP_TIME), data)
    path.chmod(0o755)


def _packed(tree: Path) -> bytes:
    """Return the tree as a compressed tar file; the modules of one package for several Pythons follow each other."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:xz", preset=6) as tar:
        for path in sorted(_files(tree), key=lambda path: (path.suffix, path)):
            member = tarfile.TarInfo(os.fspath(path.relative_to(tree)))
            member.size, member.mode, member.mtime = path.stat().st_size, 0o644, _TIME
            with path.open("rb") as stream:
                tar.addfile(member, stream)
    return output.getvalue()


if __name__ == "__main__":
    main()
