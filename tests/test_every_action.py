"""Every action of every back end on every kind of thing, in every state: none fails for want of a word or a way."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from gputui.actions import ACTIONS
from gputui.api import open_backend
from gputui.api.capabilities import Backend
from gputui.app.views import view_class
from gputui.commands import COMMANDS
from gputui.config.loader import parse_config
from gputui.fleet.dispatch import call_of
from gputui.models import (
    Action,
    Deployment,
    Image,
    Instance,
    Phase,
    Ref,
    RegistryCredential,
    Resource,
    Row,
    SSHTarget,
    Volume,
)
from gputui.presentation import actions
from tests.api.creating import edit_problems

CONFIG = """
[accounts.hub]
kind = "gpuhub"
token = "t"
[accounts.autodl]
preset = "autodl"
token = "t"
[accounts.lab]
kind = "pody"
base_url = "http://127.0.0.1:9"
username = "alice"
password = "p"
[accounts.yotta]
kind = "yotta"
api_key = "k"
[accounts.dock]
kind = "deepdock"
base_url = "http://127.0.0.1:9"
"""
ARGUMENTS = {
    Action.SCALE: {"replicas": "2"},
    Action.BLOCK: {"minutes": "5"},
    Action.EXEC: {"command": "true"},
}
HOMES = {
    Resource.INSTANCES: ("instances",),
    Resource.DEPLOYMENTS: ("deployments",),
    Resource.IMAGES: ("library",),
    Resource.VOLUMES: ("volumes",),
    Resource.CREDENTIALS: ("credentials",),
}
BY_OTHER_COMMANDS = {Action.SSH, Action.EXEC, Action.BLOCK}
"""Of the command line: they are for instances alone."""

NOT_HERE = {Action.CREATE, Action.CHANGE_PASSWORD}
"""Actions on no row."""

# What the statuses of all four are called; a phase goes with each.
STATES = {
    Phase.RUNNING: ("running", "RUNNING", "active"),
    Phase.PENDING: ("creating", "INITIALIZE", "starting"),
    Phase.STOPPING: ("stopping", "STOPPING", "shutting_down"),
    Phase.STOPPED: ("exited", "STOPPED", "paused", "shutdown", "TERMINATED"),
    Phase.FAILED: ("failed", "dead"),
    Phase.UNKNOWN: ("unknown", "?"),
}


def every_row(backend: Backend) -> Iterator[Row]:
    """Make a row of each kind that can be listed, in each state."""
    for (kind, home), (phase, statuses) in product(backend.kinds.items(), STATES.items()):
        for status in statuses:
            ref = Ref(backend.account, kind, "a/b" if kind == "worker" else "a")
            match home:
                case Resource.INSTANCES:
                    for parent in (None, Ref(backend.account, "deployment", "d")):
                        ssh = SSHTarget("127.0.0.1", 22, "root")
                        yield Instance(ref, "a", phase, status, parent=parent, ssh=ssh, container_id="1", host="m")
                case Resource.DEPLOYMENTS:
                    for type_ in ("ReplicaSet", "Job", "Container", "QUEUE"):
                        yield Deployment(ref, "a", type_, phase, status, desired=2)
                case Resource.VOLUMES:
                    yield Volume(ref, "a", "CEPH", phase, status, size=2**30, mounts=0)
                case Resource.IMAGES:
                    yield Image(ref, "a", own=True)
                case Resource.CREDENTIALS:
                    yield RegistryCredential(ref, "a", "GCR", "")


def offered() -> list[tuple[Backend, Row, Action]]:
    accounts = parse_config(CONFIG, name="config.toml", private=True).accounts
    backends = [open_backend(account) for account in accounts.values()]
    return [
        (backend, row, action)
        for backend in backends
        for row in every_row(backend)
        for action in sorted(backend.actions(row) - {Action.CREATE})
    ]


OFFERED = {f"{backend.account}-{row.ref.kind}-{action}": (backend, row, action) for backend, row, action in offered()}
CASES = pytest.mark.parametrize("case", OFFERED)


def test_the_walk_meets_every_back_end_and_most_actions() -> None:
    assert {key.partition("-")[0] for key in OFFERED} == {"hub", "autodl", "lab", "yotta", "dock"}
    assert {"yotta-endpoint-start", "yotta-endpoint-rename", "lab-pod-restart", "dock-image-delete"} <= OFFERED.keys()
    assert {action for _, _, action in OFFERED.values()} == set(Action) - NOT_HERE


@CASES
def test_it_has_words_for_the_question_and_the_outcome(case: str) -> None:
    _, row, action = OFFERED[case]
    if action is Action.SSH:
        return
    assert actions.effect(action, [row])
    assert actions.effect(action, [row, row])
    assert ACTIONS[action].progress
    assert action is Action.EXEC or ACTIONS[action].done
    actions.confirmation_text(action, [row])
    actions.spending(action, [row])


@CASES
def test_it_has_a_call(case: str) -> None:
    backend, row, action = OFFERED[case]
    if action is Action.SSH:
        return
    if ACTIONS[action].has_form:
        assert edit_problems(backend, row, action, {"nonsense": "1"})  # it knows the change, and its fields
        return
    assert callable(call_of(backend, row.ref, action, ARGUMENTS.get(action, {})))


@CASES
def test_the_command_line_finds_the_thing(case: str) -> None:
    backend, row, action = OFFERED[case]
    home = backend.kinds[row.ref.kind]
    if action in BY_OTHER_COMMANDS:
        assert home is Resource.INSTANCES
    else:
        assert home in ACTIONS[action].resources


@CASES
def test_the_view_has_a_key_for_it(case: str) -> None:
    backend, row, action = OFFERED[case]
    commands = [command for command in COMMANDS if command.action is action]
    assert commands
    for name in HOMES[backend.kinds[row.ref.kind]]:
        view = view_class(name)
        assert any(view.handles(command) for command in commands), view
