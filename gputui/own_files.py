"""Whether the files that gputui runs from were replaced since it began, as an upgrade under a running session does.

Modules are imported when they are used: after an upgrade those of two versions meet, and the import of a name fails
that one of them lacks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from gputui.errors import ReplacedError

_PACKAGE = Path(__file__).parent


def replacement(error: ImportError, begun: float, package: Path = _PACKAGE) -> ReplacedError | None:
    """Return a failed import in words for users where its files are newer than this process; else None.

    ``begun`` is when the process began, in seconds since 1970.
    """
    if not any(_changed(path) > begun for path in _concerned(error, package)):
        return None
    part = f" {error.name}" if error.name else " a part of it"
    return ReplacedError(
        f"gputui, or a package that it uses, was replaced while it ran:{part} is of another version now.",
        hint="Quit gputui and start it again.",
    )


def _concerned(error: ImportError, package: Path) -> Iterator[Path]:
    """Yield the files and directories one of which an upgrade has changed: of gputui, and of what was imported."""
    yield package / "__init__.py"
    yield next((path for path in package.parents if path.is_file()), package)  # the archive, where it runs from one
    files = [error.path]
    name = error.name or ""
    while name:
        files.append(getattr(sys.modules.get(name), "__file__", None))
        name = name.rpartition(".")[0]
    for file in filter(None, files):
        yield Path(file)
        if Path(file).stem == "__init__":
            yield Path(file).parent  # a module of the package was added or removed


def _changed(path: Path) -> float:
    """Return when a file was written, moved here or replaced, in seconds; 0 where there is none."""
    try:
        status = path.stat()
    except OSError:
        return 0.0
    return max(status.st_mtime, status.st_ctime)
