"""Every account's server, asked for its version, identity, quota and latency."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gputui.cli import session
from gputui.errors import GputuiError
from gputui.models import AccountInfo

if TYPE_CHECKING:
    from gputui.api.capabilities import Backend
    from gputui.config.loader import Account


@dataclass(frozen=True, slots=True)
class Finding:
    """What one account's server answered; ``latency`` of the cheapest proof of the credentials, in seconds."""

    account: Account
    latency: float | None = None
    info: AccountInfo | None = None
    error: GputuiError | None = None


async def check_accounts(accounts: Mapping[str, Account]) -> tuple[list[Finding], str]:
    """Ask every account's server at once. Returns what each said, and what is wrong with this machine's clock."""
    async with session.backends(accounts) as opened:
        found = await asyncio.gather(*(_find(accounts[name], backend) for name, backend in opened.items()))
        return found, session.warn_of_clock(opened)


async def _find(account: Account, backend: Backend | GputuiError) -> Finding:
    if isinstance(backend, GputuiError):
        return Finding(account, error=backend)
    try:
        await backend.probe()
        begun = time.monotonic()
        await backend.probe()
        latency = time.monotonic() - begun
        info = await backend.account_info()
    except Exception as error:  # noqa: BLE001  (one account's fault is its own)
        return Finding(account, error=session.failure_of(error, f"{account.name}: the check"))
    return Finding(account, latency, info)
