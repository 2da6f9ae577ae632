"""The behaviour of FastAPI in the pody server: routes, credentials, query parameters, and their errors."""

from __future__ import annotations

import base64
import binascii
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gputui.sim.http import fastapi_error, route
from gputui.sim.world import User

Release = tuple[int, int, int]
_NOBODY = User("", "")
_adapter = cache(TypeAdapter)


Handler = Callable[..., Awaitable[Any]]
"""Answers the user of a request. Its other arguments are the query parameters, as FastAPI has them."""


@dataclass(frozen=True)
class Endpoint:
    """A route of the releases from ``since`` up to, not including, ``until``. ``access`` is open, user or admin."""

    method: str
    path: str
    handler: Handler
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
    declared = list(inspect.signature(endpoint.handler, eval_str=True).parameters.values())[1:]

    async def answer(request: Request) -> Response:
        before()
        user = _NOBODY if endpoint.access == "open" else _authenticate(request, users)
        if endpoint.access == "admin" and not user.is_admin:
            raise HTTPException(403, "User does not have permission: admin")
        values, problems = _values(declared, request)
        if problems:
            return JSONResponse({"detail": problems}, status_code=422)
        try:
            return JSONResponse(await endpoint.handler(user, **values))
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


def _values(
    declared: Iterable[inspect.Parameter], request: Request
) -> tuple[dict[str, Any], list[Mapping[str, Any]]]:
    values: dict[str, Any] = {}
    problems: list[Mapping[str, Any]] = []
    for parameter in declared:
        place, text = ["query", parameter.name], request.query_params.get(parameter.name)
        if text is None and parameter.default is parameter.empty:
            problems.append({"type": "missing", "loc": place, "msg": "Field required", "input": None})
        elif text is not None:
            try:
                values[parameter.name] = _adapter(parameter.annotation).validate_python(text)
            except ValidationError as error:
                problems += ({**one, "loc": place} for one in error.errors(include_url=False))
    return values, problems
