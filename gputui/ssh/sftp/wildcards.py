"""Wildcards in a path of an instance, expanded as a shell there would: ``*``, ``?`` and ``[…]``."""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase

from gputui.errors import CopyError
from gputui.ssh.sftp.places import Place

_WILD = re.compile(rb"[*?[]")


def has_wildcards(path: bytes) -> bool:
    """Return whether a path has wildcards, or characters that would be some."""
    return _WILD.search(path) is not None


async def expand(place: Place, path: bytes) -> list[bytes]:
    """Return the paths that match, in order; a path that exists, or has no wildcards, is itself.

    ``*`` matches no name that begins with a dot. Raises CopyError where nothing matches, LinkLostError.
    """
    if not has_wildcards(path) or await place.lstat(path) is not None:
        return [path]
    found = [b"/"] if path.startswith(b"/") else [b""]
    for part in filter(None, path.split(b"/")):
        if has_wildcards(part):
            found = [posixpath.join(folder, name) for folder in found for name in await _names(place, folder, part)]
        else:
            joined = [posixpath.join(folder, part) for folder in found]
            found = [path for path in joined if await place.stat(path) is not None]
    if not found:
        raise CopyError(
            f"{place.path_text(path)}: nothing matches.", hint="Is the pattern quoted, and the path right?"
        )
    return found


async def _names(place: Place, folder: bytes, pattern: bytes) -> list[bytes]:
    """Return the names in a directory that match; of what is no directory, or cannot be read, none."""
    attrs = await place.stat(folder or b".")
    if attrs is None or not attrs.is_dir:
        return []
    names = [name for name, _ in await place.scan(folder or b".")]
    hidden = pattern.startswith(b".")
    return sorted(name for name in names if (hidden or not name.startswith(b".")) and fnmatchcase(name, pattern))
