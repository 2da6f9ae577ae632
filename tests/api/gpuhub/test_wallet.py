"""Money and prepaid time of an account."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.errors import GputuiError
from gputui.models import Money, Ref
from gputui.models.serialize import to_plain
from tests.api.gpuhub.server import BALANCE, DEPLOYMENTS, LLM, PACKAGES, deployment, ok, page, refused
from tests.api.server import Answer, Request, ScriptedServer


async def test_a_package_of_several_deployments_is_one(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(DEPLOYMENTS, page([deployment(), deployment("aa", "b")]))
    first = [{"gpu_type": "RTX 5090", "total": 7200, "balance": "3600", "dc_list": "sgp1,us-west1"}]
    second = [
        {"gpu_type": "RTX 5090", "total": 7200, "balance": 3590, "dc_list": ["sgp1", "us-west1"]},
        {"gpu_type": "NVIDIA L4", "total": 60, "balance": None, "dc_list": ""},
    ]
    server.on(PACKAGES, ok(first), ok(second))
    shared, other = await hub._lists.packages()
    assert shared.ref == Ref("hub", "package", "RTX 5090|sgp1,us-west1")
    assert (shared.total, shared.balance, shared.regions) == (7200, 3590, ("sgp1", "us-west1"))
    assert (other.gpu_model, other.vendor_name, other.balance, other.regions) == ("L4", "NVIDIA L4", None, ())
    assert {request.params["deployment_uuid"] for request in server.asked(PACKAGES)} == {LLM, "aa"}


WALLET = {
    "id": 1,
    "uid": 2,
    "assets": 123450,
    "blocked_asset": 23450,
    "accumulate": 1000,
    "voucher_balance": 0,
    "certain_conditions_voucher_balance": 0,
    "total_recharge_asset": 500000,
    "available_coupon_num": 2,
    "to_expire_voucher_num": 0,
    "remittance_code": "R1-SECRET",
    "exclusive_transfer_account": "6222020200112233",
    "created_at": "2024-05-11T10:20:30+08:00",
    "updated_at": "2024-05-11T10:20:30+08:00",
}
"""The fourteen keys of a live answer."""


@pytest.mark.parametrize(
    ("data", "amount", "parts"),
    [
        ({"assets": 29873, "accumulate": "1000", "user_id": 60}, "29.873", (("accumulate", "$1.00"),)),
        ({"assets": 500, "amount": 77, "blocked_asset": 0}, "0.5", (("blocked_asset", "$0.00"),)),
        (
            WALLET,
            "100",
            (
                ("assets", "$123.45"),
                ("blocked_asset", "$23.45"),
                ("voucher_balance", "$0.00"),
                ("certain_conditions_voucher_balance", "$0.00"),
                ("accumulate", "$1.00"),
                ("total_recharge_asset", "$500.00"),
                ("available_coupon_num", "2"),
                ("to_expire_voucher_num", "0"),
            ),
        ),
    ],
)
async def test_the_wallet_is_what_can_be_spent_and_counts_are_no_money(
    server: ScriptedServer, hub: GpuhubBackend, data: object, amount: str, parts: object
) -> None:
    server.on(BALANCE, ok(data))
    (balance,) = await hub.balances()
    assert (balance.available, balance.parts) == (Money(Decimal(amount), "USD"), parts)


async def test_texts_for_bank_transfers_are_nowhere_in_a_balance(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(BALANCE, ok(WALLET | {"another_account": "6222020200119999"}))
    (balance,) = await hub.balances()
    assert json.loads(balance.raw)["assets"] == 123450
    for text in (balance.raw, json.dumps(to_plain(balance)), repr(balance)):
        assert "622202" not in text
        assert "R1-SECRET" not in text


async def test_packages_that_cannot_be_read_say_so(server: ScriptedServer, hub: GpuhubBackend) -> None:
    server.on(DEPLOYMENTS, page([deployment(), deployment("aa", "b")]))
    server.on(PACKAGES, refused("InternalError", "try later"))
    with pytest.raises(GputuiError, match="try later"):
        await hub._lists.packages()

    def answer(request: Request) -> Answer:
        if request.params["deployment_uuid"] == LLM:
            return ok([{"gpu_type": "L4", "total": 60, "balance": 30, "dc_list": ""}])
        return refused("InternalError", "try later")

    server.on(PACKAGES, answer)
    hub.forget()
    read, unread = await hub._lists.packages()
    assert (read.gpu_model, read.problem) == ("L4", None)
    assert (unread.gpu_model, unread.problem) == (
        "",
        "the packages of b cannot be read: hub: try later (InternalError).",
    )
