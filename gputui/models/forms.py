"""What is asked before an action, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

from gputui.models.values import Ref


@dataclass(frozen=True, slots=True)
class ExecResult:
    """The end of a command run in an instance. ``exit_code`` None: it was ended by the time limit."""

    exit_code: int | None
    output: str
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What a back end answered to an action: its words, and the thing it made, if any.

    ``made`` tells that thing from others that had, or will have, its name (:attr:`SSHTarget.made`). ``output`` is
    what the thing wrote, where the answer repeats it. ``to_note`` is what its maker has to do something about, and
    is not told again.
    """

    message: str
    created: Ref | None = None
    made: str = ""
    to_note: str = ""
    output: str = ""
    exec: ExecResult | None = None


class FieldKind(StrEnum):
    """How a form field is edited, and how its value is written as text.

    MULTI is several of ``choices``, with commas between; FLAG is ``true`` or ``false``; LINES may hold line feeds.
    """

    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    MULTI = "multi"
    FLAG = "flag"
    LINES = "lines"
    SECRET = "secret"  # noqa: S105  (a kind of field)


class Role(Enum):
    """What a field means, whatever the vendor calls its parameter: cost, stock and prefilled values ask for these.

    Prices are for an hour of one instance. PARALLEL is the number of instances that run at the same time, PLACE a
    region and a GPU model with a space between, MACHINE_TYPE the id of a vendor's type of machine.
    """

    NAME = "name"
    IMAGE = "image"
    IMAGE_ID = "image id"
    REGIONS = "regions"
    GPU_MODELS = "GPU models"
    GPU_COUNT = "GPU count"
    PLACE = "place"
    MACHINE_TYPE = "machine type"
    REPLICAS = "replicas"
    PARALLEL = "parallel"
    PRICE_FLOOR = "price floor"
    PRICE_LIMIT = "price limit"
    QUEUE = "queue"
    INPUT = "input"
    PORT = "port"
    URI_PATH = "URI path"
    HEADERS = "headers"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form: made from the call's model and the server's own choices.

    ``labels`` says more of each choice, in their order. ``open_choices`` lets one write what is not among them.
    ``when`` shows the field only while another field has one of some values. ``unit`` stands behind the value,
    ``group`` is the heading that begins with this field. ``generate``: the length of a secret that is made up.
    ``variables``: its lines are ``NAME=VALUE`` or ``NAME: VALUE``, some of whose values may be secret.
    ``required_when``: another field and the values of it that make this one required.
    ``anew``: its default is made up for each form, and is kept for no other.
    """

    name: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = True
    default: str = ""
    choices: tuple[str, ...] = ()
    help: str = ""
    labels: tuple[str, ...] = ()
    open_choices: bool = False
    when: tuple[str, tuple[str, ...]] | None = None
    unit: str = ""
    group: str = ""
    generate: int = 0
    variables: bool = False
    anew: bool = False
    required_when: tuple[str, tuple[str, ...]] | None = None
    role: Role | None = None

    def is_required(self, values: Mapping[str, str]) -> bool:
        """Whether it must be given beside these values."""
        if self.required or self.required_when is None:
            return self.required
        return values.get(self.required_when[0], "") in self.required_when[1]

    def shown_with(self, values: Mapping[str, str]) -> bool:
        """Whether it is asked for beside these values."""
        return self.when is None or values.get(self.when[0], "") in self.when[1]


@dataclass(frozen=True, slots=True)
class Form:
    """What a call asks for. ``kind`` is the kind of thing it makes or changes, ``verb`` what people call doing it."""

    account: str
    kind: str
    title: str
    fields: tuple[FormField, ...]
    note: str = ""
    verb: str = "create"

    def field(self, role: Role) -> FormField | None:
        """Return the field with a role; None where the form has none."""
        return next((field for field in self.fields if field.role is role), None)

    def value(self, role: Role, values: Mapping[str, str]) -> str:
        """Return the value of the field with a role; '' where the form has no such field, or it has no value."""
        field = self.field(role)
        return "" if field is None else values.get(field.name, "")

    def named(self, values: Mapping[Role, str]) -> dict[str, str]:
        """Return values by the names of their fields; those without a field are left out."""
        roles = ((field.name, field.role) for field in self.fields)
        return {name: values[role] for name, role in roles if role is not None and role in values}


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request as it would be sent, for a dry run. ``body`` is its JSON, indented; credentials are no part of it."""

    method: str
    url: str
    body: str
