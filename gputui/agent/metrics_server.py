"""Metrics over HTTP: one path, read only, for a scraper on this machine."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC
from typing import TYPE_CHECKING

from gputui.agent.exposition import CONTENT_TYPE, text_of
from gputui.agent.metrics import METERED, families
from gputui.analytics.spend import SpendReport, window
from gputui.analytics.spend_ledger import Ledger
from gputui.errors import AgentError, GputuiError, reason_of
from gputui.late_dataclasses import dataclass
from gputui.models.periods import By, Period
from gputui.models.rules import RuleStatus
from gputui.redaction import as_failure
from gputui.rules.book import RuleBook

if TYPE_CHECKING:
    from gputui.agent.agent import Agent
    from gputui.agent.services import Handler

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_PLAIN = "text/plain; charset=utf-8"
_REQUEST_SECONDS = 5.0
_LONGEST_HEAD = 16 * 2**10
_SPEND_SECONDS = 60.0
"""The history takes what is spent about once a minute."""
_PERIODS = (Period.TODAY, Period.MONTH)


@dataclass(frozen=True, slots=True)
class Address:
    """Where metrics are served. ``host`` is a name or an IP address, without brackets."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``PORT`` (on 127.0.0.1), ``HOST:PORT`` or ``[IPv6]:PORT``; raises ValueError."""
        host, _, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 2**16) or (text.startswith(":")):
            raise ValueError(f"not an address: {text!r}; write HOST:PORT, such as 127.0.0.1:9400")
        return cls(host, int(port))

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def check(self) -> None:
        """Raise AgentError where nothing can listen there now."""
        try:
            socket.create_server((self.host, self.port), family=_family(self.host)).close()
        except OSError as error:
            raise self.unusable(error) from None

    def unusable(self, error: OSError) -> AgentError:
        """Return the error for an address that cannot be used."""
        return AgentError(
            f"Metrics cannot be served on {self}: {_reason_of(error)}.",
            hint=f"Start the agent with another address: gputui agent --metrics {self.port + 1}",
        )

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class MetricsService:
    """Serves ``GET /metrics``. While it does, the agent does not end by itself, and polls what metrics are made from.

    Requests need no password, so that an address that others reach makes the figures public to them.
    """

    busy = True
    requests: Mapping[str, Handler] = {}

    def __init__(self, address: Address, agent: Agent) -> None:
        self.name = f"metrics on {address}"
        self._address = address
        self._agent = agent
        self._book = RuleBook(agent.folder, str(agent.config_path))
        self._spent: Mapping[Period, SpendReport] | None = None
        self._spent_at = 0.0

    async def run(self) -> None:
        """Serve until cancelled. Raises AgentError where the address cannot be used."""
        self._agent.fleet.polled_lists.keep_slowly(METERED, owner=self)
        try:
            server = await asyncio.start_server(self._answer, self._address.host, self._address.port)
        except OSError as error:
            raise self._address.unusable(error) from None
        async with server:
            await server.serve_forever()

    async def text(self) -> str:
        """Return the metrics of now."""
        return text_of(families(self._agent.fleet, await self._rules(), await self._spending()))

    async def _rules(self) -> Sequence[RuleStatus] | None:
        """Return the rules, leases among them; None where they cannot be read: they are unknown then."""
        agent = self._agent
        handler = agent.request("rules.status")
        try:
            answer = None if handler is None else await handler({})
            found = await asyncio.to_thread(self._book.read, agent.fleet.now(), answer)
        except GputuiError as error:
            agent.log.warning("the metrics lack the rules: %s", error)
            return None
        return found.rows

    async def _spending(self) -> Mapping[Period, SpendReport]:
        """Return what was spent today and this month, at most :data:`_SPEND_SECONDS` old."""
        now = self._agent.clock.monotonic()
        if self._spent is None or now - self._spent_at > _SPEND_SECONDS:
            self._spent = await asyncio.to_thread(self._read_spending)
            self._spent_at = now
        return self._spent

    def _read_spending(self) -> Mapping[Period, SpendReport]:
        agent = self._agent
        now, names = agent.fleet.now(), list(agent.fleet.accounts)
        zone = UTC if agent.config.ui.utc else None
        windows = {period: window(period, now, zone) for period in _PERIODS}
        ledger = Ledger(agent.history.spend.read(names, min(one.since for one in windows.values())), now)
        return {period: ledger.report(one, By.ACCOUNT, names) for period, one in windows.items()}

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                status, kind, body = await self._answered(head[:_LONGEST_HEAD].decode("latin-1"))
                lines = (
                    f"HTTP/1.1 {status}",
                    f"Content-Type: {kind}",
                    f"Content-Length: {len(body)}",
                    "Cache-Control: no-store",
                    "Connection: close",
                )
                writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode())
                if not head.startswith(b"HEAD "):
                    writer.write(body)
                await writer.drain()
        writer.close()

    async def _answered(self, head: str) -> tuple[str, str, bytes]:
        try:
            return await self._response(head)
        except Exception as error:  # a fault in one answer must not leave a scraper without any
            failure = as_failure(error, "the metrics")
            self._agent.log.exception("the metrics cannot be made")
            return "500 Internal Server Error", _PLAIN, f"{failure}\n".encode()

    async def _response(self, head: str) -> tuple[str, str, bytes]:
        request, *headers = head.split("\r\n")
        method, _, rest = request.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        names = [line.partition(":")[2].strip().lower() for line in headers if line.lower().startswith("host:")]
        if self._address.is_local and not all(
            _without_port(name) in (*_LOCAL_NAMES, self._address.host) for name in names
        ):
            # A page in a browser whose name was made to point at this machine.
            return "403 Forbidden", _PLAIN, b"The metrics are for this machine: ask for 127.0.0.1.\n"
        if method not in ("GET", "HEAD"):
            return "405 Method Not Allowed", _PLAIN, b"Only GET.\n"
        if path != "/metrics":
            return "404 Not Found", _PLAIN, b"The metrics are at /metrics.\n"
        return "200 OK", CONTENT_TYPE, (await self.text()).encode()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _reason_of(error: OSError) -> str:
    """Return why an address cannot be used; the texts of all errors but those of names repeat the address."""
    if isinstance(error, socket.gaierror) or not error.errno:  # its numbers are not those of the system
        return reason_of(error)
    return os.strerror(error.errno)


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
