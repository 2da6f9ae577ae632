"""What each back end's API has no call for: every back end, every kind, every action."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest

from gputui.api.deepdock.backend import DeepdockBackend
from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.api.pody.backend import PodyBackend
from gputui.api.yotta.backend import YottaBackend
from gputui.commands import BY_ID
from gputui.models import (
    AccountInfo,
    Action,
    Deployment,
    Image,
    Instance,
    Offer,
    Phase,
    Ref,
    RegistryCredential,
    Resource,
    Row,
    SSHTarget,
    Volume,
)
from gputui.presentation.refusals import never_text, not_now_text

SSH = SSHTarget("127.0.0.1", 22, "root")


def _backend(kind: type[Any], **parts: Any) -> Any:
    """Return a back end that is asked nothing: what it can do hangs on no connection."""
    backend = object.__new__(kind)
    for name, part in parts.items():
        setattr(backend, name, part)
    return backend


BACKENDS: dict[str, tuple[Any, dict[str, Resource]]] = {
    "pody": (_backend(PodyBackend, _client=SimpleNamespace(known_release=(0, 4, 1))), dict(PodyBackend.kinds)),
    "old pody": (_backend(PodyBackend, _client=SimpleNamespace(known_release=(0, 2, 0))), dict(PodyBackend.kinds)),
    "gpuhub": (_backend(GpuhubBackend, _lists=SimpleNamespace(denied=None)), dict(GpuhubBackend.kinds)),
    "deepdock": (_backend(DeepdockBackend), dict(DeepdockBackend.kinds)),
    "yotta": (_backend(YottaBackend), dict(YottaBackend.kinds)),
}
KINDS = [(name, kind) for name, (_, kinds) in BACKENDS.items() for kind in kinds]


def rows_of(kind: str, home: Resource) -> Iterator[Row]:
    """Return a kind of thing in every state that it may be in."""
    ref = Ref("hub", kind, "one")
    match home:
        case Resource.INSTANCES:
            for phase in Phase:
                yield Instance(ref, "one", phase, phase.value, host="h", ssh=SSH, container_id="c")
        case Resource.DEPLOYMENTS:
            for phase, type_ in product(Phase, ("ReplicaSet", "Job", "QUEUE")):
                yield Deployment(ref, "one", type_, phase, phase.value)
        case Resource.VOLUMES:
            for phase in Phase:
                yield Volume(ref, "one", "NVME", phase, phase.value, size=1, mounts=0)
        case Resource.CREDENTIALS:
            yield RegistryCredential(ref, "one", "x")
        case Resource.IMAGES:
            yield Image(ref, "one", own=True)
            yield Image(ref, "one", own=False)
        case Resource.STOCK:
            yield Offer(ref, "H100", "here")
        case Resource.ACCOUNTS:
            yield AccountInfo(ref, "x", "http://127.0.0.1", "1", "alice")
        case _:
            yield SimpleNamespace(ref=ref)


def shown(command_id: str) -> str:
    assert command_id in BY_ID, f"{command_id} is no command"
    return command_id.upper()


@pytest.mark.parametrize(("name", "kind"), KINDS)
@pytest.mark.parametrize("action", Action)
def test_an_action_is_either_offered_in_some_state_or_never_possible(name: str, kind: str, action: Action) -> None:
    backend, kinds = BACKENDS[name]
    offered, refused = [], []
    for row in rows_of(kind, kinds[kind]):
        able, never = action in backend.actions(row), backend.never(row, action)
        assert not (able and never), f"{row}: what is offered cannot be impossible"
        offered.append(able)
        refused.append(never)
        if never is None and not able:
            text = not_now_text(action, row, backend.actions(row), shown)
            assert action.value in text.lower()
            continue
        if never is not None:
            text = never_text(action, never, "hub", shown)
            assert text.endswith(".")
            assert "{" not in text
            assert "possible while" not in text, "no state would make it possible"
    assert any(offered) or all(refused), f"{kind}: {action} is offered in no state, and not said to be impossible"


@pytest.mark.parametrize(
    ("name", "kind", "action", "words"),
    [
        (
            "gpuhub",
            "container",
            Action.RESTART,
            "hub cannot restart containers: its API has no such call. Stop it (STOP)",
        ),
        ("gpuhub", "container", Action.DELETE, "hub cannot delete containers: its API has no such call."),
        ("gpuhub", "deployment", Action.SSH, "Open one (OPEN) and choose an instance."),
        ("yotta", "vm", Action.STOP, "VMs cannot be stopped, only deleted (DELETE)."),
        ("yotta", "worker", Action.STOP, "Scale (SCALE) or stop (STOP) its endpoint instead."),
        ("yotta", "pod", Action.RESTART, "Stop it (STOP), then start it (START)."),
        ("yotta", "volume", Action.UPDATE, "A volume can be renamed (RENAME) and resized (RESIZE)."),
        ("old pody", "pod", Action.COMMIT, "Pods cannot be saved as images: this release of pody has no such call"),
        ("deepdock", "container", Action.EXEC, "hub cannot run commands in containers: its API has no such call."),
    ],
)
def test_the_true_cause_and_the_way_out_are_named(name: str, kind: str, action: Action, words: str) -> None:
    backend, kinds = BACKENDS[name]
    for row in rows_of(kind, kinds[kind]):
        assert words in never_text(action, backend.never(row, action), "hub", shown)


def test_only_one_type_of_deployment_scales() -> None:
    backend = BACKENDS["gpuhub"][0]
    job = Deployment(Ref("hub", "deployment", "j"), "j", "Job", Phase.RUNNING, "running")
    assert never_text(Action.SCALE, backend.never(job, Action.SCALE), "hub", shown) == (
        "Only deployments of type ReplicaSet can be scaled."
    )


def test_only_own_images_of_a_shared_host_are_deleted() -> None:
    backend = BACKENDS["pody"][0]
    image = Image(Ref("lab", "image", "x"), "x", own=False)
    assert never_text(Action.DELETE, backend.never(image, Action.DELETE), "lab", shown) == (
        "Only images of your own can be deleted."
    )


@pytest.mark.parametrize(
    ("action", "phase", "possible", "words"),
    [
        (
            Action.EXEC,
            Phase.STOPPED,
            {Action.START},
            "exec is not possible while it is exited. Start it first (START).",
        ),
        (
            Action.RESIZE,
            Phase.RUNNING,
            {Action.STOP},
            "resize is not possible while it is running (exited). Stop it first (STOP).",
        ),
        (
            Action.STOP,
            Phase.PENDING,
            set(),
            "stop is not possible while it is pending (exited). Wait until its state has changed.",
        ),
        (
            Action.START,
            Phase.STOPPED,
            {Action.STOP, Action.DELETE},
            "start is not possible while it is exited. Stop it (STOP), then start it.",
        ),
        (Action.START, Phase.RUNNING, {Action.STOP}, "start is not possible while it is running (exited)."),
    ],
)
def test_a_state_that_does_not_allow_it_is_named_with_what_does(
    action: Action, phase: Phase, possible: set[Action], words: str
) -> None:
    row = Instance(Ref("lab", "pod", "x"), "x", phase, "exited")
    assert not_now_text(action, row, possible, shown) == words
