"""No vendor is known by name outside its own packages."""

from __future__ import annotations

import re

from gputui import vendors
from tests.tui.warm import ROOT

PACKAGE = ROOT / "gputui"
EXCEPTIONS = {
    "sim/faults.py": "descriptions of the fault profiles, whose names are documented",
    "cli/commands/sim.py": "--release and --clouds are variants of two simulators, and the help of --release says so",
    "cli/commands/init.py": "the kind that Enter chooses",
}


def test_no_vendor_is_known_by_name_outside_its_own_packages() -> None:
    names = re.compile("|".join([*vendors.kinds(), "autodl"]), re.IGNORECASE)
    own = tuple(f"{layer}/{kind}/" for layer in ("api", "sim") for kind in vendors.kinds())
    found = {
        path
        for file in PACKAGE.rglob("*.py")
        if not (path := file.relative_to(PACKAGE).as_posix()).startswith(own)
        and names.search(file.read_text("utf-8"))
    }
    assert found == set(EXCEPTIONS)
