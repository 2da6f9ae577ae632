"""The pody server's rules: names, image names, sizes, spans of time."""

from __future__ import annotations

from starlette.exceptions import HTTPException

from gputui.sim.machines.containers import Pod
from gputui.sim.machines.hardware import GIB

from .http import InternalError, Release

RELEASES = ("0.1.9", "0.1.15", "0.2.5", "0.3.4", "0.4.1")
COMMIT_NAME = "pody-commit"


def parse_release(text: str) -> Release:
    """ "0.4.1" as numbers. Raises ValueError for an unknown release."""
    if text not in RELEASES:
        raise ValueError(f"unknown pody release {text!r}: one of {', '.join(RELEASES)}")
    major, minor, patch = (int(part) for part in text.split("."))
    return major, minor, patch


def check_name(part: str, what: str) -> None:
    """Raise 400 with ``what`` and the reason for an invalid name."""
    if not 1 <= len(part) <= 20:
        reason = "Name part must be between 1 and 20 characters"
    elif not part.isidentifier():
        reason = "Name part must be an identifier"
    elif part.startswith("_") or part.endswith("_"):
        reason = "Name part cannot start or end with '_'"
    else:
        return
    raise HTTPException(400, f"{what}: {reason}")


def expand(image: str) -> str:
    """A full image name; one without a tag is a commit."""
    return image if ":" in image else f"{COMMIT_NAME}:{image}"


def container_size(pod: Pod) -> int:
    """The size of a container's changes: derived from its id, always the same."""
    return 31 * GIB if pod.instance.startswith("vllm") else (int(pod.container_id[:2], 16) % 9 + 1) * GIB


def size(size: int) -> str:
    """Bytes in the server's own notation."""
    for unit, power in (("", 0), ("K", 1), ("M", 2), ("G", 3)):
        if size < 1024 ** (power + 1):
            return f"{size}B" if not power else f"{size / 1024**power:.2f}{unit}"
    return f"{size / 1024**4:.2f}T"


def seconds(text: str) -> float:
    """ "1w", "3d", "2h", "90s" or "90" in seconds. Anything else is a 400."""
    text = text.strip().lower()
    if not text:
        raise InternalError
    unit = {"y": 365 * 86400, "w": 7 * 86400, "d": 86400, "h": 3600, "s": 1}.get(text[-1])
    try:
        return float(text[:-1]) * unit if unit else float(text)
    except ValueError as error:
        reason = f"Invalid time format: {text}. Should be like 1y, 1w, 1d, 1h, 1s or a number of seconds."
        raise HTTPException(400, reason) from error
