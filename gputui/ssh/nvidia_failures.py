"""What nvidia-smi says when it cannot tell, in words for the person at the keyboard."""

from __future__ import annotations

import re

from gputui.errors import SshError
from gputui.ssh.nvidia import Part, excerpt

_REASONS: tuple[tuple[str, str, str], ...] = (
    (
        r"no devices were found|no devices found",
        "{name} has no GPU: nvidia-smi finds none.",
        "It was made without, or its GPUs were taken from it.",
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
        "The NVIDIA container toolkit brings it where NVIDIA_DRIVER_CAPABILITIES has utility.",
    ),
    (
        r"gpu is lost|fallen off the bus|unable to determine the device handle",
        "{name} has lost a GPU: {said}",
        "Its host has to be restarted.",
    ),
    (
        r"failed to initialize nvml: unknown error",
        "{name} has lost its GPUs: nvidia-smi cannot begin (unknown error).",
        "Restart the instance.",
    ),
    (
        r"insufficient permissions|permission denied",
        "nvidia-smi in {name} may not be used by who logged in.",
        "Log in as another user (ssh.user of the account), or have /dev/nvidia* opened.",
    ),
)
_LOST = re.compile(_REASONS[4][0], re.IGNORECASE)


def failure(part: Part, name: str) -> SshError:
    """Return why no GPU could be read in the instance called ``name``, and the way out."""
    said = excerpt(part.text)
    for pattern, message, hint in _REASONS:
        if re.search(pattern, part.text, re.IGNORECASE):
            return SshError(message.format(name=name, said=said), hint=hint)
    if part.status == 127:
        return SshError(
            f"There is no nvidia-smi in {name}.",
            hint="The NVIDIA container toolkit brings it where NVIDIA_DRIVER_CAPABILITIES has utility.",
        )
    if part.status == 126:
        return SshError(f"nvidia-smi in {name} cannot be run: {said or 'no reason given'}.")
    if not said:
        return SshError(
            f"nvidia-smi in {name} says nothing (exit status {part.status}).", hint="Log in with s to look."
        )
    return SshError(f"nvidia-smi in {name} fails (exit status {part.status}): {said}", hint="Log in with s to look.")


def lost(part: Part) -> list[str]:
    """Return what is said of GPUs that are lost while others answer."""
    return [excerpt(line) for line in part.text.splitlines() if _LOST.search(line)]
