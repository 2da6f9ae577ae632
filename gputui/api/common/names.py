"""Names as a server has them beside the Refs that are made of them: a name that is not safe to show stays usable."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from gputui.models import Ref
from gputui.text import clean


class SafeNames:
    """The names of one account's things. A name that is not safe to show is kept for requests beside its Ref."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._raw: dict[Ref, str] = {}

    def ref(self, kind: str, name: str) -> Ref:
        """Return the Ref of a listed name.

        Two names that are the same once made safe must not be taken for one another: the second gets a suffix.
        """
        ref = Ref(self._account, kind, clean(name))
        if self._raw.setdefault(ref, name) != name:
            ref = replace(ref, id=f"{ref.id}~{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}")
            self._raw[ref] = name
        return ref

    def raw(self, ref: Ref) -> str:
        """Return the name that the server knows it by."""
        return self._raw.get(ref, ref.id)
