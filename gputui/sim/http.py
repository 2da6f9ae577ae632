"""Common parts of simulated servers: routes of one method, parameters, the errors of FastAPI and Docker."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_DOCKER = "http+docker://localhost/v1.47"


def route(method: str, path: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
    """A route of one method. Those of Starlette answer HEAD as well as GET; the simulated servers refuse it."""
    only = Route(path, answer, methods=[method])
    only.methods = {method}
    return only


async def fastapi_error(request: Request, error: Exception) -> Response:
    """An HTTPException in FastAPI's format."""
    assert isinstance(error, HTTPException)  # noqa: S101  what it is registered for
    return JSONResponse({"detail": error.detail}, status_code=error.status_code, headers=error.headers)


def docker_error(error: str, path: str, reason: str, explanation: str) -> str:
    """An error of the Docker engine in docker-py's words."""
    return f'{error} for {_DOCKER}/{path}: {reason} ("{explanation}")'


def docker_time(epoch: float) -> str:
    """A time as the Docker engine writes it."""
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%dT%H:%M:%S}.000000000Z"


async def values_of(request: Request, *, with_body: Collection[str]) -> dict[str, Any] | None:
    """The values in the JSON body of some methods, else in the query; None for a body that is no JSON object."""
    if request.method not in with_body:
        return dict(request.query_params)
    body = await request.body()
    try:
        values = json.loads(body) if body else {}
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


class Parameters:
    """The parameters of one request. Each getter calls ``refuse`` with the parameter it does not like.

    An absent parameter, null and "" are the same. Numbers may be text where ``text_numbers`` is set.
    """

    text_numbers = False
    longest: int | None = None
    """The characters that a text may have."""

    def __init__(self, values: Mapping[str, Any], prefix: str = "") -> None:
        self._values = values
        self._prefix = prefix

    def refuse(self, problem: str) -> NoReturn:
        """Raise the error of the API."""
        raise NotImplementedError

    def __contains__(self, name: object) -> bool:
        return self._values.get(str(name)) not in (None, "")

    def text(self, name: str, default: str | None = None, *, longest: int | None = None) -> str:
        """A string; required without a default."""
        value, longest = self._get(name, default), longest or self.longest
        if not isinstance(value, str):
            return self._wrong(name, "must be a string")
        if longest is not None and len(value) > longest:
            return self._wrong(name, f"must not be longer than {longest} characters")
        return value

    def choice(self, name: str, choices: Collection[str], default: str | None = None) -> str:
        """One of some strings."""
        value = self.text(name, default)
        return value if value in choices else self._wrong(name, f"must be one of {', '.join(filter(None, choices))}")

    def whole(self, name: str, default: int | None = None, *, low: int = 0, high: int = 1 << 62) -> int:
        """A whole number within limits."""
        value = self._get(name, default)
        if self.text_numbers and isinstance(value, str) and value.lstrip("-").isdecimal():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return self._wrong(name, "must be an integer")
        if value < low:
            return self._wrong(name, f"must be at least {low}")
        return value if value <= high else self._wrong(name, f"must be at most {high}")

    def _get(self, name: str, default: Any) -> Any:
        value = self._values.get(name)
        if value not in (None, ""):
            return value
        return self._wrong(name, "is required") if default is None else default

    def _wrong(self, name: str, problem: str) -> NoReturn:
        self.refuse(f"{self._prefix}{name} {problem}")
