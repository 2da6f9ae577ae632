"""The back end: lists of rovers and images, start and stop, a form, a log."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

from pydantic import BaseModel, TypeAdapter

from gputui.api.capabilities import Lister
from gputui.api.common import form_values
from gputui.api.http.decoding import decode
from gputui.api.http.transport import Transport
from gputui.errors import GputuiError
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


class MoonBackend:
    """One crater. Refs: ``rover/<name>``, ``image/<name>``."""

    kinds: Mapping[str, Resource] = {"rover": Resource.INSTANCES, "image": Resource.IMAGES}
    creatable = ("rover",)

    def __init__(self, account: MoonAccount) -> None:
        self._config = account
        self._http = Transport(
            account=account.name,
            base_url=account.base_url,
            backend="moon",
            authorize=self._token,
            read_timeout=account.timeout,
        )

    @property
    def account(self) -> str:
        """The account's name in the configuration."""
        return self._config.name

    @property
    def listers(self) -> Mapping[Resource, Lister]:
        """Rovers and images."""
        return {Resource.INSTANCES: self.rovers, Resource.IMAGES: self.images}

    async def probe(self) -> AccountInfo:
        """Ask for the images: that needs address and token."""
        await self.images()
        return AccountInfo(Ref(self.account, "account", ""), "moon", self._config.base_url, "1", "")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def rovers(self) -> Sequence[Instance]:
        """List the rovers (``GET /rovers``)."""
        return [self._row(rover) for rover in await self._ask(_ROVERS, "/rovers")]

    async def images(self) -> Sequence[Image]:
        """List the images (``GET /images``)."""
        return [Image(Ref(self.account, "image", clean(name)), clean(name)) for name in await self._names()]

    def actions(self, row: Row) -> frozenset[Action]:
        """A rover that drives stops, one that is parked starts."""
        if not isinstance(row, Instance):
            return frozenset()
        return frozenset({Action.STOP if row.phase is Phase.RUNNING else Action.START})

    async def start(self, ref: Ref) -> ActionResult:
        """Let it drive (``POST /rovers/<name>/start``)."""
        return await self._change(f"/rovers/{ref.id}/start", what=f"the start of {ref}")

    async def stop(self, ref: Ref) -> ActionResult:
        """Park it (``POST /rovers/<name>/stop``)."""
        return await self._change(f"/rovers/{ref.id}/stop", what=f"the stop of {ref}")

    async def create_form(self, kind: str) -> Form:
        """A name and one of the images."""
        fields = (
            FormField("name", "Name"),
            FormField("image", "Image", FieldKind.CHOICE, choices=tuple(map(clean, await self._names()))),
        )
        return Form(self.account, kind, "Create rover", fields)

    def check_create(self, kind: str, values: Mapping[str, str]) -> dict[str, str]:
        """Return what is wrong, by field."""
        problems = {key: "is required" for key in ("name", "image") if not values.get(key)}
        if not values.get("name", "a").isalnum():
            problems["name"] = "must be letters and digits"
        return problems

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        """Create a rover (``POST /rovers``); sent once."""
        form_values.refuse(f"{self.account}: the rover", self.check_create(kind, values))
        body = {"name": values["name"], "image": values["image"]}
        return await self._change("/rovers", what=f"the creation of rover {values['name']}", body=body)

    def created_ref(self, kind: str, values: Mapping[str, str]) -> Ref:
        """The Ref that it will have."""
        return Ref(self.account, kind, values["name"])

    def has_logs(self, row: Row) -> bool:
        """Every rover has a log."""
        return isinstance(row, Instance)

    async def read_log(
        self, ref: Ref, query: LogQuery, *, after: LogPosition | None = None, backward: bool = False, size: int = 1000
    ) -> LogPage:
        """Read a page of ``GET /rovers/<name>/log``, which has the whole log, oldest first."""
        found = await self._ask(_LINES, f"/rovers/{ref.id}/log")
        found = [line for line in found if query.keyword in line.text]
        if after is not None:
            number = int(after.offset)
            found = [line for line in found if (line.number < number if backward else line.number > number)]
        page = found[-size:] if backward else found[:size]
        lines = tuple(LogLine(None, clean(line.text), LogPosition("", str(line.number))) for line in page)
        last = (lines[0] if backward else lines[-1]).position if lines else after
        return LogPage(lines, more=len(found) > len(page), next=last)

    def _row(self, rover: Rover) -> Instance:
        ref = Ref(self.account, "rover", clean(rover.name))
        return Instance(ref, ref.id, _PHASES[rover.state], rover.state, image=clean(rover.image))

    async def _names(self) -> list[str]:
        return await self._ask(_NAMES, "/images")

    async def _ask(self, adapter: TypeAdapter[_T], path: str) -> _T:
        return decode(adapter, await self._http.get(path), self._http.party, path)

    async def _change(self, path: str, *, what: str, body: Mapping[str, str] | None = None) -> ActionResult:
        answer = await self._http.change("POST", path, what=what, json=body and dict(body))
        rover = decode(_ROVER, answer, self._http.party, path, what=what)
        ref = Ref(self.account, "rover", clean(rover.name))
        return ActionResult(f"now {rover.state}", created=ref if body else None)

    async def _token(self) -> dict[str, str]:
        """Return the header with the token; its reference is resolved off the loop."""
        token = await asyncio.to_thread(self._config.token.resolve)
        if not token.reveal().isascii():
            raise GputuiError(f"{self.account}: the token has characters that no header can have.")
        return {"Authorization": f"Bearer {token.reveal()}"}
