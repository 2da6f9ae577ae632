"""GPU names: many vendors' and drivers' names of one card become one label, ``MODEL [FORM] [MEMORY]``.

``NVIDIA_RTX_5090_32G``, ``NVIDIA GeForce RTX 5090`` and ``RTX 5090`` are ``RTX 5090``; ``A100-SXM4-80GB`` is
``A100 SXM 80G``. The form factor is part of a label where a model is sold in several, the memory where a model is
sold with several sizes or where a card has another size than usual (``RTX 4090 48G``). Nothing is guessed: a name
without form factor or memory has a label without them, unless the model leaves no choice (``H100 PCIe`` has 80 GB).
A label is its own label. Parts of a card (vGPU, MIG) keep their own names: they are no whole card.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from gputui.late_dataclasses import dataclass
from gputui.late_patterns import late_pattern

_GIB = 2**30
_NEAR = 0.11
"""Sizes are in GB or GiB, with or without what the driver reserves: how far apart two may be and mean one."""

_VENDOR_CODES: Mapping[str, str] = {
    "nvidia_a100_40g": "A100 SXM 40G",
    "nvidia_a100_80g": "A100 SXM 80G",
    "nvidia_h100_80g": "H100 SXM 80G",
}
"""Codes of a vendor whose PCIe cards have codes of their own (``NVIDIA_A100_PCIe_80G``): these are the others."""


@dataclass(frozen=True, slots=True)
class _Model:
    """A model: its sizes in GB, the usual one first; ``forms``: its form factors, each with the size it implies.

    ``named``: the memory is always part of the label, since none of the sizes is the usual one.
    """

    sizes: tuple[int, ...]
    named: bool = False
    forms: Mapping[str, int | None] | None = None


_SXM_OR_PCIE: Mapping[str, int | None] = {"SXM": None, "PCIe": None}
_OF_ONE_SIZE: Mapping[int, str] = {
    6: "RTX 2060",
    8: "RTX 2080, RTX 3070, P4",
    10: "RTX 3080",
    11: "RTX 2080 Ti",
    12: "RTX 3060, RTX 3080 Ti, TITAN Xp",
    16: "RTX 4070 Ti SUPER, RTX 4080, RTX 4080 SUPER, RTX 5070 Ti, RTX 5080, RTX A4000, T4, A16",
    20: "RTX 4000 Ada, RTX A4500",
    24: (
        "RTX 3090, RTX 3090 Ti, RTX 4090, RTX 4090D, RTX A5000, RTX A5500, Quadro RTX 6000, TITAN RTX, "
        "P40, A10, A10G, A30, L2, L4"
    ),
    32: "RTX 5090, RTX 5090D, RTX 5000 Ada, V100S, Trainium",
    48: "RTX 6000 Ada, RTX A6000, Quadro RTX 8000, A40, L20, L40, L40S",
    64: "MI210",
    96: "RTX PRO 6000, RTX PRO 6000 Max-Q",
    128: "MI250X",
    186: "GB200",
    192: "MI300X",
    256: "MI325X",
    279: "GB300",
}
"""Models that are sold with one size of memory, by that in GB."""

_MODELS: Mapping[str, _Model] = {
    **{name: _Model((size,)) for size, names in _OF_ONE_SIZE.items() for name in names.split(", ")},
    "P100": _Model((12, 16), named=True, forms=_SXM_OR_PCIE),
    "V100": _Model((16, 32), named=True, forms=_SXM_OR_PCIE),
    "A100": _Model((40, 80), named=True, forms=_SXM_OR_PCIE),
    "A800": _Model((40, 80), named=True, forms=_SXM_OR_PCIE),
    "H20": _Model((96, 141), forms={"SXM": None}),
    "H100": _Model((80, 64, 94), named=True, forms={"SXM": 80, "PCIe": 80, "NVL": 94}),
    "H800": _Model((80,), forms={"SXM": 80, "PCIe": 80}),
    "H200": _Model((141,), forms={"SXM": 141, "NVL": 141}),
    "GH200": _Model((96, 144)),
    "B200": _Model((180, 192)),
    "B300": _Model((270, 288)),
}
"""Models with what they are sold with. Others keep all that their names say."""

_UNMARKED = frozenset({"H20", "H800", "H200"})
"""Models whose SXM modules are named without the form factor by driver and vendors: only the others are marked."""
_ONE_CARD = frozenset({"B200", "B300"})
"""Models whose sizes are one card, counted with more or less of its memory."""
_WITH_CPU = frozenset({"GH200", "GB200", "GB300"})
"""Modules whose driver's name has the memory of the CPU (``GH200 480GB``)."""

