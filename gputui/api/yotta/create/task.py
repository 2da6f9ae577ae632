"""New tasks in the queues of Yotta.

Speaks for SubmitTaskRequest of the data model, whose names the fields have. The form generates the id of a task:
after a lost answer the task is found by it, and sent twice it would be refused.
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Collection, Sequence
from functools import partial

from gputui.api.capabilities import PreparedChange, Values
from gputui.api.common.form_values import FormValues, choice_field, within
from gputui.api.common.ssh_command import LAST_PORT
from gputui.api.yotta.create.creator import Parts, YottaCreator
from gputui.api.yotta.create.readers import at_most, lines_of, path_reader, read_webhook, read_word
from gputui.api.yotta.schema import masked
from gputui.api.yotta.tasks import TASK, YottaTasks
from gputui.errors import GputuiError, NotFoundError
from gputui.formatting import counted, status_text
from gputui.models import ActionResult, Deployment, FieldKind, FormField, Phase, Ref, Role
from gputui.text import clean

LONGEST = 255
"""Characters of an id, a path and a key at most."""

_ID = re.compile(r"[A-Za-z0-9_]+")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*:\s*(.*)")


def task_fields(endpoints: Sequence[Deployment] = ()) -> tuple[FormField, ...]:
    """Return the fields of a task; of the ``endpoints`` with a queue those that run come first."""
    queues = sorted(endpoints, key=lambda each: (each.phase is not Phase.RUNNING, each.name))
    return (
        choice_field(
            "endpoint",
            "Endpoint",
            {each.ref.id: _label(each) for each in queues},
            help="one with the mode QUEUE",
            section="Task",
            role=Role.QUEUE,
            read=read_word,
            path=None,
        ),
        FormField(
            "input",
            "Input",
            FieldKind.LINES,
            help='JSON, such as {"prompt": "a red fox"}',
            role=Role.INPUT,
            read=_read_json,
        ),
        FormField(
            "workerPort",
            "Port",
            FieldKind.NUMBER,
            default="8000",
            help="of the worker, 1 to 65535",
            section="Target",
            role=Role.PORT,
            read=within(1, LAST_PORT, f"must be a port from 1 to {LAST_PORT}"),
        ),
        FormField(
            "processUri",
            "Path",
            help="on the worker, such as /generate",
            role=Role.URI_PATH,
            read=at_most(LONGEST, path_reader("such as /generate")),
        ),
        FormField(
            "headers",
            "Headers",
            FieldKind.LINES,
            required=False,
            help="sent with the request, one in each line: X-Team: vision",
            variables=True,
            role=Role.HEADERS,
            read=_read_headers,
        ),
        FormField(
            "webhook",
            "Webhook",
            required=False,
            help="an address that gets the result, at most 512 characters",
            section="Delivery",
            role=Role.WEBHOOK,
            read=read_webhook,
        ),
        FormField(
            "webhookAuthKey",
            "Webhook key",
            FieldKind.SECRET,
            required=False,
            help="secret that identifies the sender to the webhook",
            read=at_most(LONGEST),
        ),
        FormField(
            "taskId",
            "ID",
            default=uuid.uuid4().hex,
            help="letters, digits and _; identifies the task",
            fresh=True,
            read=at_most(LONGEST, _read_id),
        ),
    )


def _label(endpoint: Deployment) -> str:
    if endpoint.phase is not Phase.RUNNING:
        return f"{endpoint.name}  {status_text(endpoint.status)}"
    running = "" if endpoint.running is None else f"{counted(endpoint.running, 'worker')} running"
    return "  ".join(filter(None, (endpoint.name, running)))


def _read_json(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error.msg}, line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ValueError("is nested too deep") from None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"contains a number that is too large: {text[:40]}")
    return number


def _no_constant(name: str) -> object:
    raise ValueError(f"is no JSON: {name} is none of its numbers")


def _read_headers(text: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    for number, line in lines_of(text):
        match = _HEADER.fullmatch(line)
        if match is None or clean(line) != line:
            raise ValueError(f"line {number} must be a name and a value, such as X-Team: vision")
        if match[1].lower() in {name.lower() for name in headers}:
            raise ValueError(f"line {number}: {match[1]} comes twice")
        headers[match[1]] = match[2]
    return headers


def _read_id(text: str) -> str:
    if _ID.fullmatch(text) is None:
        raise ValueError("may contain letters, digits and _ only")
    return text


class TaskCreator(YottaCreator):
    """Submits tasks (``POST /v2/serverless/{id}/tasks``)."""

    kind, title, verb, progress = TASK, "Submit a task in {account}", "submit", "Submitting"

    def __init__(self, tasks: YottaTasks, parts: Parts) -> None:
        super().__init__(tasks.tasks, parts)
        self._tasks = tasks

    def fields(self) -> Sequence[FormField]:
        """Return the fields, with the known endpoints that take tasks."""
        return task_fields(self._tasks.endpoints)

    async def request_choices(self) -> str:
        """Request the endpoints that take tasks."""
        try:
            await self._tasks.read_endpoints()
        except GputuiError as error:
            return f"Which endpoints take tasks is not known: {error.message}"
        return "" if self._tasks.endpoints else "No endpoint takes tasks: only those with the mode QUEUE do."

    def relate(self, given: FormValues) -> None:
        """Refuse an endpoint without a queue, where those with one are known."""
        endpoint, queues = given.text("endpoint"), {each.ref.id for each in self._tasks.endpoints}
        if queues and endpoint and endpoint not in queues:
            given.refuse("endpoint", "takes no tasks; only endpoints with the mode QUEUE do")

    def prepare(self, values: Values) -> PreparedChange:
        """Read the values and build the request."""
        given = self.read(values)
        given.require(self.account)
        body, id_, endpoint = given.body(), given.text("taskId"), given.text("endpoint")
        path = self._tasks.path_in(endpoint)
        ref = Ref(self.account, TASK, f"{endpoint}/{id_}")

        async def send() -> ActionResult:
            try:
                await self._server.change("POST", path, what=f"the task {id_}", json=body, creates=True)
            finally:
                self._tasks.forget()
            return ActionResult(f"Task {id_} submitted.", created=ref)

        async def find() -> Collection[Ref]:
            try:
                return ((await self._tasks.task(ref)).ref,)
            except NotFoundError:
                return ()

        request = partial(given.shown, "POST", f"{self._base_url}{path}", body, masked)
        return PreparedChange(ref, values, send, request, find)
