"""Throw-away users of this machine, to log in as."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def throw_away_user(name: str, password: str = "") -> Iterator[Path]:
    """Make a user with bash as its login shell, for a while; gives its home directory."""
    if os.geteuid() != 0:
        pytest.fail("these tests make a user: run them as root", pytrace=False)
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", name], check=True)
    try:
        if password:
            subprocess.run(["chpasswd"], input=f"{name}:{password}", text=True, check=True)
        else:
            subprocess.run(["usermod", "--password", "*", name], check=True)
        yield Path(f"/home/{name}")
    finally:
        subprocess.run(["userdel", "--force", "--remove", name], check=False, capture_output=True)


def processes_of(name: str, words: str = "") -> list[int]:
    """Return the ids of a user's processes, of those with exactly this command line where one is given."""
    which = ["-fx", words] if words else []
    listed = subprocess.run(["pgrep", "-u", name, *which], capture_output=True, text=True, check=False)
    return [int(pid) for pid in listed.stdout.split()]
