"""Names and ids of things as parts of the paths of requests."""

from __future__ import annotations

from urllib.parse import quote


def segment(name: str) -> str:
    """Return a name as one segment of a path: its slashes and colons are no separators, nor its dots steps."""
    encoded = quote(name.encode("utf-8", "surrogatepass"), safe="")
    return encoded.replace(".", "%2E") if encoded.strip(".") == "" else encoded
