"""Names of hosts and of things: as people use them, as the server has them, and as parts of paths."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from urllib.parse import quote, urlsplit

from gputui.models import Ref
from gputui.text import clean


class SafeNames:
    """The names of one account's things. A name that is not safe to show is kept for requests with its Ref."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._raw: dict[Ref, str] = {}

    def ref(self, kind: str, name: str) -> Ref:
        """Return the Ref of a listed name.

        Two names that are equal once they are safe must remain distinct: the second gets a suffix.
        """
        ref = Ref(self._account, kind, clean(name))
        if self._raw.setdefault(ref, name) != name:
            ref = replace(ref, id=f"{ref.id}~{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}")
            self._raw[ref] = name
        return ref

    def raw(self, ref: Ref) -> str:
        """Return the name that the server knows it by."""
        return self._raw.get(ref, ref.id)


def host_label(base_url: str) -> str:
    """Return what users call the host: the first part of its name, or its address."""
    host = urlsplit(base_url).hostname or ""
    is_address = ":" in host or host.replace(".", "").isdecimal()
    return host if is_address else host.split(".", 1)[0]


def segment(name: str) -> str:
    """Return a name as one segment of a path: its slashes and colons are no separators, nor its dots steps."""
    encoded = quote(name.encode("utf-8", "surrogatepass"), safe="")
    return encoded.replace(".", "%2E") if encoded.strip(".") == "" else encoded
