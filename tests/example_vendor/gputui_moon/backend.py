"""The back end: lists of rovers and images, start and stop, a form, a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

from pydantic import BaseModel, TypeAdapter

from gputui.api.capabilities import Creator, Logs, PreparedChange, Values
from gputui.api.common.account_client import AccountClient
from gputui.api.common.backend import HttpBackend
from gputui.api.common.form_values import FormValues, checked, read_line
from gputui.models import (
    AccountInfo,
    Action,
    ActionResult,
    FieldKind,
    Form,
    FormField,
    Image,
    Instance,
    LogLine,
    LogPage,
    LogPosition,
    LogQuery,
    Phase,
    Ref,
    Resource,
    Row,
)
from gputui.text import clean
from gputui_moon.account import MoonAccount

_T = TypeVar("_T")


class Rover(BaseModel):
    """A rover as the API writes it."""

    name: str
    state: Literal["driving", "parked"]
    image: str


class Line(BaseModel):
    """A line of a rover's log."""

    number: int
    text: str


_ROVERS = TypeAdapter(list[Rover])
_ROVER = TypeAdapter(Rover)
_NAMES = TypeAdapter(list[str])
_LINES = TypeAdapter(list[Line])
_PHASES = {"driving": Phase.RUNNING, "parked": Phase.STOPPED}


class MoonClient(AccountClient):
    """Sends the requests of one account."""

    def __init__(self, account: MoonAccount) -> None:
        super().__init__(account, "moon", secret=account.token, explain=lambda server, refusal: None)

    def headers(self, secret: str) -> dict[str, str]:
        """Return the header with the token."""
        return {"Authorization": f"Bearer {secret}"}

    def check_secret(self, secret: str) -> None:
        """Raise AuthError for what cannot be a token."""
        self.require_token(secret, "token", "Write it alone")

    async def ask(self, adapter: TypeAdapter[_T], path: str) -> _T:
        """Ask and read the answer."""
        return self.decode(adapter, await self.transport.get(path), path)

    async def change(self, path: str, *, what: str, body: Mapping[str, object] | None = None) -> ActionResult:
        """Ask for a change, once."""
        answer = await self.transport.change("POST", path, what=what, json=body and dict(body))
        rover = self.decode(_ROVER, answer, path, what=what)
        created = Ref(self.server.account, "rover", clean(rover.name)) if body else None
        return ActionResult(f"now {rover.state}", created=created)


class MoonBackend(HttpBackend):
    """One crater. Refs: ``rover/<name>``, ``image/<name>``."""

    name = "moon"
    kinds: Mapping[str, Resource] = {"rover": Resource.INSTANCES, "image": Resource.IMAGES}

    def __init__(self, account: MoonAccount) -> None:
        self._client = MoonClient(account)
        super().__init__(account, self._client)
        self.listers = {Resource.INSTANCES: self.rovers, Resource.IMAGES: self.images}
        self.operations = {Action.START: self.start, Action.STOP: self.stop}
        self.creators = {"rover": RoverCreator(account, self._client)}
        self.logs = RoverLogs(self._client)

    async def identify(self) -> AccountInfo:
        """Ask for the images: that needs address and token."""
        await self.images()
        return replace(self.info(), version="1")

    async def rovers(self) -> Sequence[Instance]:
        """List the rovers (``GET /rovers``)."""
        return [self._row(rover) for rover in await self._client.ask(_ROVERS, "/rovers")]

    async def images(self) -> Sequence[Image]:
        """List the images (``GET /images``)."""
        return [
            Image(Ref(self.account, "image", clean(name)), clean(name))
            for name in await self._client.ask(_NAMES, "/images")
        ]

    def actions(self, row: Row) -> frozenset[Action]:
        """A rover that drives stops, one that is parked starts."""
        if not isinstance(row, Instance):
            return frozenset()
        return frozenset({Action.STOP if row.phase is Phase.RUNNING else Action.START})

    async def start(self, ref: Ref) -> ActionResult:
        """Let it drive (``POST /rovers/<name>/start``)."""
        return await self._client.change(f"/rovers/{ref.id}/start", what=f"the start of {ref}")

    async def stop(self, ref: Ref) -> ActionResult:
        """Park it (``POST /rovers/<name>/stop``)."""
        return await self._client.change(f"/rovers/{ref.id}/stop", what=f"the stop of {ref}")

    def _row(self, rover: Rover) -> Instance:
        ref = Ref(self.account, "rover", clean(rover.name))
        return Instance(ref, ref.id, _PHASES[rover.state], rover.state, image=clean(rover.image))


class RoverCreator(Creator):
    """Creates rovers (``POST /rovers``)."""

    def __init__(self, account: MoonAccount, client: MoonClient) -> None:
        self._account = account.name
        self._url = f"{account.base_url}/rovers"
        self._client = client

    async def form(self) -> Form:
        """Return the form: a name and one of the images."""
        images = await self._client.ask(_NAMES, "/images")
        return Form(self._account, "rover", "Create rover", _fields(tuple(map(clean, images))))

    def prepare(self, values: Values) -> PreparedChange:
        """Read the values and build the request."""
        given = FormValues(_fields(), values, "is no parameter of a rover")
        given.require(f"{self._account}: the rover")
        body, name = given.body(), given.text("name")
        return PreparedChange(
            Ref(self._account, "rover", name),
            values,
            lambda: self._client.change("/rovers", what=f"the creation of rover {name}", body=body),
            lambda: given.shown("POST", self._url, body),
        )


def _fields(images: tuple[str, ...] = ()) -> tuple[FormField, ...]:
    """Return the fields: each reads its text, and its value goes into the body under its name."""
    return (
        FormField(
            "name", "Name", read=checked(lambda text: None if text.isalnum() else "must be letters and digits")
        ),
        FormField("image", "Image", FieldKind.CHOICE, choices=images, read=read_line),
    )


class RoverLogs(Logs):
    """The logs of rovers."""

    def __init__(self, client: MoonClient) -> None:
        self._client = client

    def has_log(self, row: Row) -> bool:
        """Return whether it is a rover."""
        return isinstance(row, Instance)

    async def read(
        self, ref: Ref, query: LogQuery, *, after: LogPosition | None = None, backward: bool = False, size: int = 1000
    ) -> LogPage:
        """Read a page of ``GET /rovers/<name>/log``, which has the whole log, oldest first."""
        found = await self._client.ask(_LINES, f"/rovers/{ref.id}/log")
        found = [line for line in found if query.keyword in line.text]
        if after is not None:
            number = int(after.offset)
            found = [line for line in found if (line.number < number if backward else line.number > number)]
        page = found[-size:] if backward else found[:size]
        lines = tuple(LogLine(None, clean(line.text), LogPosition("", str(line.number))) for line in page)
        last = (lines[0] if backward else lines[-1]).position if lines else after
        return LogPage(lines, more=len(found) > len(page), next=last)
