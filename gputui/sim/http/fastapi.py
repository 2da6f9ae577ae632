"""FastAPI in simulated servers: the arguments of handlers from path, query and body, and the errors of wrong ones."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import cache
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Handler = Callable[..., Awaitable[Any]]
"""Answers a request, with what becomes its JSON or with a response."""
_adapter = cache(TypeAdapter)


def application(routes: Iterable[Route]) -> Starlette:
    """The ASGI application of some routes, with FastAPI's errors."""
    return Starlette(routes=list(routes), exception_handlers={HTTPException: _error})


def declared(handler: Handler, *, first: int = 0) -> list[inspect.Parameter]:
    """The parameters of a handler that come from the request: from the ``first`` on."""
    return list(inspect.signature(handler, eval_str=True).parameters.values())[first:]


async def arguments(parameters: Iterable[inspect.Parameter], request: Request) -> dict[str, Any]:
    """The values of parameters: a model from the body, others from the path or the query.

    Raises HTTPException: 422 with all problems, which repeat the input, and 400 for a body that is no text.
    """
    values: dict[str, Any] = {}
    problems: list[Mapping[str, Any]] = []
    for parameter in parameters:
        name, kind, place = parameter.name, parameter.annotation, ["query", parameter.name]
        text = request.path_params.get(name, request.query_params.get(name))
        try:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                place = ["body"]
                values[name] = kind.model_validate(await _body(request), from_attributes=True)
            elif text is not None:
                values[name] = _adapter(kind).validate_python(text)
            elif parameter.default is parameter.empty:
                problems.append({"type": "missing", "loc": place, "msg": "Field required", "input": None})
        except ValidationError as error:
            problems += ({**one, "loc": [*place, *one["loc"]]} for one in error.errors(include_url=False))
    if problems:
        raise _invalid(*problems)
    return values


def answer_of(answer: Any) -> Response:
    """The response of a handler."""
    return answer if isinstance(answer, Response) else JSONResponse(answer)


async def _error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  what it is registered for
    return JSONResponse({"detail": error.detail}, status_code=error.status_code, headers=error.headers)


def _invalid(*problems: Mapping[str, Any]) -> HTTPException:
    return HTTPException(422, cast("Any", problems))


async def _body(request: Request) -> Any:
    raw = await request.body()
    if not raw:
        raise _invalid({"type": "missing", "loc": ["body"], "msg": "Field required", "input": None})
    try:
        return json.loads(raw) if "json" in request.headers.get("content-type", "") else raw.decode()
    except json.JSONDecodeError as error:
        problem = {"type": "json_invalid", "loc": ["body", error.pos], "msg": "JSON decode error", "input": {}}
        raise _invalid(problem | {"ctx": {"error": error.msg}}) from error
    except ValueError as error:
        raise HTTPException(400, "There was an error parsing the body") from error
