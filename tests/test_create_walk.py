"""The walk of a create, from the key that reviews its form to the HTTP request, over the question.

It counts the files of gputui with a function that the create itself enters: in the handler of the key, in the worker
of the command and in the call. Textual draws dialogs by messages: what their layout enters is not part of the walk,
nor what colours them and draws the message of a call under way, nor what listeners and pollers do when the row is
marked or the form is closed, nor the search for rows of the same name before the request.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import httpx
import pytest

from gputui.api.common.form_values import FormValues
from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.api.yotta.backend import YottaBackend
from gputui.app.app import GputuiApp
from gputui.config.loader import parse_config
from gputui.fleet.account_runtime import AccountRuntime
from gputui.fleet.mutations import Mutations
from gputui.fleet.signals import Listeners
from gputui.screens.commands.command_set import colored
from gputui.screens.commands.create import CreateCommands
from gputui.screens.commands.form_stock import FormStock
from gputui.screens.dialogs.form import FormDialog
from gputui.sim.server import running_simulator
from tests.screens.stage import Stage, staged
from tests.tui.warm import ROOT

PACKAGE = str(ROOT / "gputui")
MOST_FILES = 33
POD = {"name": "fresh", "image": "pytorch/pytorch:2.7.1", "gpuType": "NVIDIA_RTX_4090_24G", "gpuCount": "2"}
DEPLOYMENT = {
    "name": "fresh",
    "dc_list": "sgp1",
    "gpu_name_set": "RTX 4090",
    "price_to": "9",
    "image_uuid": "image-db8346e037",
    "cmd": "sleep infinity",
}


def code_of(function: Any) -> CodeType:
    code = inspect.unwrap(function).__code__
    assert isinstance(code, CodeType)
    return code


# Code objects are compared by identity: their hash reads all their constants, at every call.
STEPS = {id(code_of(each)) for each in (FormDialog.action_review, CreateCommands.create, Mutations._called)}
"""Where the steps of a create begin: the key that reviews the form, the worker of the command, the call."""
REACTIONS = {
    id(code_of(each))
    for each in (
        colored,
        GputuiApp.notify,
        GputuiApp.pop_screen,
        Listeners.notify,
        AccountRuntime.reconsider,
        Mutations._check_of,
        FormStock.polled,
    )
}
"""What is no step of it: the colour of a dialog, the bar that draws a message, messages that end with a dialog, views
that draw the mark, pollers that adapt to it, the list read before the request, the stock that the form has no need of
any more."""

LEFT_OUT = (
    f"{PACKAGE}/late_patterns.py",
    f"{PACKAGE}/api/http/",
    f"{PACKAGE}/widgets/textual_internals.py",
    f"{PACKAGE}/screens/dialogs/__init__.py",
    f"{PACKAGE}/late_dataclasses.py",
)
"""The transport, where all requests take the same way, the replaced parts of Textual, which it calls itself, the
import of a dialog and the generation of a method when these are first used."""


class Walk:
    """The functions of gputui that the steps of a create enter, Textual's and the transport's left out."""

    def __init__(self) -> None:
        self.entered: dict[int, CodeType] = {}
        self.sent = False
        self._elsewhere: dict[int, CodeType] = {}

    def note(self, frame: FrameType, event: str, argument: object) -> None:
        if self.sent:
            return
        code = frame.f_code
        if id(code) in self._elsewhere or id(code) in self.entered:
            return
        if not code.co_filename.startswith(PACKAGE) or code.co_filename.startswith(LEFT_OUT):
            self._elsewhere[id(code)] = code
        elif _is_in_a_step(frame):
            self.entered[id(code)] = code

    @property
    def files(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for code in self.entered.values():
            found.setdefault(Path(code.co_filename).relative_to(PACKAGE).as_posix(), []).append(code.co_qualname)
        return dict(sorted(found.items()))


def _is_in_a_step(frame: FrameType | None) -> bool:
    while frame is not None and id(frame.f_code) not in REACTIONS:
        if id(frame.f_code) in STEPS or frame.f_code.co_qualname.endswith("prepare.<locals>.send"):
            return True
        frame = frame.f_back
    return False


async def fill_in(stage: Stage, keys: str, values: Mapping[str, str]) -> None:
    await stage.press(*keys)
    await stage.until(lambda: stage.dialogs == ["FormDialog"], "the form")
    form = stage.app.screen
    assert isinstance(form, FormDialog)
    form.put_values({**form.values(), **values})
    await stage.settle()


@pytest.mark.parametrize(
    ("account", "make", "keys", "values", "path"),
    [
        ("yotta", YottaBackend, "n1", POD, "/v2/pods"),
        ("hub", GpuhubBackend, "n", DEPLOYMENT, "/api/v1/dev/deployment"),
    ],
)
async def test_a_create_enters_few_files_and_reads_its_values_once(
    account: str,
    make: Any,
    keys: str,
    values: Mapping[str, str],
    path: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    walk, read = Walk(), []
    send, reading = httpx.AsyncHTTPTransport.handle_async_request, FormValues._read

    async def sent(connections: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        walk.sent = walk.sent or (request.method, request.url.path) == ("POST", path)
        return await send(connections, request)

    def noted(given: FormValues, field: Any) -> None:
        read.append(field.name)
        reading(given, field)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", sent)
    async with running_simulator(ssh=False) as running:
        config = parse_config(running.config_toml(), name="simulator", private=True)
        async with staged(make(config.accounts[account])) as stage:
            await stage.until(lambda: stage.names, "rows")
            await fill_in(stage, keys, values)
            monkeypatch.setattr(FormValues, "_read", noted)
            sys.settrace(walk.note)
            try:
                await stage.press("ctrl+g")
                await stage.until(lambda: stage.dialogs == ["ConfirmDialog"], "the question")
                await stage.press("y")
                await stage.until(lambda: walk.sent, "the request")
            finally:
                sys.settrace(None)
    assert len(walk.files) <= MOST_FILES, "\n".join(f"{file}: {names}" for file, names in walk.files.items())
    assert sorted(read) == sorted(set(read))
    assert set(values) <= set(read)
