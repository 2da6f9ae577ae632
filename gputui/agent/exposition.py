"""The text format of Prometheus, version 0.0.4: families of samples as lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field

from gputui.late_dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_SERIES = 2000
"""The samples of one family that are written; :data:`OMITTED` says how many are left out."""
OMITTED = "gputui_series_omitted"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_LABEL_LENGTH = 200
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})


@dataclass(slots=True)
class Family:
    """A gauge: one figure for each set of labels. An unknown figure is not added."""

    name: str
    help: str
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)

    def add(self, value: float | None, /, **labels: str) -> None:
        """Add a sample, None for an unknown figure. Further samples with the same labels are added to the first."""
        if value is not None:
            self.keep(lambda known, more: known + more, value, **labels)

    def keep(self, choose: Callable[[float, float], float], value: float, /, **labels: str) -> None:
        """Add a sample; of several with the same labels, ``choose`` returns the one to keep."""
        key = tuple((name, text[:_LABEL_LENGTH]) for name, text in labels.items())
        self.samples[key] = choose(self.samples[key], value) if key in self.samples else value


def text_of(families: Iterable[Family]) -> str:
    """Return the families as text. Those without samples are left out; raises ValueError for an invalid name."""
    lines: list[str] = []
    omitted = Family(OMITTED, "Samples that are left out of a metric, because it has too many.")
    for one in families:
        if len(one.samples) > MOST_SERIES:
            omitted.add(len(one.samples) - MOST_SERIES, metric=one.name)
        lines += _lines(one)
    return "".join(f"{line}\n" for line in (*lines, *_lines(omitted)))


def _lines(family: Family) -> Iterator[str]:
    if not _NAME.fullmatch(family.name):
        raise ValueError(f"not a name of a metric: {family.name!r}")
    if not family.samples:
        return
    yield f"# HELP {family.name} {_escaped_help(family.help)}"
    yield f"# TYPE {family.name} gauge"
    for labels, value in list(family.samples.items())[:MOST_SERIES]:
        yield f"{family.name}{_labels(dict(labels))} {_number(value)}"


def _labels(labels: Mapping[str, str]) -> str:
    inside = ",".join(f'{name}="{text.translate(_ESCAPES)}"' for name, text in labels.items())
    return f"{{{inside}}}" if inside else ""


def _escaped_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
