"""Validation of DeepDock's requests, and the errors of FastAPI and Docker: bodies, flags, messages."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from pydantic import BaseModel, StrictInt, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from gputui.sim.http import docker_error

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
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


def check_name(name: str) -> None:
    """Refuse a container's name that Docker refuses."""
    if not _NAME.fullmatch(name):
        reason = f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        raise HTTPException(
            500, docker_error("400 Client Error", f"containers/create?name={name}", "Bad Request", reason)
        )


def no_such_repository(repository: str) -> HTTPException:
    """The registry's error for a repository that is missing or private."""
    reason = (
        f"pull access denied for {repository}, repository does not exist or may require 'docker login': "
        "denied: requested access to the resource is denied"
    )
    return HTTPException(404, docker_error("404 Client Error", _from(repository, "latest"), "Not Found", reason))


def no_such_tag(tag: str) -> HTTPException:
    """The registry's error for a missing tag."""
    repository, _, version = tag.rpartition(":")
    reason = f"manifest for {tag} not found: manifest unknown: manifest unknown"
    return HTTPException(404, docker_error("404 Client Error", _from(repository, version), "Not Found", reason))


def no_space(tag: str) -> HTTPException:
    """Docker's error when an image does not fit on the disk."""
    repository, _, version = tag.rpartition(":")
    reason = "failed to register layer: write /usr/local/cuda/lib64/libcublasLt.so.12: no space left on device"
    return HTTPException(
        500, docker_error("500 Server Error", _from(repository, version), "Internal Server Error", reason)
    )


def _from(repository: str, version: str) -> str:
    return f"images/create?tag={version}&fromImage={repository}"
