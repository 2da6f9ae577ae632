"""The public images of GPUhub and AutoDL: no call lists them.

The table of the elastic deployment API's appendix, and three newer images that public clients use.
"""

from __future__ import annotations

from typing import NamedTuple

from gputui.models import Image, Ref


class PublicImage(NamedTuple):
    """A public image: a row of the document's table, or a newer one seen in use."""

    uuid: str
    framework: str
    description: str


PUBLIC_IMAGES = (
    PublicImage("base-image-12be412037", "PyTorch", "CUDA 11.1 · torch 1.9.0 · Ubuntu 18.04"),
    PublicImage("base-image-u9r24vthlk", "PyTorch", "CUDA 11.3 · torch 1.10.0 · Ubuntu 20.04"),
    PublicImage("base-image-l374uiucui", "PyTorch", "CUDA 11.3 · torch 1.11.0 · Ubuntu 20.04"),
    PublicImage(
        "base-image-l2t43iu6uk",  # the table names it under two frameworks
        "PyTorch, TensorRT",
        "CUDA 11.8 · torch 2.0.0 · Ubuntu 20.04 (recommended); CUDA 11.8 · torch 2.0.0 + TensorRT · Ubuntu 20.04",
    ),
    PublicImage("base-image-lbdbb183fk", "PyTorch", "CUDA 11.8 · torch 2.1.2"),
    PublicImage("base-image-ec1e9vdbd3", "PyTorch", "CUDA 12.8 · torch 2.8.0"),
    PublicImage("base-image-0gxqmciyth", "TensorFlow", "CUDA 11.2 · tf 2.5.0 · Ubuntu 18.04"),
    PublicImage("base-image-uxeklgirir", "TensorFlow", "CUDA 11.2 · tf 2.9.0 · Ubuntu 20.04"),
    PublicImage("base-image-4bpg0tt88l", "TensorFlow", "CUDA 11.4 · tf 1.15.5 · Ubuntu 20.04"),
    PublicImage("base-image-mbr2n4urrc", "Miniconda", "CUDA 11.6 · Ubuntu 20.04"),
    PublicImage("base-image-qkkhitpik5", "Miniconda", "CUDA 10.2 · Ubuntu 18.04"),
    PublicImage("base-image-h041hn36yt", "Miniconda", "CUDA 11.1 · Ubuntu 18.04"),
    PublicImage("base-image-7bn8iqhkb5", "Miniconda", "CUDA 11.3 · Ubuntu 20.04"),
    PublicImage("base-image-k0vep6kyq8", "Miniconda", "CUDA 9.0 · Ubuntu 16.04"),
    PublicImage("base-image-8hkyyugih5", "Miniconda", "CUDA 11.8"),
    PublicImage("base-image-l2843iu23k", "TensorRT", "CUDA 11.8 · TensorRT 8.5.1 · Ubuntu 20.04"),
)


def public_images(account: str) -> list[Image]:
    """Return the public images as rows of an account."""
    return [
        Image(
            Ref(account, "image", image.uuid),
            image.framework,
            digest=image.uuid,
            description=image.description,
            own=False,
        )
        for image in PUBLIC_IMAGES
    ]


PUBLIC_NAMES = {image.uuid: f"{image.framework} {image.description.partition(';')[0]}" for image in PUBLIC_IMAGES}
"""The name of a public image in one line, by its UUID."""