_ALIASES: Mapping[str, str] = {
    "B300 AC": "B300",
    "H20-3E": "H20 141G",
    "RTX 4080S": "RTX 4080 SUPER",
    "TRAINIUM1": "Trainium",
    **{
        number: f"RTX {number}" for number in ("2080", "3060", "3070", "3080", "3090", "4080", "4090", "5080", "5090")
    },
    **{f"A{number}": f"RTX A{number}" for number in ("4000", "4500", "5000", "5500", "6000")},
    **{f"{number} TI": f"RTX {number} Ti" for number in ("2080", "3070", "3080", "3090", "4070", "5070")},
    **{f"{number}D": f"RTX {number}D" for number in ("4090", "5090")},
    "PRO 6000": "RTX PRO 6000",
    "6000 ADA": "RTX 6000 Ada",
}
"""Short names, in upper case, of models that no other vendor's name is near to."""

_BY_UPPER: Mapping[str, str] = {name.upper(): name for name in _MODELS}
_VENDOR_WORDS = late_pattern(
    r"\((?:r|tm|c)\)|[®™]|\b(?:nvidia|amd|aws|geforce|tesla|grid|instinct|graphics|gpu|generation|blackwell"
    r"|server edition|workstation edition)\b",
    re.IGNORECASE,
)
_MEMORY = late_pattern(r"(?:(?<=[\s(-])|^)\(?(\d{1,4})\s?G(?:i?B)?\)?(?=[\s-]|$)", re.IGNORECASE)
_FORM = late_pattern(r"(?:(?<=[\s-])|^)(SXM\d?|PCI-?E|NVLINK|NVL|OAM)(?=[\s-]|$)", re.IGNORECASE)
_HBM = late_pattern(r"(?:(?<=[\s-])|^)HBM(\d)E?(?=[\s-]|$)", re.IGNORECASE)
_SHARE = late_pattern(r"vgpu(?=[\s-]|$)[\s-]*(.*)", re.IGNORECASE)
_MIG = late_pattern(r"\s+MIG\s+(\S+)$", re.IGNORECASE)
_GLUED = late_pattern(r"\b(RTX|GTX)(?=[A\d])", re.IGNORECASE)
_TI = late_pattern(r"(?<=\d)(?:-|\s?)TI\b", re.IGNORECASE)
_LONE_D = late_pattern(r"(?<=\d)\sD(?=\s|$)", re.IGNORECASE)
_EDGES = " \t-,"

_KEEP_CASE: Mapping[str, str] = {
    "ADA": "Ada",
    "MAX-Q": "Max-Q",
    "SUPER": "SUPER",
    "TI": "Ti",
    "TITAN": "TITAN",
    "TRAINIUM2": "Trainium2",
    "XP": "Xp",
}
_SHORT = 3
"""Letters of a word that is an abbreviation; longer ones (Quadro, Radeon, Laptop, Ascend) are names."""
_TIMES = late_pattern(r"(?<=\d)X(?=\d+$)")
"""``RTX 3080x2``: two cards sold as one."""

_LONGEST = 200
"""Characters of a name, which comes from a server: the patterns are for short texts."""

_LABEL_MEMORY = late_pattern(r" (\d{1,4})G$")
_SHARE_MEMORY = late_pattern(r"vGPU-(\d{1,4})GB?(?=-|$)", re.IGNORECASE)


def gpu_label(name: str, memory: int | None = None) -> str:
    """Normalise a vendor's or driver's name of a GPU to model, form factor and memory.

    ``memory``, that of one card in bytes, distinguishes cards with the same name: two sizes of one model, and a
    card with half as much memory again as is usual. Texts too long for a name are returned as they are.
    """
    return _label(name, memory) if len(name) <= _LONGEST else name


@lru_cache(maxsize=4096)
def _label(name: str, memory: int | None) -> str:
    if code := _VENDOR_CODES.get(name.strip().lower()):
        return code
    text = " ".join(_VENDOR_WORDS.sub(" ", name.replace("_", " ")).split())
    if share := _SHARE.match(text):
        return "-".join(("vGPU", *share[1].split()))
    if part := _MIG.search(text):
        return f"{_label(text[: part.start()], None)} MIG {part[1].lower()}"
    return _whole_card(text, memory) or " ".join(name.split()) or name


