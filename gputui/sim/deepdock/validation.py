"""Validation of DeepDock's requests, and the errors of FastAPI and Docker: bodies, flags, messages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from gputui.sim.http import docker_error

_TRUE, _FALSE = ("1", "true", "t", "yes", "y", "on"), ("0", "false", "f", "no", "n", "off")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
Problem = dict[str, Any]


class InvalidError(Exception):
    """An invalid request: 422 with a list of errors and their locations."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(problems)
        self.problems = list(problems)


@dataclass(frozen=True)
class Field:
    """A field of a body. ``check`` returns the errors of a value at a location."""

    name: str
    check: Callable[[Any, list[Any]], list[Problem]]
    required: bool = True


def text(value: Any, place: list[Any]) -> list[Problem]:
    """A string."""
    return [] if isinstance(value, str) else [_problem("string_type", place, "a valid string", value)]


def numbers(value: Any, place: list[Any]) -> list[Problem]:
    """A list of whole numbers, or nothing."""
    if value is None:
        return []
    if not isinstance(value, list):
        return [_problem("list_type", place, "a valid list", value)]
    return [
        _problem("int_type", [*place, index], "a valid integer", entry)
        for index, entry in enumerate(value)
        if isinstance(entry, bool) or not isinstance(entry, int)
    ]


def environment(value: Any, place: list[Any]) -> list[Problem]:
    """Variables as an object of strings, or nothing."""
    if value is None:
        return []
    if not isinstance(value, dict):
        return [_problem("dict_type", place, "a valid dictionary", value)]
    return [problem for name, entry in value.items() for problem in text(entry, [*place, name])]


CREATION = (
    Field("name", text),
    Field("image", text),
    Field("user_name", text),
    Field("password", text),
    Field("env", environment, required=False),
    Field("gpu_ids", numbers, required=False),
)
PULL = (Field("repo_tag", text),)


async def body_of(request: Request, fields: tuple[Field, ...]) -> Mapping[str, Any]:
    """The JSON body of a request. Raises InvalidError, and HTTPException 400 for bytes that are no text."""
    raw = await request.body()
    if not raw:
        raise InvalidError({"type": "missing", "loc": ["body"], "msg": "Field required", "input": None})
    try:
        value = json.loads(raw) if "json" in request.headers.get("content-type", "") else raw.decode()
    except json.JSONDecodeError as error:
        problem = {"type": "json_invalid", "loc": ["body", error.pos], "msg": "JSON decode error", "input": {}}
        raise InvalidError(problem | {"ctx": {"error": error.msg}}) from error
    except ValueError as error:
        raise HTTPException(400, "There was an error parsing the body") from error
    if not isinstance(value, dict):
        message = "Input should be a valid dictionary or object to extract fields from"
        raise InvalidError({"type": "model_attributes_type", "loc": ["body"], "msg": message, "input": value})
    problems: list[Problem] = []
    for field in fields:
        place = ["body", field.name]
        if field.name in value:
            problems += field.check(value[field.name], place)
        elif field.required:
            # As FastAPI does, password and all.
            problems.append({"type": "missing", "loc": place, "msg": "Field required", "input": value})
    if problems:
        raise InvalidError(*problems)
    return value


def flag(request: Request, name: str) -> bool:
    """A flag of the query, false unless given. Raises InvalidError."""
    given = request.query_params.get(name)
    if given is None or given.lower() in _FALSE:
        return False
    if given.lower() in _TRUE:
        return True
    message = "Input should be a valid boolean, unable to interpret input"
    raise InvalidError({"type": "bool_parsing", "loc": ["query", name], "msg": message, "input": given})


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


def _problem(kind: str, place: list[Any], expected: str, value: Any) -> Problem:
    return {"type": kind, "loc": place, "msg": f"Input should be {expected}", "input": value}
