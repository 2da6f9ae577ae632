"""Servers that say 403 to credentials that are not accepted: the way out names them, on every back end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gputui.api.capabilities import Backend
from gputui.api.deepdock.backend import DeepdockBackend
from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.api.pody.backend import PodyBackend
from gputui.api.yotta.backend import YottaBackend
from gputui.errors import AuthError, ForbiddenError, GputuiError, ProtocolError
from gputui.models import Resource
from tests.api.conftest import FakeTime, pody_account
from tests.api.deepdock import server as deepdock
from tests.api.gpuhub import server as gpuhub
from tests.api.server import Answer, ScriptedServer, as_json, page
from tests.api.yotta import server as yotta

PATHS = {
    "lab": ("/host/gpu-ps", Resource.GPUS),
    "dock": ("/images", Resource.IMAGES),
    "hub": (gpuhub.BLACKLIST, Resource.BLACKLIST),
    "yotta": (yotta.ENDPOINTS, Resource.DEPLOYMENTS),
}


@pytest.fixture
async def opened(server: ScriptedServer, fake_time: FakeTime) -> AsyncIterator[dict[str, Backend]]:
    clocks: Any = {"sleep": fake_time.sleep, "monotonic": fake_time.monotonic}
    made: dict[str, Backend] = {
        "lab": PodyBackend(pody_account(server.url), **clocks),
        "dock": DeepdockBackend(deepdock.deepdock_account(server.url), **clocks),
        "hub": GpuhubBackend(gpuhub.gpuhub_account(server.url), **clocks),
        "yotta": YottaBackend(yotta.yotta_account(server.url), **clocks),
    }
    yield made
    for backend in made.values():
        await backend.aclose()


@pytest.mark.parametrize("account", PATHS)
@pytest.mark.parametrize(
    ("answer", "kind", "hinted"),
    [
        (as_json({"detail": "Invalid token"}, 403), AuthError, True),
        (as_json({"message": "The API key is not valid"}, 403), AuthError, True),
        (as_json({"code": "Forbidden", "msg": "token 令牌"}, 403), AuthError, True),
        (as_json({}, 403), ForbiddenError, True),
        (as_json({"code": 403, "message": "invalid credentials", "data": None}, 403), AuthError, True),
        (as_json({"detail": "Forbidden"}, 403), ForbiddenError, True),
        (as_json({"message": "Access denied"}, 403), ForbiddenError, True),
        (as_json({"detail": "Exceed max pod limit"}, 403), ForbiddenError, False),
        (page(403), ProtocolError, True),
    ],
)
async def test_a_403_names_the_credentials_unless_it_is_clear(
    server: ScriptedServer,
    opened: dict[str, Backend],
    account: str,
    answer: Answer,
    kind: type[GputuiError],
    hinted: bool,
) -> None:
    path, resource = PATHS[account]
    server.on(path, answer)
    with pytest.raises(kind) as caught:
        await opened[account].listers[resource]()
    assert (f"[accounts.{account}]" in caught.value.hint) is hinted
    assert "403" in caught.value.message


@pytest.mark.parametrize(
    ("message", "kind"), [("Invalid API key", AuthError), ("not for you", ForbiddenError), ("", ForbiddenError)]
)
async def test_yottas_envelope_may_say_it_with_200(
    server: ScriptedServer, opened: dict[str, Backend], message: str, kind: type[GputuiError]
) -> None:
    server.on(yotta.ENDPOINTS, yotta.no(403, message))
    with pytest.raises(kind) as caught:
        await opened["yotta"].listers[Resource.DEPLOYMENTS]()
    assert "[accounts.yotta]" in caught.value.hint
