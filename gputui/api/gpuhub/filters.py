"""The filters of GPUhub's lists of stock, deployments and containers, all optional.

Speaks for the parameters of calls 12, 3 and 8 of the elastic deployment API.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta

from gputui.api.common.filters import UsedFilters
from gputui.api.common.form_values import Body, FormValues, Reader, read_whole, several_among
from gputui.api.gpuhub.fields import CUDA_VALUES, read_cuda, read_price
from gputui.formatting import parse_span
from gputui.models import FieldKind, FormField, Resource

CONTAINER_STATUSES = ("creating", "created", "starting", "oss_merged", "running", "shutting_down", "shutdown")
DEPLOYMENT_STATUSES = ("running", "stopped")

_GIB = 2**30
_RANGES = tuple((f"{stem}_from", f"{stem}_to") for stem in ("cuda_v", "cpu_num", "memory_size", "price"))


class GpuhubFilters(UsedFilters):
    """The filters of one account: its regions, its currency, the GPU models in stock. ``now`` returns the time."""

    def __init__(
        self,
        account: str,
        regions: tuple[str, ...],
        currency: str,
        *,
        models: Callable[[], Sequence[str]] = tuple,
        now: Callable[[], datetime],
        changed: Callable[[Resource], None] = lambda resource: None,
    ) -> None:
        super().__init__(account, changed)
        self._regions = regions
        self._currency = currency
        self._models = models
        self._now = now

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions whose stock is requested: the chosen ones, or all."""
        chosen = self.used(Resource.STOCK).read.get("regions")
        return (
            tuple(region for region in self._regions if region in chosen)
            if isinstance(chosen, list)
            else self._regions
        )

    def fields(self, resource: Resource) -> Sequence[FormField]:
        """Return the filters of a list, with the GPU models in stock."""
        match resource:
            case Resource.STOCK:
                return self._stock_fields(self._models())
            case Resource.DEPLOYMENTS:
                return _deployment_fields()
            case Resource.INSTANCES:
                return self._instance_fields(self._models())
        return ()

    def relate(self, given: FormValues) -> None:
        """Refuse ranges that end before they begin."""
        given.refuse_ranges(_RANGES)
        begin, end = (_at(given.read.get(name), self._now()) for name in ("date_from", "date_to"))
        if begin is not None and end is not None and begin > end:
            given.refuse("date_to", "is before the date it begins with")

    def parameters(self, resource: Resource) -> Body:
        """Return the parameters in use; spans reach back from now, in every request."""
        now = self._now()
        found = {name: (value, _at(value, now)) for name, value in super().parameters(resource).items()}
        return {name: at.isoformat(timespec="seconds") if at else value for name, (value, at) in found.items()}

    def _stock_fields(self, gpu_models: Sequence[str]) -> list[FormField]:
        models = _models("gpu_name_set", FieldKind.MULTI, gpu_models)
        if not self._regions:
            # The whole stock of a private cloud is one answer, in which only models can be distinguished.
            return [models]
        return [
            FormField(
                "regions",
                "Regions",
                FieldKind.MULTI,
                required=False,
                choices=self._regions,
                read=several_among(self._regions, "the regions of this account"),
                path=None,
            ),
            models,
            *_range("cuda_v", "CUDA", read_cuda, FieldKind.CHOICE, choices=tuple(CUDA_VALUES)),
            *_range("memory_size", "Memory", read_whole, unit="GB"),
            *_range("cpu_num", "CPU cores", read_whole),
            *_range("price", "Price", read_price, FieldKind.TEXT, unit=f"{self._currency}/h"),
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
                read=several_among(CONTAINER_STATUSES, "the statuses"),
            ),
            FormField("released", "Released ones too", FieldKind.FLAG, required=False),
            FormField("date_from", "Created from", required=False, help=when, read=self._read_begin),
            FormField("date_to", "Created until", required=False, help=when, read=self._read_end),
            _models("gpu_name", FieldKind.CHOICE, gpu_models),
            *_range("cpu_num", "CPU cores", read_whole),
            # Call 8 takes bytes, the others GB.
            *_range("memory_size", "Memory", lambda text: read_whole(text) * _GIB, unit="GB"),
            *_range("price", "Price", read_price, FieldKind.TEXT, unit=f"{self._currency}/h"),
            FormField("deployment_uuid", "Deployment", required=False, help="uuid"),
            FormField("container_uuid", "Container", required=False, help="uuid"),
        ]

    def _read_begin(self, text: str) -> datetime | timedelta:
        return read_date(text, self._now())

    def _read_end(self, text: str) -> datetime | timedelta:
        return read_date(text, self._now(), end=True)


def read_date(text: str, now: datetime, *, end: bool = False) -> datetime | timedelta:
    """Read a day or a time as an aware time, a span as the time since; it must not reach too far back from ``now``.

    A time without a time zone is local. A day alone is its beginning, or its last second with ``end``.
    """
    try:
        span = timedelta(minutes=parse_span(text))
        now - span
    except OverflowError:
        raise ValueError("reaches too far back") from None
    except ValueError:
        pass
    else:
        return span
    try:
        at = datetime.fromisoformat(text)
        if end and len(text) <= len("2026-11-20") and at.time() == time():
            at += timedelta(days=1, seconds=-1)
        return at if at.tzinfo else at.astimezone()
    except (ValueError, OverflowError, OSError):
        raise ValueError("must be a time, such as 2026-11-20, 2026-11-20 14:00, 24h or 7d") from None


def _at(value: object, now: datetime) -> datetime | None:
    """Return the time of a date that was read; None for all other values."""
    if isinstance(value, timedelta):
        return now - value
    return value if isinstance(value, datetime) else None


def _deployment_fields() -> list[FormField]:
    return [
        FormField("name", "Name", required=False, help="the whole name: the server looks for no parts"),
        FormField(
            "status",
            "Status",
            FieldKind.CHOICE,
            required=False,
            choices=("", *DEPLOYMENT_STATUSES),
            labels=("any", *DEPLOYMENT_STATUSES),
        ),
        FormField("deployment_uuid", "Deployment", required=False, help="uuid"),
    ]


def _range(
    stem: str,
    label: str,
    read: Reader,
    kind: FieldKind = FieldKind.NUMBER,
    *,
    unit: str = "",
    choices: Sequence[str] = (),
) -> list[FormField]:
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
            read=read,
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
