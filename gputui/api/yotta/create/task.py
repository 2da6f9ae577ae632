"""What is sent to a queue of Yotta: the form of a task, what is wrong in it, the request.

Speaks for SubmitTaskRequest of the data model, whose names the fields have. The id of a task is made up here where
nobody gives one: one whose answer was lost is then looked for under it, and sent twice it would be refused.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence

from gputui.api.capabilities import Creator, PreparedChange, Values
from gputui.api.common.form_values import given, read_within, refuse
from gputui.api.yotta.client import YottaClient
from gputui.api.yotta.create import fields
from gputui.api.yotta.create.values import Body, body_of, problems_of, shown_request
from gputui.api.yotta.tasks import YottaTasks
from gputui.api.yotta.tasks_mapping import TASK
from gputui.errors import GputuiError, NotFoundError
from gputui.models import ActionResult, Deployment, FieldKind, Form, FormField, Phase, Ref, Role
from gputui.text import clean

LONGEST_ID = LONGEST_URI = LONGEST_KEY = 255
ENDPOINT_FIELD, ID_FIELD, SECRET_FIELD = "endpoint", "taskId", "webhookAuthKey"

_ID = re.compile(r"[A-Za-z0-9_]+")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*(.*)")


def form(account: str, endpoints: Sequence[Deployment] = (), note: str = "") -> Form:
    """Return the form of a task; of the ``endpoints`` with a queue those that run come first."""
    queues = sorted(endpoints, key=lambda each: (each.phase is not Phase.RUNNING, each.name))
    return Form(
        account,
        TASK,
        f"Submit a task in {account}",
        (
            FormField(
                ENDPOINT_FIELD,
                "Endpoint",
                FieldKind.CHOICE,
                choices=tuple(each.ref.id for each in queues),
                labels=tuple(_words(each) for each in queues),
                open_choices=True,
                help="one with the mode QUEUE",
                group="Task",
                role=Role.QUEUE,
            ),
            FormField(
                "input", "Input", FieldKind.LINES, help='JSON, such as {"prompt": "a red fox"}', role=Role.INPUT
            ),
            FormField(
                "workerPort",
                "Port",
                FieldKind.NUMBER,
                default="8000",
                help="of the worker, 1 to 65535",
                group="Target",
                role=Role.PORT,
            ),
            FormField("processUri", "Path", help="on the worker, such as /generate", role=Role.URI_PATH),
            FormField(
                "headers",
                "Headers",
                FieldKind.LINES,
                required=False,
                help="go with the request, one in each line: X-Team: vision",
                variables=True,
                role=Role.HEADERS,
            ),
            FormField(
                "webhook",
                "Webhook",
                required=False,
                help="an address that gets the result, at most 512 characters",
                group="Delivery",
                role=Role.WEBHOOK,
            ),
            FormField(
                SECRET_FIELD,
                "Webhook key",
                FieldKind.SECRET,
                required=False,
                help="secret that identifies the sender to the webhook",
            ),
            FormField(
                ID_FIELD,
                "Id",
                default=uuid.uuid4().hex,
                help="letters, digits and _; a task is found again by it",
                fresh=True,
            ),
        ),
        note=note or ("" if queues else "No endpoint takes tasks: only those with the mode QUEUE do."),
        verb="submit",
    )


def check(values: Mapping[str, str], endpoints: Sequence[Deployment] = ()) -> dict[str, str]:
    """Return what is wrong, by field; empty when it may be sent. ``endpoints`` are those with a queue, if known."""
    problems = problems_of(form("").fields, _READERS, values, "a new task")
    chosen = given(values, ENDPOINT_FIELD)
    if endpoints and chosen and chosen not in {each.ref.id for each in endpoints}:
        problems.setdefault(ENDPOINT_FIELD, "takes no tasks; only endpoints with the mode QUEUE do")
    return problems


def body(values: Mapping[str, str]) -> Body:
    """Return what is sent for values that passed :func:`check`."""
    fields_sent = [field for field in form("").fields if field.name != ENDPOINT_FIELD]
    return body_of(fields_sent, _READERS, values)


def _words(endpoint: Deployment) -> str:
    workers = "" if endpoint.running is None else f"  {endpoint.running} workers run"
    return f"{endpoint.name}{workers}" if endpoint.phase is Phase.RUNNING else f"{endpoint.name}  {endpoint.status}"


def _json(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error.msg}, line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ValueError("is nested too deep") from None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"holds a number that is too large: {text[:40]}")
    return number


def _no_constant(name: str) -> object:
    raise ValueError(f"is no JSON: {name} is none of its numbers")


def _port(text: str) -> int:
    return read_within(text, 1, 65535, "must be a port from 1 to 65535")


def _uri(text: str) -> str:
    if len(text) > LONGEST_URI:
        raise ValueError(f"is too long; {LONGEST_URI} characters are the most")
    if not text.startswith("/") or text.split() != [text] or clean(text) != text:
        raise ValueError("must be a path such as /generate")
    return text


def _headers(text: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        match = _HEADER.fullmatch(line.strip())
        if match is None or clean(line.strip()) != line.strip():
            raise ValueError(f"line {number} must be a name and a value, such as X-Team: vision")
        if match[1].lower() in {name.lower() for name in headers}:
            raise ValueError(f"line {number}: {match[1]} comes twice")
        headers[match[1]] = match[2]
    return headers


def _key(text: str) -> str:
    if len(text) > LONGEST_KEY:
        raise ValueError(f"is too long; {LONGEST_KEY} characters are the most")
    return fields.read_line(text)


def _task_id(text: str) -> str:
    if len(text) > LONGEST_ID:
        raise ValueError(f"is too long; {LONGEST_ID} characters are the most")
    if _ID.fullmatch(text) is None:
        raise ValueError("may hold letters, digits and _ alone")
    return text


_READERS: Mapping[str, Callable[[str], object]] = {
    ENDPOINT_FIELD: fields.read_word,
    "input": _json,
    "workerPort": _port,
    "processUri": _uri,
    "headers": _headers,
    "webhook": fields.read_webhook,
    SECRET_FIELD: _key,
    ID_FIELD: _task_id,
}


class TaskCreator(Creator):
    """Submits the tasks of an account (``POST /v2/serverless/{id}/tasks``)."""

    def __init__(self, account: str, base_url: str, server: YottaClient, tasks: YottaTasks) -> None:
        self._account = account
        self._base_url = base_url
        self._server = server
        self._tasks = tasks

    async def form(self) -> Form:
        """Return the form, with the endpoints that take tasks now."""
        note = ""
        try:
            await self._tasks.read_endpoints()
        except GputuiError as error:
            note = f"Which endpoints take tasks is not known: {error.message}"
        return form(self._account, self._tasks.endpoints, note)

    def prepare(self, values: Values) -> PreparedChange:
        """Check the values and build the request."""
        refuse(self._account, check(values, self._tasks.endpoints))
        sent, id_ = body(values), given(values, ID_FIELD)
        path = self._tasks.path_in(given(values, ENDPOINT_FIELD))
        ref = Ref(self._account, TASK, f"{given(values, ENDPOINT_FIELD)}/{id_}")

        async def send() -> ActionResult:
            try:
                await self._server.change("POST", path, what=f"the task {id_}", json=sent, creates=True)
            finally:
                self._tasks.forget()
            return ActionResult(f"Task {id_} submitted.", created=ref)

        async def find() -> Collection[Ref]:
            try:
                return ((await self._tasks.task(ref)).ref,)
            except NotFoundError:
                return ()

        return PreparedChange(ref, values, send, shown_request("POST", f"{self._base_url}{path}", sent), find)
