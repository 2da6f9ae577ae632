"""The sections of a row: other things that belong to it, their places, and how many are left out."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from gputui.models import Event, Instance, Money, Phase, Ref
from gputui.models.forwards import ForwardState, PortForward
from gputui.models.spend import SeenPrice
from gputui.presentation.columns.column import plain_text
from gputui.presentation.columns.context import Context
from gputui.presentation.details import MOST, Place, Related, details
from tests.fleet.fakes import START, pod


class _Known(Context):
    """Knows one machine."""

    def __init__(self, row: Instance) -> None:
        super().__init__(utc=True)
        self._row = row

    def get(self, ref: Ref) -> Instance | None:
        return self._row if ref == self._row.ref else None


def _event(row: Instance, number: int, *, name: str = "") -> Event:
    at = START + timedelta(minutes=number)
    return Event(Ref("lab", "event", str(number)), row.ref, name or row.name, at, "running", Phase.RUNNING, "created")


def test_things_that_belong_to_a_row_have_their_places_and_are_counted() -> None:
    row = pod("lab", "train", "running")
    forward = PortForward(Ref("lab", "forward", "1"), row.ref, "train", "127.0.0.1:9000", 8888, ForwardState.OPEN)
    found = details(
        row,
        Context(utc=True),
        Related(events=[_event(row, number) for number in range(MOST + 3)], forwards=[forward]),
    )
    events = found["Events"]
    assert len(events) == MOST
    assert plain_text(events[0].cell).endswith("● running  from created")
    assert events[0].opens == Place("events", Ref("lab", "event", "0"), scope=row.ref)
    assert (plain_text(events[-1].cell), events[-1].opens) == ("… 4 more", Place("events", scope=row.ref))
    assert found["Forwards"][0].opens == Place("forwards", forward.ref)
    assert not {"Waste", "Instances", "Processes", "Transfers"} & found.keys()  # unknown is no section


def test_an_event_opens_its_instance_only_where_that_is_listed() -> None:
    row = pod("lab", "train", "running")
    event = _event(row, 1)
    (named,) = [line for line in details(event, _Known(row), Related())[""] if "train" in plain_text(line.cell)]
    assert named.opens == Place("instances", row.ref)
    assert all(line.opens is None for line in details(event, Context(utc=True), Related())[""])


def test_recorded_prices_have_their_times_and_an_unknown_one_is_said() -> None:
    row = pod("lab", "train", "running")
    end = START + timedelta(hours=1)
    seen = [
        SeenPrice(Money(Decimal("2.10"), "USD"), end, None),
        SeenPrice(None, START, end),
        SeenPrice(Money(Decimal("1.80"), "USD", estimated=True), START, end, prepaid=True),
    ]
    lines = details(row, Context(utc=True), Related(prices=seen))["Price"]
    assert [plain_text(line.cell) for line in lines] == [
        "$2.10/h  seen since 2026-03-01 13:00:00",
        "price unknown  seen 2026-03-01 12:00:00 to 2026-03-01 13:00:00",
        "~$1.80/h  prepaid  seen 2026-03-01 12:00:00 to 2026-03-01 13:00:00",
    ]
    (unread,) = details(row, Context(utc=True), Related(prices=None))["Price"]
    assert plain_text(unread.cell) == "unknown: the history cannot be read"
    assert "Price" not in details(row, Context(utc=True), Related())
