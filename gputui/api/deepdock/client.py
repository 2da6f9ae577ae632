"""The HTTP client of a DeepDock server: header, calls, refusals in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar, Unpack

from gputui.api.common import docker
from gputui.api.common.account_client import AccountClient, Clock
from gputui.api.deepdock import schema
from gputui.api.http.decoding import digested
from gputui.api.http.failures import Refusal, Server, is_about_credentials
from gputui.errors import AuthError, GputuiError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from gputui.api.deepdock.account import DeepdockAccount
    from gputui.api.http.transport import Json

ACTION_TIMEOUT = 180.0
"""How long the answer to an action may take, in seconds: Docker alone waits 10 s before it kills."""

_T = TypeVar("_T")
_M = TypeVar("_M")


class DeepdockClient(AccountClient):
    """Sends requests to the DeepDock server of one account."""

    def __init__(self, account: DeepdockAccount, **clock: Unpack[Clock]) -> None:
        self._header = account.header.name if account.header else ""
        super().__init__(
            account,
            "DeepDock",
            secret=account.header.value if account.header else None,
            explain=explain,
            **clock,
        )

    def headers(self, secret: str) -> dict[str, str]:
        """Return the configured header."""
        return {self._header: secret.strip()}

    def check_secret(self, secret: str) -> None:
        """Raise AuthError for a value that no header can have."""
        if not (secret.isascii() and secret.isprintable()):
            account = self.server.account
            raise AuthError(
                f"{account}: the value of {self._header} contains a character that no header can.",
                hint=f"Correct it under [accounts.{account}]: letters, digits and signs of ASCII.",
            )

    async def ask(self, adapter: TypeAdapter[_T], path: str, make: Callable[[_T], _M]) -> _M:
        """Send a request and return what ``make`` makes of the answer; raises GputuiError."""
        body = await self.transport.get(path)
        return await digested(len(body), lambda: make(self.decode(adapter, body, path)))

    async def create(
        self, adapter: TypeAdapter[_T], path: str, json: Json, *, what: str, timeout: float, in_steps: bool
    ) -> _T:
        """Request something new, once, and read the answer; raises UnknownOutcomeError where none can be read.

        ``in_steps``: the server may fail at it when the thing is there already.
        """
        body = await self.transport.change("POST", path, json=json, what=what, timeout=timeout, creates=in_steps)
        return self.decode(adapter, body, path, what=what)

    async def change(self, method: str, path: str, *, what: str, params: Mapping[str, str] | None = None) -> None:
        """Request a change, once; raises UnknownOutcomeError where the answer is not DeepDock's confirmation."""
        body = await self.transport.change(method, path, params=params, what=what, timeout=ACTION_TIMEOUT)
        self.decode(schema.CONFIRMED, body, path, what=what)


def explain(server: Server, refusal: Refusal) -> GputuiError | None:
    """Return a better error than the status: for a missing header, another server, Docker's own words."""
    if refusal.status == 401 or (refusal.status == 403 and is_about_credentials(refusal.detail)):
        said = f": {refusal.detail.rstrip('.')}" if refusal.detail else ""
        return AuthError(
            f"{server}: {server.host} requires credentials (HTTP {refusal.status}){said}.",
            hint=f"Set header = {{ name = …, value = … }} under [accounts.{server.account}].",
        )
    return docker.explain(server, refusal, missing=server.look_at)
