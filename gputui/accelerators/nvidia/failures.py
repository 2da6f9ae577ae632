"""The failures of nvidia-smi, in words for the person at the keyboard."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gputui.accelerators.nvidia.query import CALL_SECONDS
from gputui.accelerators.output import TIMED_OUT, Part, excerpt
from gputui.errors import SshError

_REASONS: tuple[tuple[str, str, str], ...] = (
    (
        r"no devices were found|no devices found",
        "{name} has no GPU: nvidia-smi finds none.",
        "It was created without GPUs, or they were detached.",
    ),
    (
        r"version mismatch",
        "{name} cannot use its GPUs: the NVIDIA driver of the host was updated, the instance has the old library.",
        "Restart the instance; if it stays so, the host needs its driver reloaded or a reboot.",
    ),
    (
        r"couldn't communicate with the nvidia driver|driver is not loaded|driver not loaded",
        "nvidia-smi in {name} does not reach the NVIDIA driver.",
        "On its host: is the driver installed and loaded?",
    ),
    (
        r"couldn't find libnvidia-ml|libnvidia-ml\.so",
        "NVIDIA's library libnvidia-ml is missing in {name}.",
        "The NVIDIA container toolkit provides it where NVIDIA_DRIVER_CAPABILITIES contains utility.",
    ),
    (
        r"gpu is lost|fallen off the bus|unable to determine the device handle",
        "{name} has lost a GPU: {said}",
        "The host has to be restarted.",
    ),
    (
        r"failed to initialize nvml: unknown error",
        "{name} has lost its GPUs: nvidia-smi cannot start (unknown error).",
        "Restart the instance.",
    ),
    (
        r"insufficient permissions|permission denied",
        "The user who logged in may not use nvidia-smi in {name}.",
        "Log in as another user (ssh.user of the account), or have /dev/nvidia* opened.",
    ),
)
_MOST_READ = 8192
"""Characters of a text, or of a line, that are searched: no message is longer."""
_LOST = re.compile(_REASONS[4][0], re.IGNORECASE)


def failure(part: Part, name: str, makers: Sequence[str] = ()) -> SshError:
    """Return the error when no GPU of ``name`` could be read; ``makers`` are those of other accelerators there."""
    said = excerpt(part.text)
    if part.status == TIMED_OUT:
        return no_answer(name, CALL_SECONDS)
    if makers:
        kind = " and ".join(makers)
        return SshError(
            f"{name} has accelerators of {kind}, and no GPU that nvidia-smi can read: gputui reads NVIDIA GPUs only.",
            hint=f"Log in with s and use the tool of {kind} there.",
        )
    for pattern, message, hint in _REASONS:
        if re.search(pattern, part.text[:_MOST_READ], re.IGNORECASE):
            return SshError(message.format(name=name, said=said), hint=hint)
    if part.status == 127:
        return SshError(
            f"There is no nvidia-smi in {name}.",
            hint="The NVIDIA container toolkit provides it where NVIDIA_DRIVER_CAPABILITIES contains utility.",
        )
    if part.status == 126:
        return SshError(f"nvidia-smi in {name} cannot be run: {said or 'no reason given'}.")
    if not said:
        return SshError(
            f"nvidia-smi in {name} printed nothing (exit status {part.status}).", hint="Log in with s to look."
        )
    return SshError(f"nvidia-smi in {name} fails (exit status {part.status}): {said}", hint="Log in with s to look.")


def no_answer(name: str, seconds: float) -> SshError:
    """Return the error that nvidia-smi in the instance ``name`` hangs."""
    return SshError(
        f"nvidia-smi in {name} gave no answer within {seconds:.0f}s.",
        hint="The driver may hang: log in with s and read dmesg.",
    )


def lost(part: Part) -> list[str]:
    """Return the messages about lost GPUs, in addition to the list of the others."""
    listed = re.compile(r"\s{0,8}\d{1,4}\s{0,8},")
    return [
        excerpt(line) for line in part.text.splitlines() if _LOST.search(line[:_MOST_READ]) and not listed.match(line)
    ]
