"""The registry of vendors: the kinds of account there are, each registered by an installed package.

A package registers a :class:`Vendor` in the entry point group ``gputui.backends``, under the value of ``kind`` in the
configuration. Packages are discovered once, on first use; the parts of a vendor are imported when they are used. An
unusable vendor is a :class:`VendorError` for its own accounts and does not affect others.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gputui.errors import ConfigError
from gputui.text import clean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "gputui.backends"
PROTOCOL = 2
"""The version of the interface between gputui and vendors' packages: this module, ``gputui.api.capabilities``,
``gputui.models``, ``gputui.config.accounts`` and ``gputui.sim.vendors``. Incompatible changes increase it."""

Part = Literal["account", "backend", "simulator"]


class VendorError(ConfigError):
    """A vendor's package that cannot be used."""

    title = "Back end unusable"


class Vendor:
    """A registration. The parts are named as ``module:name``, so that this object is light.

    ``protocol`` is the version of PROTOCOL that the package was written for. ``account`` is the model of an account,
    a subclass of :class:`gputui.config.accounts.Account`; ``backend`` is called with such an account and returns a
    :class:`gputui.api.capabilities.Backend`. ``simulator`` is a class of :class:`gputui.sim.vendors.SimulatedVendor`,
    or empty. ``presets`` are the values of the key ``preset`` that imply the kind; ``title`` names the vendor where
    the kind of an account is asked for; ``docs`` is the address of the documentation of the keys.
    """

    def __init__(
        self,
        *,
        protocol: int,
        account: str,
        backend: str,
        simulator: str = "",
        presets: Sequence[str] = (),
        title: str = "",
        docs: str = "",
        **unknown: object,
    ) -> None:
        self.protocol = protocol
        self.parts: Mapping[Part, str] = {"account": account, "backend": backend, "simulator": simulator}
        self.presets = presets
        self.title = title
        self.docs = docs
        self.unknown = unknown  # parts of another version of the protocol, which is then reported


def kinds() -> list[str]:
    """Return the registered kinds of account, usable or not, in alphabetical order."""
    return sorted(_registered())


@cache
def find(kind: str) -> Vendor:
    """Return the vendor of a kind. Raises KeyError where none is registered, VendorError for an unusable one."""
    first, *more = _registered()[kind]
    if more:
        packages = sorted(_package(entry) for entry in (first, *more))
        others = [package for package in packages if package != "gputui"]
        hint = "Uninstall one of them." if others == packages else f"Uninstall {' and '.join(others)}."
        raise VendorError(f"The kind {clean(kind)} is registered by {' and '.join(packages)}.", hint=hint)
    try:
        vendor = first.load()
    except (Exception, SystemExit) as error:
        raise package_fault(kind, error, "cannot be imported") from error
    version = getattr(vendor, "protocol", None)
    if version != PROTOCOL and isinstance(version, int):
        older = "gputui" if version > PROTOCOL else _package(first)
        raise VendorError(
            f"{_package(first)} was written for version {version} of gputui's protocol for back ends; "
            f"this release has {PROTOCOL}.",
            hint=f"Update {older}.",
        )
    if not isinstance(vendor, Vendor):
        raise package_fault(kind, TypeError("it is no gputui.vendors.Vendor"), "registers no usable vendor")
    if vendor.unknown:
        raise package_fault(kind, TypeError(f"unknown {', '.join(vendor.unknown)}"), "registers no usable vendor")
    return vendor


def usable() -> dict[str, Vendor]:
    """Return the vendors that can be used, by kind."""
    found = dict[str, Vendor]()
    for kind in kinds():
        with suppress(VendorError):
            found[kind] = find(kind)
    return found


def load(kind: str, part: Part) -> Any:
    """Import a part of a vendor and return it. Raises as :func:`find`; VendorError where the part is missing."""
    module, _, name = find(kind).parts[part].partition(":")
    try:
        return getattr(import_module(module), name)
    except (Exception, SystemExit) as error:
        raise package_fault(kind, error, "cannot be imported") from error


def package_fault(kind: str, error: BaseException, what: str = "fails") -> VendorError:
    """Return the error for an exception of a vendor's part that is not a GputuiError."""
    package = _package(_registered()[kind][0])
    detail = clean(f"{type(error).__name__}: {error}".split("\n")[0])[:200].removesuffix(": ")
    return VendorError(
        f"{package}, which provides the kind {clean(kind)}, {what} ({detail}).",
        hint=f"Update or reinstall {package}.",
    )


def _package(entry: EntryPoint) -> str:
    return clean(entry.dist.name) if entry.dist is not None else "gputui"


@cache
def _registered() -> Mapping[str, Sequence[EntryPoint]]:
    """Read the entry points of all installed packages, which takes some milliseconds."""
    from importlib.metadata import entry_points

    found = list(entry_points(group=GROUP))
    # By the module, as the name of a package costs its whole metadata.
    if not any(entry.module.startswith("gputui.") for entry in found):
        found += _of_source_tree()
    registered: dict[str, list[EntryPoint]] = {}
    for entry in found:
        registered.setdefault(entry.name, []).append(entry)
    return registered


def _of_source_tree() -> list[EntryPoint]:
    """Return the entry points of a source tree that is not installed, or that is newer than its installation."""
    from importlib.metadata import EntryPoint

    try:
        project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
        listed = project["entry-points"][GROUP] if project["name"] == "gputui" else {}
    except (OSError, ValueError, KeyError):
        return []
    return [EntryPoint(name, value, GROUP) for name, value in listed.items()]
