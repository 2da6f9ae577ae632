"""The behaviour of FastAPI in the pody server: routes, credentials, query parameters, and their errors."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gputui.sim.http import fastapi_error, route
from gputui.sim.world import User

Release = tuple[int, int, int]
_NOBODY = User("", "")


@dataclass(frozen=True)
class Call:
    """One request past authentication and validation. ``values`` are the declared query parameters."""

    user: User
    values: dict[str, Any]

    def text(self, name: str) -> str:
        """A required parameter."""
        return str(self.values[name])


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True)
class Parameter:
    """A query parameter: required unless ``default`` is given."""

    name: str
    kind: type = str
    required: bool = True


@dataclass(frozen=True)
class Endpoint:
    """A route of the releases from ``since`` up to, not including, ``until``. ``access`` is open, user or admin."""

    method: str
    path: str
    handler: Handler
    parameters: tuple[Parameter, ...] = ()
    access: str = "user"
    since: Release = (0, 0, 0)
    until: Release = (9, 0, 0)


class InternalError(Exception):
    """An exception the real server does not catch: plain text, status 500."""


def application(endpoints: Iterable[Endpoint], users: Mapping[str, User], before: Callable[[], object]) -> Starlette:
    """The ASGI application of some endpoints. ``before`` runs ahead of every request."""
    routes = [_route(endpoint, users, before) for endpoint in endpoints]
    return Starlette(routes=routes, exception_handlers={HTTPException: fastapi_error})


def _route(endpoint: Endpoint, users: Mapping[str, User], before: Callable[[], object]) -> Route:
    async def answer(request: Request) -> Response:
        before()
        user = _NOBODY if endpoint.access == "open" else _authenticate(request, users)
        if endpoint.access == "admin" and not user.is_admin:
            raise HTTPException(403, "User does not have permission: admin")
        values, problems = _values(endpoint.parameters, request)
        if problems:
            return JSONResponse({"detail": problems}, status_code=422)
        try:
            return JSONResponse(await endpoint.handler(Call(user, values)))
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


def _values(parameters: tuple[Parameter, ...], request: Request) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    values: dict[str, Any] = {}
    problems: list[dict[str, Any]] = []
    for parameter in parameters:
        place = ["query", parameter.name]
        text = request.query_params.get(parameter.name)
        if text is None and parameter.required:
            problems.append({"type": "missing", "loc": place, "msg": "Field required", "input": None})
        elif text is None or parameter.kind is str:
            values[parameter.name] = text
        elif re.fullmatch(r"\s*[+-]?\d{1,4000}(\.0*)?\s*", text):
            values[parameter.name] = int(text.partition(".")[0])
        else:
            message = "Input should be a valid integer, unable to parse string as an integer"
            problems.append({"type": "int_parsing", "loc": place, "msg": message, "input": text})
    return values, problems
