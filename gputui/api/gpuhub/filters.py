"""What can be asked of GPUhub's lists of stock, deployments and containers, checked and in the API's own units.

Speaks for the parameters of calls 12, 3 and 8 of the elastic deployment API. Every field may be left empty.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from gputui.api.common.form_values import given, problem_of, read_flag, read_several, read_whole, unknown_problem
from gputui.api.gpuhub.fields import CUDA_VALUES, Reader, range_problem, read_cuda, read_price
from gputui.formatting import parse_span
from gputui.models import FieldKind, Form, FormField, Resource

CONTAINER_STATUSES = ("creating", "created", "starting", "oss_merged", "running", "shutting_down", "shutdown")
DEPLOYMENT_STATUSES = ("running", "stopped")

Parameters = dict[str, int | str | bool | list[str]]
"""Parts of a request's body, by the API's names."""

_GIB = 2**30
_READERS: Mapping[str, Reader] = {
    "cuda_v": read_cuda,
    "cpu_num": read_whole,
    "memory_size": read_whole,
    "price": read_price,
}
_RANGES: Mapping[Resource, tuple[str, ...]] = {
    Resource.STOCK: ("cuda_v", "memory_size", "cpu_num", "price"),
    Resource.INSTANCES: ("cpu_num", "memory_size", "price"),
}
_LABELS = {"cuda_v": "CUDA", "cpu_num": "CPU cores", "memory_size": "Memory", "price": "Price"}
_DATES = ("date_from", "date_to")


@dataclass(frozen=True, slots=True)
class FilterForms:
    """The filters of one account: its regions, its currency, the GPU models it is known to have."""

    account: str
    regions: tuple[str, ...]
    currency: str

    def form(self, resource: Resource, *, gpu_models: Sequence[str] = ()) -> Form | None:
        """Return what can be asked for of a list; None where nothing can."""
        match resource:
            case Resource.STOCK:
                fields = self._stock_fields(gpu_models)
            case Resource.DEPLOYMENTS:
                fields = _deployment_fields()
            case Resource.INSTANCES:
                fields = self._instance_fields(gpu_models)
            case _:
                return None
        return Form(self.account, resource.value, f"Filter {resource.value} of {self.account}", tuple(fields))

    def check(self, resource: Resource, values: Mapping[str, str], now: datetime) -> dict[str, str]:
        """Return what is wrong, by field; empty when it may be asked for. ``now`` is what spans reach back from."""
        form = self.form(resource)
        if form is None:
            return dict.fromkeys(values, "cannot be used: this list has no filters")
        known = {field.name: field for field in form.fields}
        problems = {name: f"is no filter here; there are {', '.join(known)}" for name in values if name not in known}
        for name, field in known.items():
            text = given(values, name)
            problem = self._problem(field, text, now) if text else None
            if problem:
                problems[name] = problem
        for stem in _RANGES.get(resource, ()):
            low, high = f"{stem}_from", f"{stem}_to"
            if not problems.keys() & {low, high} and given(values, low) and given(values, high):
                problem = range_problem(
                    _READERS[stem], given(values, low), given(values, high), named=known[low].label
                )
                if problem:
                    problems[high] = problem
        if not problems.keys() & set(_DATES) and all(given(values, name) for name in _DATES):
            begin, end = (read_date(given(values, name), now, end=name == "date_to") for name in _DATES)
            if begin > end:
                problems["date_to"] = "is before the date it begins with"
        return problems

    def parameters(self, resource: Resource, values: Mapping[str, str], now: datetime) -> Parameters:
        """Return what is sent for values that passed :meth:`check`. Regions are no parameter of a request.

        ``now`` is what spans reach back from: with ``date_from`` 24h, every request asks for the last 24 hours.
        """
        sent: Parameters = {}
        for field in form.fields if (form := self.form(resource)) else ():
            text = given(values, field.name)
            if text and field.name != "regions":
                sent[field.name] = _sent(resource, field, text, now)
        return {name: value for name, value in sent.items() if value != []}

    def regions_of(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the regions whose stock is to be asked for: those chosen, else all."""
        chosen = read_several(values.get("regions", ""))
        return tuple(region for region in self.regions if region in chosen) if chosen else self.regions

    def _problem(self, field: FormField, text: str, now: datetime) -> str | None:
        stem = field.name.removesuffix("_from").removesuffix("_to")
        if stem in _READERS:
            return problem_of(_READERS[stem], text)
        if field.name in _DATES:
            return problem_of(lambda text: read_date(text, now), text)
        if field.kind is FieldKind.FLAG:
            return problem_of(read_flag, text)
        if field.name == "regions":
            return unknown_problem(read_several(text), self.regions, "the regions of this account")
        if field.kind is FieldKind.CHOICE and not field.open_choices:
            return unknown_problem([text], [choice for choice in field.choices if choice], "all")
        return None

    def _stock_fields(self, gpu_models: Sequence[str]) -> list[FormField]:
        models = _models("gpu_name_set", FieldKind.MULTI, gpu_models)
        if not self.regions:
            # The whole stock of a private cloud is one answer, in which nothing else can be told apart.
            return [models]
        return [
            FormField("regions", "Regions", FieldKind.MULTI, required=False, choices=self.regions),
            models,
            *_range("cuda_v", FieldKind.CHOICE, choices=tuple(CUDA_VALUES)),
            *_range("memory_size", unit="GB"),
            *_range("cpu_num"),
            *_range("price", FieldKind.TEXT, unit=f"{self.currency}/h"),
        ]

    def _instance_fields(self, gpu_models: Sequence[str]) -> list[FormField]:
        when = "a date, a date with a time, or so long ago: 2026-11-20, 2026-11-20 14:00, 24h, 7d"
        return [
            FormField(
                "status",
                "Status",
                FieldKind.MULTI,
                required=False,
                choices=CONTAINER_STATUSES,
                open_choices=True,
            ),
            FormField("released", "Released ones too", FieldKind.FLAG, required=False),
            FormField("date_from", "Created from", required=False, help=when),
            FormField("date_to", "Created until", required=False, help=when),
            _models("gpu_name", FieldKind.CHOICE, gpu_models),
            *_range("cpu_num"),
            *_range("memory_size", unit="GB"),
            *_range("price", FieldKind.TEXT, unit=f"{self.currency}/h"),
            FormField("deployment_uuid", "Deployment", required=False, help="uuid"),
            FormField("container_uuid", "Container", required=False, help="uuid"),
        ]


