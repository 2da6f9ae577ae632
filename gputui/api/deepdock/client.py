"""A DeepDock server as it is spoken to: its header, its refusals in words. The back end builds on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from gputui.api.common import docker
from gputui.api.deepdock import mapping
from gputui.api.http.decoding import decode
from gputui.api.http.failures import Party, Refusal, is_about_credentials, refused
from gputui.api.http.off_thread import digested
from gputui.api.http.transport import Transport
from gputui.errors import AuthError, GputuiError, ProtocolError
from gputui.models import Secret

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from gputui.api.deepdock.account import DeepdockAccount
    from gputui.api.http.transport import Json

ACTION_TIMEOUT = 180.0
"""How long the answer to an action may take, in seconds: Docker alone waits 10 s before it kills."""

_T = TypeVar("_T")
_M = TypeVar("_M")


class DeepdockServer:
    """One account's way to its server."""

    def __init__(
        self,
        account: DeepdockAccount,
        *,
        sleep: Callable[[float], Awaitable[None]],
        monotonic: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._config = account
        self.transport = Transport(
            account=account.name,
            base_url=account.base_url,
            backend="DeepDock",
            authorize=self._header if account.header else None,
            explain=explain,
            read_timeout=account.timeout,
            sleep=sleep,
            monotonic=monotonic,
            now=now,
        )
        self._value: Secret | None = None
        self._value_lock = asyncio.Lock()

    async def ask(self, adapter: TypeAdapter[_T], path: str, make: Callable[[_T], _M]) -> _M:
        """Ask and return what ``make`` makes of the answer; raises GputuiError."""
        body = await self.transport.get(path)
        return await digested(len(body), lambda: make(self.read(adapter, body, path)))

    def read(self, adapter: TypeAdapter[_T], body: bytes, path: str, *, what: str = "") -> _T:
        """Read an answer's JSON; ``what`` names the change it answers to, '' where it answers a question."""
        return decode(adapter, body, self.transport.party, path, what=what)

    async def create(
        self, adapter: TypeAdapter[_T], path: str, json: Json, *, what: str, timeout: float, in_steps: bool
    ) -> _T:
        """Ask for something new, once, and read the answer; raises UnknownOutcomeError where none can be read.

        ``in_steps``: the server may fail at it when the thing is there already.
        """
        body = await self.transport.change("POST", path, json=json, what=what, timeout=timeout, creates=in_steps)
        return self.read(adapter, body, path, what=what)

    async def change(self, method: str, path: str, *, what: str, params: Mapping[str, str] | None = None) -> None:
        """Ask for a change, once; raises UnknownOutcomeError where the answer is not DeepDock's confirmation."""
        body = await self.transport.change(method, path, params=params, what=what, timeout=ACTION_TIMEOUT)
        self.read(mapping.CONFIRMED, body, path, what=what)

    async def _header(self) -> dict[str, str]:
        """Return the configured header; the value's reference is followed once, off the loop."""
        header = self._config.header
        if header is None:
            return {}
        async with self._value_lock:
            if self._value is None:
                value = await asyncio.to_thread(header.value.resolve)
                if not (value.reveal().isascii() and value.reveal().isprintable()):
                    raise AuthError(
                        f"{self._config.name}: the value of {header.name} holds a character that no header can.",
                        hint=f"Correct it under [accounts.{self._config.name}]: letters, digits and signs of ASCII.",
                    )
                self._value = value
        return {header.name: self._value.reveal().strip()}


def explain(party: Party, refusal: Refusal) -> GputuiError | None:
    """Name a refusal better than its status does: whoever asks for the header, other servers, Docker's words."""
    if refusal.status == 401 or (refusal.status == 403 and is_about_credentials(refusal.detail)):
        said = f": {refusal.detail.rstrip('.')}" if refusal.detail else ""
        return AuthError(
            f"{party}: {party.host} wants credentials (HTTP {refusal.status}){said}.",
            hint=f"Set header = {{ name = …, value = … }} under [accounts.{party.account}].",
        )
    if refusal.is_json and (refusal.status == 405 or (refusal.status == 404 and refusal.detail == "Not Found")):
        return ProtocolError(
            f"{party}: the server does not know this call (HTTP {refusal.status}).", hint=party.look_at
        )
    said_by_docker = docker.words(refusal.detail)
    return refused(party, replace(refusal, detail=said_by_docker)) if said_by_docker else None