def gpu_memory(label: str) -> int | None:
    """Return the memory of a GPU in bytes, by its label; None where it can have several sizes."""
    if share := _SHARE_MEMORY.match(label):
        return int(share[1]) * _GIB
    model, form, size = _parts(label)
    known = _MODELS.get(model)
    if size is None and known is not None:
        size = (known.forms or {}).get(form) or (None if known.named else known.sizes[0])
    return None if size is None else size * _GIB


def gpu_matches(label: str, wanted: str) -> bool:
    """Whether a GPU is of a kind: ``H100`` is any of them, ``H100 PCIe`` and ``A100 80G`` only these.

    Both may be names or labels.
    """
    has, asked = _parts(gpu_label(label)), _parts(gpu_label(wanted))
    return has[0] == asked[0] and asked[1] in ("", has[1]) and asked[2] in (None, has[2])


def _parts(label: str) -> tuple[str, str, int | None]:
    """Return model, form factor and memory in GB of a label, the last two as far as they are in it."""
    found = _LABEL_MEMORY.search(label)
    model = label[: found.start()] if found else label
    rest, _, form = model.rpartition(" ")
    if not rest or form not in ("SXM", "PCIe", "NVL"):
        rest, form = model, ""
    return rest, form, int(found[1]) if found else None


def _whole_card(text: str, memory: int | None) -> str:
    """Return the label of a name without vendor words; '' where nothing is left of it."""
    found = _MEMORY.search(text)
    size = int(found[1]) if found else None
    forms = [_form(match[1]) for match in _FORM.finditer(text)]
    stacked = _HBM.search(text)
    rest = _HBM.sub(" ", _FORM.sub(" ", _MEMORY.sub(" ", text, count=1)))
    model, more = _model(rest)
    form = next((form for form in forms if form), "")
    if not form and model == "H100" and stacked and stacked[1] == "3":
        form = "SXM"  # its PCIe card has HBM2e, its NVL card says so
    size = size or more
    known = _MODELS.get(model)
    if known is None:
        return " ".join(filter(None, (model, form, f"{size}G" if size else "")))
    return _known(model, known, form, size, memory)


def _known(model: str, known: _Model, form: str, size: int | None, memory: int | None) -> str:
    forms = known.forms or {}
    shown = "" if form not in forms or (form == "SXM" and model in _UNMARKED) else form
    if size is None and memory is not None and memory > 0:
        size = _measured(known, memory / _GIB)
    if size is None and known.named:
        size = forms.get(form)
    if size is not None and model in _WITH_CPU and size > max(known.sizes):
        size = None
    if size is not None and (near := _nearest(known, size)):
        size = near
    if model in _ONE_CARD or (size == known.sizes[0] and not known.named):
        size = None
    return " ".join(filter(None, (model, shown, f"{size}G" if size else "")))


def _measured(known: _Model, size: float) -> int | None:
    """Return the size of a card that has this much; None where it may be a part of a usual one."""
    if near := _nearest(known, size):
        return near
    return round(size) if size > 1.5 * max(known.sizes) else None


def _nearest(known: _Model, size: float) -> int | None:
    near = min(known.sizes, key=lambda one: abs(one - size))
    return near if abs(near - size) <= _NEAR * near else None


def _form(word: str) -> str:
    upper = word.upper()
    if upper.startswith("SXM") or upper == "NVLINK":
        return "SXM"
    return {"NVL": "NVL", "OAM": ""}.get(upper, "PCIe")


def _model(text: str) -> tuple[str, int | None]:
    """Return the model in its usual spelling, and the memory that it is another name for."""
    text = _LONE_D.sub("D", _TI.sub(" Ti", _GLUED.sub(r"\1 ", text)))
    words = (word.strip(_EDGES) for word in text.split())
    upper = " ".join(word.upper() if word.isascii() else word for word in words if word)
    upper = upper.replace("MAX-Q WORKSTATION", "MAX-Q").removesuffix(" EDITION")
    alias = _ALIASES.get(upper, upper)
    if found := _LABEL_MEMORY.search(alias):
        return alias[: found.start()], int(found[1])
    if (known := _BY_UPPER.get(alias.upper())) is not None:
        return known, None
    spelt = alias if alias is not upper else " ".join(map(_spelt, upper.split()))
    return _TIMES.sub("x", spelt), None


def _spelt(word: str) -> str:
    if word in _KEEP_CASE:
        return _KEEP_CASE[word]
    return word.capitalize() if word.isascii() and word.isalpha() and len(word) > _SHORT else word
