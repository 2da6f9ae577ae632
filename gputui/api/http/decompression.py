"""Packed answers, unpacked piece by piece: a few kilobytes may unpack to gigabytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

ACCEPTED = "gzip, deflate"
"""The value of ``Accept-Encoding``."""
STEP = 256 * 2**10
"""How much is unpacked at a time, in bytes: about a millisecond's work."""

_NONE = frozenset({"", "identity"})


class PackingError(Exception):
    """The answer has an encoding that was not requested, or broken data; the text says which."""


class Unpacker:
    """Undoes one ``Content-Encoding``; raises PackingError for several, one on top of the other."""

    def __init__(self, encoding: str) -> None:
        codings = [coding for part in encoding.lower().split(",") if (coding := part.strip()) not in _NONE]
        if len(codings) > 1:
            raise PackingError("is packed several times over")
        self._coding = codings[0] if codings else ""
        if self._coding not in {"", "gzip", "x-gzip", "deflate"}:
            raise PackingError("is packed in a way that was not asked for")
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 32) if self._coding else None
        self._begun = False

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the content of a piece of the answer, at most STEP bytes at a time."""
        if self._stream is None:
            yield piece
            return
        while piece:
            yield self._unpacked(piece)
            # Of what follows the end nothing is read.
            piece = b"" if self._stream.eof else self._stream.unconsumed_tail

    def end(self) -> None:
        """Raise PackingError unless the packed data is complete."""
        if self._stream is not None and self._begun and not self._stream.eof:
            raise PackingError("breaks off")

    def _unpacked(self, piece: bytes) -> bytes:
        assert self._stream is not None  # noqa: S101  (what feed has seen to)
        try:
            unpacked = self._stream.decompress(piece, STEP)
        except zlib.error:
            if self._begun or self._coding != "deflate":
                raise PackingError("is packed in a broken way") from None
            # What servers call deflate comes with and without the header of zlib.
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
            self._begun = True
            return self._unpacked(piece)
        self._begun = True
        return unpacked
