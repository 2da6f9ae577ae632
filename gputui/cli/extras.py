"""The packages of extras, which an installation may lack: what lacks them is named with the way to install them."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

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
    if command := _command(f"gputui[{extra}]", _source(extra)):
        return f"Install what {purpose} needs: {command}"
    return f"Install gputui again as 'gputui[{extra}]'."


def _command(package: str, source: str) -> str:
    """Return the command that adds an extra with the tool that has installed gputui; '' where that is unknown.

    ``package`` is enough for a tool that sees the packages there are; one that makes the environment again needs the
    ``source``.
    """
    environment = Path(sys.prefix)
    if (environment / "pipx_metadata.json").exists():
        return shlex.join(["pipx", "install", "--force", source])
    if (environment / "uv-receipt.toml").exists():
        return shlex.join(["uv", "tool", "install", "--force", source])
    if find_spec("pip") is not None:
        return shlex.join([sys.executable, "-m", "pip", "install", package])
    if _made_by_uv(environment):
        return shlex.join(["uv", "pip", "install", "--python", sys.executable, package])
    return ""


def _made_by_uv(environment: Path) -> bool:
    try:
        settings = (environment / "pyvenv.cfg").read_text("utf-8")
    except (OSError, UnicodeError):
        return False
    return any(line.partition("=")[0].strip() == "uv" for line in settings.splitlines())


def _source(extra: str) -> str:
    """Return gputui with an extra as the tools that install it take it: from where this one was installed."""
    from importlib.metadata import PackageNotFoundError, distribution

    package = f"gputui[{extra}]"
    try:
        origin = json.loads(distribution("gputui").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, OSError, ValueError):
        return package
    address = str(origin.get("url", ""))
    path = unquote(urlsplit(address).path)
    if address.startswith("file:"):
        # Path raises where a directory on the way cannot be entered.
        return f"{path}[{extra}]" if os.path.exists(path) else package  # noqa: PTH110
    if not address:
        return package
    system = origin.get("vcs_info", {}).get("vcs")
    return f"{package} @ {system}+{address}" if system else f"{package} @ {address}"
