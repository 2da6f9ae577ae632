"""The packages of extras, which an installation may lack: what lacks them is named with the way to install them."""

from __future__ import annotations

import json
import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gputui.errors import ConfigError
from gputui.own_program import packed_program

EXTRAS = {"demo": ("starlette", "hypercorn"), "keyring": ("keyring",), "mcp": ("mcp",)}
"""The packages that gputui itself imports of each extra."""


def has_extra(extra: str) -> bool:
    """Say whether the packages of an extra are installed; imports none of them."""
    return not _missing(extra)


def need_extra(what: str, extra: str, purpose: str) -> None:
    """Raise ConfigError, with the command that installs an extra, where packages of it are missing.

    ``what`` needs them, such as "The simulator"; ``purpose`` completes "Install what … needs".
    """
    if missing := _missing(extra):
        raise ConfigError(
            f"{what} needs {' and '.join(missing)}, which this installation does not have.",
            hint=_hint(extra, purpose),
        )


def _missing(extra: str) -> list[str]:
    return [name for name in EXTRAS[extra] if find_spec(name) is None]


def _hint(extra: str, purpose: str) -> str:
    if packed_program():
        return f"This file or folder takes no packages: install gputui as a Python package, 'gputui[{extra}]'."
    if command := _command(extra):
        return f"Install what {purpose} needs: {command}"
    return f"Install gputui again as 'gputui[{extra}]'."


def _command(extra: str) -> str:
    """Return the command that adds an extra with the tool that has installed gputui; '' where that is unknown.

    pipx and the tools of uv make the environment again: they need the extras that it has already, and to know whether
    gputui is used from its clone. For the others the name is enough, as they see the packages that are there.
    """
    environment = Path(sys.prefix)
    if (environment / "pipx_metadata.json").exists():
        return shlex.join(["pipx", "install", "--force", *_source(extra)])
    if (environment / "uv-receipt.toml").exists():
        return shlex.join(["uv", "tool", "install", "--force", *_source(extra)])
    package = f"gputui[{extra}]"
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


def _source(extra: str) -> tuple[str, ...]:
    """Return the words for gputui with an extra, and those that it has, from where this one was installed."""
    from importlib.metadata import PackageNotFoundError, distribution

    extras = ",".join(name for name in EXTRAS if name == extra or has_extra(name))
    package = f"gputui[{extras}]"
    try:
        origin = json.loads(distribution("gputui").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, OSError, ValueError):
        return (package,)
    address = str(origin.get("url", ""))
    path = unquote(urlsplit(address).path)
    if address.startswith("file:"):
        # Path raises where a directory on the way cannot be entered.
        if not os.path.exists(path):  # noqa: PTH110
            return (package,)
        editable = origin.get("dir_info", {}).get("editable") is True
        return (*(("--editable",) if editable else ()), f"{path}[{extras}]")
    if not address:
        return (package,)
    system = origin.get("vcs_info", {}).get("vcs")
    return (f"{package} @ {system}+{address}" if system else f"{package} @ {address}",)
