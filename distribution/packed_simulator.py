"""The modules of the simulator, packed into one file of the wheel and unpacked from it.

As files they would be a tenth of the package, bytecode included, which only the demo reads: see docs/decisions.md.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

SIMULATOR = "gputui/sim"
PACKED = f"{SIMULATOR}/modules.zip"
"""The file in a wheel, on the path of the package ``gputui.sim``."""

_TIME = (2020, 1, 1, 0, 0, 0)  # two builds of one commit are the same file


def pack(root: Path, target: Path) -> None:
    """Write the modules of the simulator in the source tree ``root`` into the zip file ``target``."""
    folder = root / SIMULATOR
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in sorted(folder.rglob("*.py")):
            if path != folder / "__init__.py":
                member = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _TIME)
                member.compress_type = zipfile.ZIP_DEFLATED
                packed.writestr(member, path.read_bytes())


def unpack(packages: Path) -> None:
    """Replace the packed file in an installation by the modules, for a build that compiles or compresses them itself.

    Nothing is done where that has been done already.
    """
    path = packages / PACKED
    if path.exists():
        with zipfile.ZipFile(path) as packed:
            packed.extractall(path.parent)
        path.unlink()
