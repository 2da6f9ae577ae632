"""The routes of the pody server by its releases, and its credentials."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gputui.sim.http import fastapi
from gputui.sim.http.answers import route
from gputui.sim.http.fastapi import Handler, answer_of, arguments, declared
from gputui.sim.machines.containers import User

Release = tuple[int, int, int]
_ANONYMOUS = User("", "")


@dataclass(frozen=True)
class Endpoint:
    """A route of the releases from ``since`` up to, not including, ``until``. ``access`` is open, user or admin."""

    method: str
    path: str
    handler: Handler
    """The first argument is the user."""
    access: str = "user"
    since: Release = (0, 0, 0)
    until: Release = (9, 0, 0)


class InternalError(Exception):
    """An exception the real server does not catch: plain text, status 500."""


def application(endpoints: Iterable[Endpoint], users: Mapping[str, User], before: Callable[[], object]) -> Starlette:
    """The ASGI application of some endpoints. ``before`` runs ahead of every request."""
    return fastapi.application(_route(endpoint, users, before) for endpoint in endpoints)


def _route(endpoint: Endpoint, users: Mapping[str, User], before: Callable[[], object]) -> Route:
    parameters = declared(endpoint.handler, first=1)

    async def answer(request: Request) -> Response:
        before()
        user = _ANONYMOUS if endpoint.access == "open" else _authenticate(request, users)
        if endpoint.access == "admin" and not user.is_admin:
            raise HTTPException(403, "User does not have permission: admin")
        values = await arguments(parameters, request)
        try:
            return answer_of(await endpoint.handler(user, **values))
        except InternalError:
            return PlainTextResponse("Internal Server Error", status_code=500)

    return route(endpoint.method, endpoint.path, answer)


def _authenticate(request: Request, users: Mapping[str, User]) -> User:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    not_authenticated = HTTPException(401, "Not authenticated", {"WWW-Authenticate": "Basic"})
    if scheme.lower() != "basic":
        raise not_authenticated
    try:
        name, colon, password = base64.b64decode(encoded).decode("ascii").partition(":")
    except (binascii.Error, ValueError) as error:
        raise not_authenticated from error
    if not colon:
        raise not_authenticated
    user = users.get(name)
    if user is None or user.password != password:
        raise HTTPException(403, "Invalid username or password")
    return user
