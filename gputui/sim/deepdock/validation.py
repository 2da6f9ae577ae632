"""Validation of DeepDock's requests, and the errors of FastAPI and Docker: bodies, flags, messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from pydantic import BaseModel, StrictInt, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from gputui.sim.http import docker_failure

_FLAG = TypeAdapter(bool)
_B = TypeVar("_B", bound=BaseModel)


class Creation(BaseModel):
    """The body of a new container."""

    name: str
    image: str
    user_name: str
    password: str
    env: dict[str, str] | None = None
    gpu_ids: list[StrictInt] | None = None


class Pull(BaseModel):
    """The body of a pull."""

    repo_tag: str


def invalid(*problems: Mapping[str, Any]) -> HTTPException:
    """FastAPI's error for an invalid request: 422 with a list of problems and their locations."""
    return HTTPException(422, cast("Any", problems))


def _invalid(error: ValidationError, *place: str) -> HTTPException:
    """As FastAPI does, it repeats the input, password and all."""
    return invalid(*({**one, "loc": [*place, *one["loc"]]} for one in error.errors(include_url=False)))


async def body_of(request: Request, shape: type[_B]) -> _B:
    """The JSON body of a request. Raises HTTPException: 422, and 400 for bytes that are no text."""
    raw = await request.body()
    if not raw:
        raise invalid({"type": "missing", "loc": ["body"], "msg": "Field required", "input": None})
    try:
        value = json.loads(raw) if "json" in request.headers.get("content-type", "") else raw.decode()
        return shape.model_validate(value, from_attributes=True)
    except json.JSONDecodeError as error:
        problem = {"type": "json_invalid", "loc": ["body", error.pos], "msg": "JSON decode error", "input": {}}
        raise invalid(problem | {"ctx": {"error": error.msg}}) from error
    except ValidationError as error:
        raise _invalid(error, "body") from error
    except ValueError as error:
        raise HTTPException(400, "There was an error parsing the body") from error


def flag(request: Request, name: str) -> bool:
    """A flag of the query, false unless given. Raises HTTPException."""
    try:
        return _FLAG.validate_python(request.query_params.get(name, False))
    except ValidationError as error:
        raise _invalid(error, "query", name) from error


def pull_failure(status: int, tag: str, reason: str) -> HTTPException:
    """Docker's error for a pull that fails."""
    repository, _, version = tag.rpartition(":")
    return docker_failure(status, f"images/create?tag={version}&fromImage={repository}", reason)
