"""The pictures: the keys that open each, and the words that are on it once it is complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """Words that have to be on the screen before the next key."""

    text: str


@dataclass(frozen=True)
class Scene:
    """One picture. ``keys`` open it from the one before; each of ``shows`` is on it."""

    name: str
    keys: Sequence[str | Shown]
    shows: Sequence[str]
    size: tuple[int, int] = (120, 34)


VIEWS = (
    Scene("tasks", ("8", Shown("sdxl-queue"), "g"), ("processing", "failed", "delivered")),
    Scene("home", ("0",), ("Problems", "bad-image", "Waste", "old-demo", "Spending", "prepaid", "News", "slow")),
    Scene("stock", ("1", Shown("RTX PRO 6000"), "z"), ("with none idle hidden", "idle of")),
    Scene("deployments", ("2",), ("qwen-finetune", "sdxl-queue")),
    Scene("instances", ("3",), ("ablation", "amd01", "comfyui")),
    Scene("events", ("4",), ("following", "running")),
    Scene("gpus", ("5",), ("train-7b", "GPU 0 utilisation", "SHARE")),
    Scene(
        "blacklist",
        (
            *("colon", *"block qwen-finetune-2039b5e8", "enter", Shown("Block host"), "shift+tab"),
            *(*"slow", "space", *"disk", "tab", "tab", "enter", Shown("blocked until"), "6"),
        ),
        ("TIME LEFT", "slow disk"),
    ),
    Scene("library", ("7",), ("Miniconda", "PyTorch")),
    Scene("cost", ("9",), ("qwen-finetune", "Prepaid", "RTX 5090")),
    Scene("waste", (":", *"waste", "enter"), ("old-demo", "not mounted", "thesis")),
    Scene("timeline", (":", *"timeline", "enter"), ("following", "GPU load", "events")),
    Scene("help", ("3", Shown("ablation"), "question_mark"), ("Keys in Instances", "Views")),
    Scene("columns", ("escape", "vertical_line"), ("Columns of Instances", "PRICE/H")),
    Scene(
        "create",
        ("escape", "2", Shown("qwen-finetune"), "n", "enter", Shown("Replicas"), *"train", *["ctrl+pagedown"] * 3),
        ("New deployment in hub", "Review"),
    ),
)
"""The views, for the documentation site; first the tasks, of which those that failed are soon far below."""

README = (
    Scene("tasks", ("8", Shown("sdxl-queue"), "g"), ("processing", "CUDA out of", "delivered"), (120, 28)),
    Scene("stock", ("1", Shown("RTX PRO 6000"), "z"), ("with none idle hidden", "idle of"), (120, 36)),
    Scene(
        "home",
        ("W", Shown("Notify me when"), "enter", "0"),
        ("Problems", "Waste", "old-demo", "Under way", "Spending", "prepaid", "notifies from", "News"),
        (120, 42),
    ),
    Scene(
        "events",
        ("4", Shown("following"), "slash", *"qwen", "enter", Shown("/ qwen"), "up"),
        ("slow: median", "(median of"),
        (120, 32),
    ),
    Scene("gpus", ("5", Shown("train-7b"), "down", "down"), ("serve-qwen", "GPU 2 utilisation", "SHARE"), (120, 40)),
    Scene(
        "log",
        ("3", Shown("ablation"), "slash", *"kind:worker", "enter", Shown("wk-"), "l", Shown("following"),
         "backslash", *"CUDA out of memory", "enter"),
        ("find: CUDA out of memory", "Tried to allocate"),
        (120, 32),
    ),
)  # fmt: skip
"""The pictures of the READMEs; first the tasks as well."""
