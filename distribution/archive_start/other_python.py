"""Finds a Python that can run the archive, for a start with one that cannot. Written for old ones too."""

import os
import re
import shutil
import subprocess
import sys

_ASK = "import _imp; print(_imp.extension_suffixes()[0])"


def run_with_another(suffixes: str) -> None:
    """Replace this process with the newest Python of the path that has one of the suffixes, or exit."""
    versions = re.findall(r"cpython-3(\d+)-", suffixes)
    for version in reversed(versions):
        python = shutil.which(f"python3.{version}")
        if python and _suffix_of(python) in suffixes.split():
            os.execv(python, [python, *sys.argv])
    own = ".".join(map(str, sys.version_info[:2]))
    sys.exit(
        f"gputui: this archive runs on Python 3.{versions[0]} to 3.{versions[-1]} of Linux on x86_64 with glibc; "
        f"this is Python {own} on {sys.platform}, and the path has no other that fits. "
        f"Name one: /path/to/python3.{versions[-1]} {sys.argv[0]}"
    )


def _suffix_of(python: str) -> str:
    try:
        return subprocess.check_output([python, "-I", "-c", _ASK], stderr=subprocess.DEVNULL).decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
