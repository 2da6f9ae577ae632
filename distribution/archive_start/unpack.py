"""Unpacks the program, once for each archive and user."""

from __future__ import annotations

import shutil
import sys
import tarfile
import tempfile
import time
from io import BytesIO
from pathlib import Path

_PART = ".part-"
_ABANDONED = 24 * 3600.0
"""Age in seconds from which a part of a tree is what an interrupted start has left."""
_INTERRUPTED = 130


def unpack(name: str, below: str) -> None:
    """Unpack the tree into ``below/name``, which is there whole or not at all. Exits where that cannot be."""
    folder = Path(below)
    part = None
    try:
        import lzma

        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_abandoned(folder)
        if sys.stderr.isatty():
            older = "; older versions in it can be removed" if any(folder.glob("gputui-*")) else ""
            sys.stderr.write(f"gputui: unpacking into {folder}, only at the first start{older}\n")
        part = Path(tempfile.mkdtemp(prefix=_PART, dir=folder))
        packed = __loader__.get_data("tree.tar.xz")  # type: ignore[name-defined]  # that of the archive
        with lzma.open(BytesIO(packed)) as stream, tarfile.open(fileobj=stream, mode="r|") as tree:
            if hasattr(tarfile, "data_filter"):
                tree.extractall(part, filter="data")
            else:  # the first releases of 3.11
                tree.extractall(part)  # noqa: S202  (the tree is the build's own)
        try:
            part.rename(folder / name)
        except OSError:
            if not (folder / name).is_dir():  # no other start was faster
                raise
    except ImportError:
        sys.exit("gputui: this Python has no module lzma, with which the archive is packed.")
    except OSError as error:
        sys.exit(
            f"gputui: the archive cannot be unpacked into {folder}: {error.strerror or error}. "
            "Name another folder in XDG_CACHE_HOME."
        )
    except KeyboardInterrupt:
        sys.stderr.write("\ngputui: interrupted.\n")
        sys.exit(_INTERRUPTED)
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def _remove_abandoned(folder: Path) -> None:
    for part in folder.glob(f"{_PART}*"):
        if part.stat().st_mtime < time.time() - _ABANDONED:
            shutil.rmtree(part, ignore_errors=True)
