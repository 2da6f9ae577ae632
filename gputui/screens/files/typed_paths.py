"""Paths that are typed for one side of the view of files, completed as they are typed."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING

from textual.suggester import Suggester

from gputui.errors import GputuiError
from gputui.home_paths import home_expanded
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.fleet.transfers import Transfers
    from gputui.models import Ref


def path_of(text: str, folder: bytes, ref: Ref | None) -> bytes:
    """Return the path that is typed in a directory; ``~`` is the home directory of that side."""
    if text == "~" or text.startswith("~/"):
        # Over SFTP a relative path begins at the home directory.
        return os.fsencode(home_expanded(text)) if ref is None else os.fsencode(text[2:] or ".")
    return posixpath.normpath(posixpath.join(folder, os.fsencode(text)))


class PathSuggester(Suggester):
    """Completes the last name of a path with a directory; each directory is read once."""

    def __init__(self, transfers: Transfers, folder: bytes, ref: Ref | None) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._transfers = transfers
        self._folder = folder
        self._ref = ref
        self._listed: dict[bytes, list[str]] = {}

    async def get_suggestion(self, value: str) -> str | None:
        """Return the path with the first directory whose name begins so; None without any."""
        parent, slash, beginning = value.rpartition("/")
        if not beginning:
            return None
        names = await self._directories(path_of(parent + slash, self._folder, self._ref))
        found = next((name for name in names if name.startswith(beginning)), None)
        return None if found is None else f"{parent}{slash}{found}/"

    async def _directories(self, path: bytes) -> list[str]:
        if path not in self._listed:
            try:
                async with self._transfers.open(self._ref) as place:
                    entries = await place.scan(path)
            except GputuiError:
                entries = []  # to go there says why
            names = sorted(os.fsdecode(name) for name, attrs in entries if attrs.is_dir)
            self._listed[path] = [name for name in names if clean(name) == name]
        return self._listed[path]
