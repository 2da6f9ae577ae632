"""What users call the machine that a server runs on."""

from __future__ import annotations

from urllib.parse import urlsplit


def host_label(base_url: str) -> str:
    """Return what users call the host: the first part of its name, or its address."""
    host = urlsplit(base_url).hostname or ""
    is_address = ":" in host or host.replace(".", "").isdecimal()
    return host if is_address else host.split(".", 1)[0]
