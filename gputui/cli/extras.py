"""The packages of extras, which an installation may lack: what lacks them is named with the way to install them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from gputui.errors import ConfigError
from gputui.own_program import packed_program


def has_packages(packages: Sequence[str]) -> bool:
    """Say whether all these packages are installed; imports none of them."""
    return all(find_spec(name) is not None for name in packages)


def need_packages(what: str, extra: str, packages: Sequence[str], purpose: str) -> None:
    """Raise ConfigError, with the command that installs an extra, where packages of it are missing.

    ``what`` needs them, such as "The simulator"; ``purpose`` completes "Install what … needs".
    """
    if has_packages(packages):
        return
    missing = " and ".join(name for name in packages if find_spec(name) is None)
    raise ConfigError(f"{what} needs {missing}, which this installation does not have.", hint=_hint(extra, purpose))


def _hint(extra: str, purpose: str) -> str:
    if packed_program():
        return f"This file or folder takes no packages: install gputui as a Python package, 'gputui[{extra}]'."
    if find_spec("pip") is None:
        return f"Install gputui again as 'gputui[{extra}]'."
    return f"Install what {purpose} needs: {shlex.quote(sys.executable)} -m pip install 'gputui[{extra}]'"
