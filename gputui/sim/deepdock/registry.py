"""The registry of a simulated DeepDock host: repositories, tags, sizes of images."""

from __future__ import annotations

MEGABYTE = 1000**2
_REPOSITORIES: dict[str, dict[str, int]] = {
    "nvidia/cuda": {
        "12.6.3-cudnn-runtime-ubuntu24.04": 2106,
        "12.2.0-runtime-ubuntu22.04": 1189,
        "12.2.0-runtime-ubuntu20.04": 1190,
        "12.8.1-cudnn-devel-ubuntu22.04": 9260,
        "latest": 240,
    },
    "pytorch/pytorch": {"2.7.1-cuda12.8-cudnn9-runtime": 7480, "2.6.0-cuda12.4-cudnn9-devel": 13_300},
    "vllm/vllm-openai": {"v0.9.1": 19_700, "v0.8.5": 18_900, "latest": 19_700},
    "jupyter/base-notebook": {"latest": 1080, "python-3.11": 1010},
    "huggingface/text-generation-inference": {"3.3.1": 13_900},
    "ai-dock/comfyui": {"latest-cuda": 11_200},
    "nvidia/pytorch": {"25.05-py3": 23_600},
    "localhost:5000/team/trainer": {"nightly": 15_200, "2025-11": 14_800},
    "ubuntu": {"22.04": 78, "24.04": 79, "latest": 79},
    "hello-world": {"latest": 1},
}


class MissingError(LookupError):
    """The registry does not have an image; says so in Docker's words."""


def whole(tag: str) -> str:
    """A repository and its tag, "latest" by default."""
    return tag if ":" in tag.rpartition("/")[2] else f"{tag}:latest"


def find(tag: str) -> int:
    """The size of the image of a whole tag, in bytes. Raises MissingError."""
    repository, _, version = tag.rpartition(":")
    if repository not in _REPOSITORIES:
        raise MissingError(
            f"pull access denied for {repository}, repository does not exist or may require 'docker login': "
            "denied: requested access to the resource is denied"
        )
    if version not in _REPOSITORIES[repository]:
        raise MissingError(f"manifest for {tag} not found: manifest unknown: manifest unknown")
    return _REPOSITORIES[repository][version] * MEGABYTE
