"""Answers of simulated servers: routes of one method, parameters, the errors of Docker."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime, tzinfo
from http import HTTPStatus
from typing import Any, NoReturn, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_T = TypeVar("_T")
_DOCKER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_DOCKER = "http+docker://localhost/v1.47"


def route(method: str, path: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
    """A route of one method. Those of Starlette answer HEAD as well as GET; the simulated servers refuse it."""
    only = Route(path, answer, methods=[method])
    only.methods = {method}
    return only


def docker_error(status: int, path: str, explanation: str) -> str:
    """An error of the Docker engine in docker-py's words."""
    side = "Client" if status < 500 else "Server"
    return f'{status} {side} Error for {_DOCKER}/{path}: {HTTPStatus(status).phrase} ("{explanation}")'


def docker_failure(status: int, path: str, explanation: str, *, answered: int | None = None) -> HTTPException:
    """A server's answer to an error of the Docker engine, with the engine's status unless it answers another."""
    return HTTPException(answered or status, docker_error(status, path, explanation))


def check_docker_name(name: str) -> None:
    """Refuse a container's name that Docker refuses; the servers answer 500."""
    if not _DOCKER_NAME.fullmatch(name):
        reason = f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        raise docker_failure(400, f"containers/create?name={name}", reason, answered=500)


def docker_time(epoch: float, nanoseconds: int = 0) -> str:
    """A time as the Docker engine writes it; ``nanoseconds`` come after its microseconds."""
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%dT%H:%M:%S.%f}{nanoseconds:03}Z"


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


class RefusedError(Exception):
    """A request that an API refuses with a code of its own."""

    def __init__(self, code: Any, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Parameters:
    """The parameters of one request. Each getter raises RefusedError, with ``wrong``, for what it does not like.

    An absent parameter, null and "" are the same. Numbers may be text where ``text_numbers`` is set.
    """

    wrong: Any
    """The API's code for a parameter that is wrong."""
    text_numbers = False
    longest: int | None = None
    """The characters that a text may have."""

    def __init__(self, values: Mapping[str, Any], prefix: str = "") -> None:
        self._values = values
        self._prefix = prefix

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

    def entries(self, name: str, kind: type[_T], noun: str, *, required: bool = False) -> list[_T]:
        """A list of values of one type, which ``noun`` names; empty unless given."""
        value = self._get(name, None if required else [])
        if not isinstance(value, list) or not all(isinstance(entry, kind) for entry in value):
            return self._wrong(name, f"must be a list of {noun}")
        if required and not value:
            return self._wrong(name, "must not be empty")
        return value

    def table(self, name: str, default: dict[str, Any] | None = None) -> dict[str, Any]:
        """An object; required without a default."""
        value = self._get(name, default)
        return value if isinstance(value, dict) else self._wrong(name, "must be an object")

    def _time(self, name: str, text: str, zone: tzinfo, expected: str) -> float:
        """A time in ISO 8601 in epoch seconds; one without an offset is of the zone."""
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            return self._wrong(name, f"must be {expected}")
        return (time if time.tzinfo else time.replace(tzinfo=zone)).timestamp()

    def _get(self, name: str, default: Any) -> Any:
        value = self._values.get(name)
        if value not in (None, ""):
            return value
        return self._wrong(name, "is required") if default is None else default

    def _wrong(self, name: str, problem: str) -> NoReturn:
        raise RefusedError(self.wrong, f"{self._prefix}{name} {problem}")
