"""The README as the description on a package index, where its links and pictures would lead nowhere."""

from __future__ import annotations

import re

_PICTURE = re.compile(r"!\[([^\]]*)\]\((?!https?:)([^)]+)\)")
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#)([^)]+)\)")

_LINK_ALONE = re.compile(rf"^{_LINK.pattern}$", re.MULTILINE)


def long_description(readme: str, *, repository: str, version: str) -> str:
    """Return the README with addresses of the release's files in ``repository``, such as https://host/owner/gputui.

    Without a repository no address of theirs is known: links become text, pictures and lines with a link alone go.
    """
    if repository:
        text = _PICTURE.sub(rf"![\1]({repository}/raw/v{version}/\2)", readme)
        return _LINK.sub(rf"[\1]({repository}/blob/v{version}/\2)", text)
    text = _LINK.sub(r"\1", _PICTURE.sub("", _LINK_ALONE.sub("", readme)))
    return re.sub(r"\n{3,}", "\n\n", text)
