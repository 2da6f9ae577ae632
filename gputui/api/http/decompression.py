"""Compressed answers, decompressed piece by piece: a few kilobytes may expand to gigabytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

ACCEPTED = "gzip, deflate"
"""The value of ``Accept-Encoding``."""
STEP = 256 * 2**10
"""How much is decompressed at a time, in bytes: about a millisecond's work."""

_NONE = frozenset({"", "identity"})


class DecompressionError(Exception):
    """The answer has an encoding that was not requested, or broken data; the text says which."""


class Decompressor:
    """Decodes one ``Content-Encoding``; raises DecompressionError for several."""

    def __init__(self, encoding: str) -> None:
        codings = [coding for part in encoding.lower().split(",") if (coding := part.strip()) not in _NONE]
        if len(codings) > 1:
            raise DecompressionError("has several content encodings")
        self._coding = codings[0] if codings else ""
        if self._coding not in {"", "gzip", "x-gzip", "deflate"}:
            raise DecompressionError("has a content encoding that was not requested")
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 32) if self._coding else None
        self._begun = False

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the content of a piece of the answer, at most STEP bytes at a time."""
        if self._stream is None:
            yield piece
            return
        while piece:
            yield self._decompress(piece)
            # What follows the end is ignored.
            piece = b"" if self._stream.eof else self._stream.unconsumed_tail

    def end(self) -> None:
        """Raise DecompressionError unless the compressed data is complete."""
        if self._stream is not None and self._begun and not self._stream.eof:
            raise DecompressionError("is cut off")

    def _decompress(self, piece: bytes) -> bytes:
        assert self._stream is not None  # noqa: S101  (feed ensures it)
        try:
            content = self._stream.decompress(piece, STEP)
        except zlib.error:
            if self._begun or self._coding != "deflate":
                raise DecompressionError("cannot be decompressed") from None
            # Servers send deflate with and without the header of zlib.
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
            self._begun = True
            return self._decompress(piece)
        self._begun = True
        return content
