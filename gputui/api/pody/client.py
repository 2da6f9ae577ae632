"""The HTTP client of a pody server: credentials, release, refusals in words."""

from __future__ import annotations

import asyncio
import base64
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar, Unpack

from gputui.api.common import docker
from gputui.api.common.account_client import AccountClient, Clock
from gputui.api.http.decoding import digested
from gputui.api.http.failures import Refusal, RouteMissingError, Server, sign_in_hint
from gputui.api.pody import mapping, schema
from gputui.errors import AuthError, GputuiError, NotFoundError, ServerError
from gputui.models import Secret

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from gputui.api.pody.account import PodyAccount

Release = tuple[int, ...]

OLDEST: Release = (0, 1, 0)
"""The release of servers before 0.1.15, which do not report one."""

ACTION_TIMEOUT = 180.0
"""How long the answer to an action may take, in seconds: Docker alone waits 10 s before it kills."""

CREATE_TIMEOUT = 330.0
"""How long the answer to a create may take, in seconds."""

LONGEST_LOG = 256 * 2**10
"""How much of the answer to an action is read, in bytes."""

_NOT_THERE = re.compile(r"Image not found|GPU ID \d+ is invalid")
_T = TypeVar("_T")


class PodyClient(AccountClient):
    """Sends requests to the pody server of one account."""

    def __init__(self, account: PodyAccount, **clock: Unpack[Clock]) -> None:
        super().__init__(account, "pody", secret=account.password, explain=explain, **clock)
        self._username = account.username
        self.known_release: Release | None = None
        self._release_lock = asyncio.Lock()
        self._user = self.shared(lambda: self.ask(schema.USER_INFO, "/user/info"), age=math.inf)

    async def release(self) -> Release:
        """Return the server's release, requested once (``GET /version``)."""
        async with self._release_lock:
            if self.known_release is None:
                try:
                    numbers = await self.ask(schema.VERSION, "/version")
                    self.known_release = tuple(numbers)
                except RouteMissingError:
                    self.known_release = OLDEST
            return self.known_release

    async def allows_all_gpus(self) -> bool:
        """Whether the user may use every GPU, by the quota (``GET /user/info``, once); raises GputuiError."""
        gpus = (await self._user.get()).quota.get("gpus")
        return isinstance(gpus, str) and gpus.strip().lower() in ("", "all")

    def use_password(self, password: str) -> None:
        """Sign in with this password from now on."""
        self._secret = Secret(password)
        self.transport.shares = False

    def headers(self, secret: str) -> dict[str, str]:
        """Return the header with user name and password."""
        pair = f"{self._username}:{secret}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> bytes:
        """Send a request and return the answer's JSON as it came; raises GputuiError."""
        try:
            return await self.transport.get(path, params)
        except RouteMissingError:
            self.known_release = None
            raise

    async def ask(self, adapter: TypeAdapter[_T], path: str, params: Mapping[str, str] | None = None) -> _T:
        """Send a request and read the answer; raises GputuiError."""
        body = await self.get(path, params)
        return await digested(len(body), self.decode, adapter, body, path)

    async def change(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        what: str,
        timeout: float = ACTION_TIMEOUT,
        creates: bool = False,
    ) -> str:
        """Request a change, once; raises UnknownOutcomeError where the answer is not pody's.

        It repeats the container's whole log, of which the beginning is read; returns the last lines of that.
        """
        await self.release()
        try:
            body = await self.transport.post(
                path, params, what=what, timeout=timeout, creates=creates, longest=LONGEST_LOG
            )
        except RouteMissingError:
            self.known_release = None
            raise
        return await digested(len(body), self._log_in, body, path, what)

    async def gpu_processes(self, gpu: str | None = None) -> schema.GpuSnapshot:
        """Request what runs on each GPU, or on one; raises NotFoundError for a GPU that does not exist."""
        params = None if gpu is None else {"id": gpu}
        try:
            return await self.ask(schema.GPU_PROCESSES, "/host/gpu-ps", params)
        except NotFoundError:
            # Up to 0.2 a process that ends while the server lists it fails the whole list.
            return await self.ask(schema.GPU_PROCESSES, "/host/gpu-ps", params)
        except ServerError as error:
            hint = "It asks the NVIDIA driver of its host: does nvidia-smi work there?"
            raise ServerError(error.message, hint=hint) from None

    def _log_in(self, body: bytes, path: str, what: str) -> str:
        whole = mapping.closed(body) if len(body) >= LONGEST_LOG else body
        return mapping.last_lines(self.decode(schema.DONE, whole, path, what=what).log or "")


def explain(server: Server, refusal: Refusal) -> GputuiError | None:
    """Name a refusal better than its status does: pody says 403 to a wrong password and to a spent quota alike."""
    detail = docker.words(refusal.detail) or refusal.detail
    if refusal.status == 403 and detail.startswith("Invalid username or password"):
        return AuthError(f"{server}: wrong user name or password (HTTP 403).", hint=sign_in_hint(server))
    if refusal.status == 400 and _NOT_THERE.match(detail):
        return NotFoundError(f"{server}: {detail} (HTTP 400).")
    return docker.explain(server, refusal, missing="If it was updated just now, refresh; else check base_url.")