def read_date(text: str, now: datetime, *, end: bool = False) -> datetime:
    """Read a day, a time, or how long ago as an aware time; raises ValueError.

    What has no time zone is local. A day alone is its beginning, or its last second with ``end``.
    """
    text = text.strip()
    try:
        return now - timedelta(minutes=parse_span(text))
    except OverflowError:
        raise ValueError("reaches too far back") from None
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
        if end and len(text) <= len("2026-11-20") and at.time() == time():
            at += timedelta(days=1, seconds=-1)
        return at if at.tzinfo else at.astimezone()
    except (ValueError, OverflowError, OSError):
        raise ValueError("must be a time, such as 2026-11-20, 2026-11-20 14:00, 24h or 7d") from None


def _sent(resource: Resource, field: FormField, text: str, now: datetime) -> int | str | bool | list[str]:
    stem = field.name.removesuffix("_from").removesuffix("_to")
    if stem in _READERS:
        number = _READERS[stem](text)
        # Call 8 takes bytes, the others GB.
        return number * _GIB if stem == "memory_size" and resource is Resource.INSTANCES else number
    if field.name in _DATES:
        return read_date(text, now, end=field.name == "date_to").isoformat(timespec="seconds")
    match field.kind:
        case FieldKind.FLAG:
            return read_flag(text)
        case FieldKind.MULTI:
            return read_several(text)
        case _:
            return text


def _deployment_fields() -> list[FormField]:
    return [
        FormField("name", "Name", required=False, help="the whole name: the server looks for no parts"),
        FormField(
            "status",
            "Status",
            FieldKind.CHOICE,
            required=False,
            choices=("", *DEPLOYMENT_STATUSES),
            labels=("any", "running", "stopped"),
        ),
        FormField("deployment_uuid", "Deployment", required=False, help="uuid"),
    ]


def _range(
    stem: str, kind: FieldKind = FieldKind.NUMBER, *, unit: str = "", choices: Collection[str] = ()
) -> list[FormField]:
    label = _LABELS[stem]
    return [
        FormField(
            f"{stem}_{end}",
            f"{label} {end}",
            kind,
            required=False,
            choices=("", *choices) if choices else (),
            labels=("any", *choices) if choices else (),
            open_choices=bool(choices),
            unit=unit,
        )
        for end in ("from", "to")
    ]


def _models(name: str, kind: FieldKind, gpu_models: Sequence[str]) -> FormField:
    several = kind is FieldKind.MULTI
    any_model = () if several or not gpu_models else ("",)
    return FormField(
        name,
        "GPU models" if several else "GPU model",
        kind,
        required=False,
        choices=(*any_model, *gpu_models),
        labels=("any", *gpu_models) if any_model else (),
        open_choices=True,
    )
