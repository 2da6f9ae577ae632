"""The filters of GPUhub's lists of stock, deployments and containers, all optional.

Speaks for the parameters of calls 12, 3 and 8 of the elastic deployment API.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta

from gputui.api.common.filters import UsedFilters, choice_filter, optional
from gputui.api.common.form_values import Body, FormValues, Reader, read_whole, several_among
from gputui.api.gpuhub.fields import CUDA_VALUES, read_cuda, read_price
from gputui.formatting import parse_span
from gputui.models import FieldKind, FormField, Resource

CONTAINER_STATUSES = ("creating", "created", "starting", "oss_merged", "running", "shutting_down", "shutdown")
DEPLOYMENT_STATUSES = ("running", "stopped")

_GIB = 2**30
_ENDS = ("from", "to")
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
        models = optional("gpu_name_set", "GPU models", FieldKind.MULTI, choices=tuple(gpu_models), open_choices=True)
        if not self._regions:
            # The whole stock of a private cloud is one answer, in which only models can be distinguished.
            return [models]
        regions = several_among(self._regions, "the regions of this account")
        return [
            optional("regions", "Regions", FieldKind.MULTI, choices=self._regions, read=regions, path=None),
            models,
            *(choice_filter(f"cuda_v_{end}", f"CUDA {end}", tuple(CUDA_VALUES), read=read_cuda) for end in _ENDS),
            *_range("memory_size", "Memory", read_whole, unit="GB"),
            *_range("cpu_num", "CPU cores", read_whole),
            *_range("price", "Price", read_price, FieldKind.TEXT, unit=f"{self._currency}/h"),
        ]

    def _instance_fields(self, gpu_models: Sequence[str]) -> list[FormField]:
        when = "a date, a date with a time, or so long ago: 2026-11-20, 2026-11-20 14:00, 24h, 7d"
        statuses = several_among(CONTAINER_STATUSES, "the statuses")
        return [
            optional("status", "Status", FieldKind.MULTI, choices=CONTAINER_STATUSES, read=statuses),
            optional("released", "Released ones too", FieldKind.FLAG),
            optional("date_from", "Created from", help=when, read=lambda text: read_date(text, self._now())),
            optional("date_to", "Created until", help=when, read=lambda text: read_date(text, self._now(), end=True)),
            choice_filter("gpu_name", "GPU model", gpu_models),
            *_range("cpu_num", "CPU cores", read_whole),
            # Call 8 takes bytes, the others GB.
            *_range("memory_size", "Memory", lambda text: read_whole(text) * _GIB, unit="GB"),
            *_range("price", "Price", read_price, FieldKind.TEXT, unit=f"{self._currency}/h"),
            optional("deployment_uuid", "Deployment", help="uuid"),
            optional("container_uuid", "Container", help="uuid"),
        ]


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
        optional("name", "Name", help="the whole name: the server looks for no parts"),
        choice_filter("status", "Status", DEPLOYMENT_STATUSES, open_choices=False),
        optional("deployment_uuid", "Deployment", help="uuid"),
    ]


def _range(
    stem: str, label: str, read: Reader, kind: FieldKind = FieldKind.NUMBER, *, unit: str = ""
) -> list[FormField]:
    return [optional(f"{stem}_{end}", f"{label} {end}", kind, unit=unit, read=read) for end in _ENDS]
