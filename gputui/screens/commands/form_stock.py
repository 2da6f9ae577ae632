"""The stock that the summary of a form shows, while the form is filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gputui.analytics.stock import paid_prices
from gputui.formatting import format_time
from gputui.models import FeedState, Form, GpuDevice, Instance, Offer, Ref, Resource, Role
from gputui.presentation.form_summary import StockNow, SummaryLine, creation_summary, with_stock

if TYPE_CHECKING:
    from gputui.api.capabilities import Values
    from gputui.screens.base.session import Session

_RUNS = frozenset({Resource.INSTANCES, Resource.DEPLOYMENTS})
"""Lists of what runs on GPUs."""


class FormStock:
    """The stock of the account of a form, read again from the rows when these have changed."""

    def __init__(self, session: Session, form: Form) -> None:
        self._session = session
        self._form = form
        home = session.fleet.resource_of(Ref(form.account, form.kind, ""))
        self._runs = home in _RUNS
        self._costs = self._runs or home is Resource.VOLUMES
        self._now: StockNow | None = None
        self.shown: Sequence[SummaryLine] = ()
        """The summary that was shown last."""

    def summary(self, values: Values) -> Sequence[SummaryLine]:
        """Return the summary of these values."""
        if self._runs and self._now is None:
            self._now = self._read()
        self.shown = creation_summary(self._form, values, costs=self._costs, stock=self._now)
        return self.shown

    def described(self) -> Form:
        """Return the form with what is idle now next to its GPU models; as it is where nothing runs on GPUs."""
        if not self._runs:
            return self._form
        if self._now is None:
            self._now = self._read()
        return with_stock(self._form, self._now)

    def _read(self) -> StockNow:
        fleet, account = self._session.fleet, self._form.account
        if not fleet.supports(account, Resource.STOCK):
            return StockNow(reported=False, billed=fleet.runtime(account).bills)
        feed = fleet.feed(account, Resource.STOCK)
        old = feed.state is not FeedState.FRESH and feed.fetched_at is not None
        offers = [row for row in fleet.rows(Resource.STOCK, account).values() if isinstance(row, Offer)]
        return StockNow(
            offers,
            paid=paid_prices(row for row in fleet.all(Instance) if row.ref.account == account),
            read=feed.state is FeedState.FRESH or bool(offers),
            as_of=format_time(feed.fetched_at, utc=self._session.utc) if old and feed.fetched_at else "",
            billed=fleet.runtime(account).bills,
            in_use=self._in_use() if self._form.field(Role.GPU_INDICES) is not None else {},
        )

    def _in_use(self) -> dict[str, str]:
        """Return the GPUs of the host that are not idle, with the instances on them."""
        rows = self._session.fleet.rows(Resource.GPUS, self._form.account).values()
        return {
            str(row.index): ", ".join(row.instances)
            for row in rows
            if isinstance(row, GpuDevice)
            and (row.instances or row.process_count or (row.sample is not None and (row.sample.utilization or 0) > 0))
        }

    @contextmanager
    def polled(self, changed: Callable[[], None]) -> Iterator[None]:
        """Have the stock polled, and call ``changed`` when it, or what is known of it, is another."""
        if not self._runs:
            yield
            return

        def again() -> None:
            self._now = None
            changed()

        fleet = self._session.fleet
        stops = [fleet.subscribe(Resource.STOCK, lambda _: again()), fleet.subscribe_feeds(again)]
        fleet.polled_lists.keep([Resource.STOCK], owner=self)
        try:
            yield
        finally:
            fleet.polled_lists.keep([], owner=self)
            for stop in stops:
                stop()
