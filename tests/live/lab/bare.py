"""Root file systems that have next to nothing: libc alone, and Python with its standard library."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

from . import rootfs

_LIBC = """
    ld-linux-x86-64 libc libm libdl libpthread librt libutil libresolv libnss_files libnss_dns
"""
_OF_SYSTEM = "libgcc_s libstdc++"
"""Libraries that packages for manylinux expect of any system."""
_LEFT_OUT = ("site-packages", "dist-packages", "test", "tests", "__pycache__", "idlelib", "tkinter", "config-3*")


def libc(root: Path) -> None:
    """Fill ``root`` with the C library and a user."""
    rootfs.lay_out(root)
    _copy_libraries(_LIBC, root)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc" / "group").write_text("root:x:0:\n")


def python(root: Path) -> None:
    """Fill ``root`` with this Python, as ``python3`` in the path, and ``env``."""
    libc(root)
    _copy_libraries(_OF_SYSTEM, root)
    program = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}").resolve()
    library = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(library, _below(root, library), ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)
    for path in (program, Path("/usr/bin/env"), *library.glob("lib-dynload/*.so")):
        rootfs.copy(path, root)
        for needed in rootfs.libraries(path):
            rootfs.copy(needed, root)
    (root / "usr" / "bin" / "python3").symlink_to(program)


def _copy_libraries(names: str, root: Path) -> None:
    for name in names.split():
        for path in Path("/lib/x86_64-linux-gnu").glob(f"{name}.so.*"):
            rootfs.copy(path, root)
    loader = Path("/lib64/ld-linux-x86-64.so.2")
    rootfs.copy(loader, root)


def _below(root: Path, path: Path) -> Path:
    return root / str(path).lstrip("/")
