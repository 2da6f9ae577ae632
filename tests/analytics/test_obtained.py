"""What creates obtained against what the stock showed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gputui.analytics.obtained import Obtained, Request, obtained
from gputui.models import Outcome, Ref
from gputui.models.stock import StockHour, StockPlace

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PLACE = StockPlace(Ref("hub", "offer", "sgp1/RTX 5090"), "RTX 5090", "sgp1", "5090-p")
REGIONS = {"sgp1", "eu-1"}
NO_STOCK = "hub: no stock: no host with these GPUs is free now"


def request(
    values: str, detail: str = NO_STOCK, hour: int = 0, account: str = "hub", action: str = "create"
) -> Request:
    outcome = Outcome.FAILED if detail else Outcome.DONE
    return Request(account, NOON + timedelta(hours=hour), action, f"{action} x: {values}", outcome, detail)


def found(*requests: Request, count: int = 2) -> Obtained:
    hours = [
        StockHour(PLACE.ref, NOON, {4: 3600}),
        StockHour(PLACE.ref, NOON + timedelta(hours=1), {0: 3000, 4: 600}),
    ]
    return obtained(requests, PLACE, hours, count, REGIONS)


def test_a_refusal_while_enough_were_shown_idle_is_counted_as_that() -> None:
    here = "name=x, dc_list=sgp1,eu-1, gpu_name_set=RTX 5090,H200"
    assert found(request(here), request(here, hour=1), request(here, hour=9), request(here, "")) == Obtained(
        1, 3, 1, 1
    )


def test_creates_of_other_models_places_or_accounts_are_not_counted() -> None:
    others = (
        request("dc_list=eu-1, gpu_name_set=RTX 5090"),
        request("dc_list=sgp1, gpu_name_set=RTX 5090 D"),
        request("dc_list=sgp1, gpu_name_set=RTX 5090", account="lab"),
        request("dc_list=sgp1, gpu_name_set=RTX 5090", action="start"),
        request("dc_list=sgp1, gpu_name_set=RTX 5090", "hub: the balance is too low"),
    )
    assert found(*others).requests == 0


def test_a_create_anywhere_or_by_the_type_of_machine_counts() -> None:
    assert found(
        request("gpu_name_set=RTX 5090", ""), request("gpu_spec_uuid=5090-p"), request("place=sgp1 RTX 5090")
    ) == (Obtained(1, 2, 2, 0))
