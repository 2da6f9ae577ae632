"""The wallet of GPUhub and AutoDL: which of its keys are money, which are counts, and what never leaves this module.

The live answer has fourteen keys. Two of them are texts for bank transfers, one an account number: they and every key
that is not known here are dropped before anything is made of the answer, its JSON included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gputui.api.common.readers import whole_number
from gputui.api.gpuhub import schema
from gputui.formatting import format_money
from gputui.models import Balance, Money

if TYPE_CHECKING:
    from gputui.api.gpuhub.mapping import Scope

ASSETS, BLOCKED = "assets", "blocked_asset"
_MONEY = (
    ASSETS,
    BLOCKED,
    "voucher_balance",
    "certain_conditions_voucher_balance",
    "accumulate",
    "total_recharge_asset",
)
"""Thousandths of the currency unit."""
_COUNTS = ("available_coupon_num", "to_expire_voucher_num")
_OTHERS = ("id", "uid", "created_at", "updated_at")
_SHOWN = frozenset({*_MONEY, *_COUNTS, *_OTHERS})


def to_balance(scope: Scope, account: str, data: object) -> Balance | None:
    """Make the balance of what the wallet says: what can be spent is ``assets`` less ``blocked_asset``.

    None where it names no assets, or blocks an amount that cannot be read.
    """
    if not isinstance(data, Mapping):
        return None
    money = {name: found for name in _MONEY if (found := scope.money(_number(data.get(name)))) is not None}
    if ASSETS not in money or (BLOCKED not in money and data.get(BLOCKED) not in (None, "")):
        return None
    assets, blocked = money[ASSETS], money.get(BLOCKED)
    available = assets if blocked is None else Money(assets.amount - blocked.amount, assets.currency)
    counts = {name: str(count) for name in _COUNTS if (count := whole_number(data.get(name))) is not None}
    parts = tuple((name, format_money(money[name])) for name in _MONEY if name in money and name != ASSETS)
    if blocked is not None and blocked.amount:
        parts = ((ASSETS, format_money(assets)), *parts)
    raw = schema.raw_text({key: value for key, value in data.items() if key in _SHOWN})
    return Balance(scope.ref("balance", account), available, (*parts, *counts.items()), raw=raw)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
