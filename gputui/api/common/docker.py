"""Docker's words in the answers of servers: states of containers, names, refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from gputui.api.http.failures import Refusal, RouteMissingError, Server, refused
from gputui.errors import GputuiError
from gputui.models import Action, Instance, Phase

PHASES: Mapping[str, Phase] = {
    # Docker leaves a container in "created" when its start failed: it waits for a start, it is not on its way.
    "created": Phase.STOPPED,
    "running": Phase.RUNNING,
    "paused": Phase.STOPPED,
    "restarting": Phase.PENDING,
    "removing": Phase.STOPPING,
    "exited": Phase.STOPPED,
    "dead": Phase.FAILED,
}
FROZEN = "paused"
"""The state in which a container has its processes though it does not run."""
ALIVE = frozenset({"running", FROZEN, "restarting"})
"""The states in which a container has processes: it uses its GPUs, and is removed by force only."""
_ACTIONS: Mapping[Phase, frozenset[Action]] = {
    Phase.RUNNING: frozenset({Action.STOP, Action.RESTART, Action.DELETE}),
    Phase.STOPPED: frozenset({Action.START, Action.DELETE}),
    Phase.STOPPING: frozenset(),
    Phase.PENDING: frozenset({Action.STOP, Action.DELETE}),
    Phase.FAILED: frozenset({Action.DELETE}),
    Phase.UNKNOWN: frozenset({Action.START, Action.STOP, Action.RESTART, Action.DELETE}),
}

_CLIENT_WORDS = re.compile(r'http\+docker://.*\("(?P<words>.+)"\)$')
_CONTAINER = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?P<tag>:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?P<digest>@[a-z0-9]+:[0-9a-fA-F]{{32,}})?"
)
_LONGEST_NAME = 255


def container_actions(container: Instance) -> frozenset[Action]:
    """Return what Docker lets one do to a container in this state."""
    if container.frozen:
        return frozenset({Action.STOP, Action.RESTART, Action.DELETE})
    login = {Action.SSH} if container.phase is Phase.RUNNING and container.ssh else set()
    return _ACTIONS[container.phase] | login


def words(detail: str) -> str | None:
    """Return what Docker said, out of what its Python client wraps it in; None where it is not wrapped."""
    match = _CLIENT_WORDS.search(detail)
    return match["words"] if match else None


def explain(server: Server, refusal: Refusal, *, missing: str) -> GputuiError | None:
    """Name a refusal of a server that is written with FastAPI on Docker, which says it in Docker's own words.

    ``missing`` is the hint where it has no such call.
    """
    if refusal.is_json and (refusal.status == 405 or (refusal.status == 404 and refusal.detail == "Not Found")):
        return RouteMissingError(
            f"{server}: the server does not know this call (HTTP {refusal.status}).", hint=missing
        )
    said = words(refusal.detail)
    return refused(server, replace(refusal, detail=said)) if said else None


def container_name_problem(name: str) -> str | None:
    """Return what is wrong with the name of a container, by Docker's rule; None when it may be sent."""
    if len(name) < 2:
        return "must have at least 2 characters"
    if len(name) > _LONGEST_NAME:
        return f"may have {_LONGEST_NAME} characters at most"
    if not _CONTAINER.fullmatch(name):
        return "may contain letters, digits, dots, dashes and underscores only, a letter or digit first"
    return None


def reference_problem(reference: str) -> str | None:
    """Return what is wrong with the name of an image (``registry/name:tag``); None when it may be sent."""
    if len(reference) > 2 * _LONGEST_NAME or not _REFERENCE.fullmatch(reference):
        return "is not the name of an image; write it as name:tag, for example ubuntu:24.04"
    return None


def with_tag(reference: str) -> str:
    """Return a name of an image with its tag: ``latest`` where none is written."""
    match = _REFERENCE.fullmatch(reference)
    return f"{reference}:latest" if match and not match["tag"] and not match["digest"] else reference


def familiar(reference: str) -> str:
    """Return a name of an image as Docker lists it: without Docker Hub's address, with its tag."""
    for prefix in ("docker.io/", "index.docker.io/"):
        reference = reference.removeprefix(prefix)
    return with_tag(reference.removeprefix("library/"))


def split_reference(reference: str) -> tuple[str, str | None]:
    """Return repository and tag of an image; a port of its registry is no tag."""
    repository, colon, tag = reference.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (reference, None)
