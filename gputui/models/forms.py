"""The forms of actions, and the results of actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from enum import Enum, StrEnum

from gputui.late_dataclasses import dataclass
from gputui.models.values import Ref

REQUIRED = "required"
"""The refusal of a required field without a value."""


@dataclass(frozen=True, slots=True)
class RemoteOutput:
    """The output of a script. ``status`` is its exit status, None after a ``signal`` and if it was not seen to end.

    That is so after the time limit, and if the connection was ``lost`` while it ran: it may still run then. The bytes
    are those of the other side: they go through :func:`gputui.text.clean` before they are shown.
    """

    status: int | None
    stdout: bytes
    stderr: bytes
    signal: str = ""
    lost: bool = False


@dataclass(frozen=True, slots=True)
class ExecResult:
    """The end of a command run in an instance. ``exit_code`` is None where the time limit ended it."""

    exit_code: int | None
    output: str
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class ActionResult:
    """A back end's answer to an action: a message, and the created row, if any.

    ``generation`` distinguishes that row from earlier and later ones of its name (:attr:`SSHTarget.generation`).
    ``output`` is the output of a process, where the answer repeats it. ``to_note`` is shown once and needs the user's
    attention.
    """

    message: str
    created: Ref | None = None
    generation: str = ""
    to_note: str = ""
    output: str = ""
    exec: ExecResult | None = None


class FieldKind(StrEnum):
    """How a form field is edited, and how its value is written as text.

    MULTI is several of ``choices``, separated by commas; FLAG is ``true`` or ``false``; LINES may contain line feeds.
    """

    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    MULTI = "multi"
    FLAG = "flag"
    LINES = "lines"
    SECRET = "secret"  # noqa: S105  (a kind of field)


class Role(Enum):
    """The meaning of a field, whatever the vendor's parameter is named: cost, stock and prefilled values use these.

    Prices are for an hour of one instance. PARALLEL is the number of instances that run at the same time, PLACE a
    region and a GPU model separated by a space, MACHINE_TYPE the id of a vendor's type of machine, GPU_INDICES the
    numbers of GPUs of the account's one host, SPOT whether it may be reclaimed, and costs less for that, NEWEST the
    number of tasks of each queue that a filter reads.
    """

    NAME = "name"
    IMAGE = "image"
    IMAGE_ID = "image id"
    REGIONS = "regions"
    GPU_MODELS = "GPU models"
    GPU_COUNT = "GPU count"
    GPU_INDICES = "GPU indices"
    PLACE = "place"
    MACHINE_TYPE = "machine type"
    SPOT = "spot"
    REPLICAS = "replicas"
    PARALLEL = "parallel"
    PRICE_FLOOR = "price floor"
    PRICE_LIMIT = "price limit"
    QUEUE = "queue"
    NEWEST = "newest"
    INPUT = "input"
    PORT = "port"
    URI_PATH = "URI path"
    HEADERS = "headers"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a form: a parameter of the vendor's call, with the server's current choices.

    ``labels`` describe the choices, in their order; ``ids``: the choices are ids, which people know by the labels.
    ``open_choices`` permits other values.
    ``when`` shows the field only while another field has one of some values. ``unit`` follows the value,
    ``section`` is the name of the section that begins with this field: what is filled in together, a tab of the
    dialog. ``generate``: the length of a generated secret.
    ``variables``: its lines are ``NAME=VALUE`` or ``NAME: VALUE``, some of whose values may be secret.
    ``required_when``: another field and its values that make this one required.
    ``fresh``: its default is generated for each form and not kept in templates.
    ``unknown``: the server does not return its present value, with which the form of a change would begin.
    ``read`` returns the value that is sent for a text, or raises ValueError with the refusal, which follows the
    field's name; None reads by the kind. ``path`` is the value's place in the request, its keys separated by dots;
    '' is the field's name, None is no place.
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
    ids: bool = False
    when: tuple[str, tuple[str, ...]] | None = None
    unit: str = ""
    section: str = ""
    generate: int = 0
    variables: bool = False
    fresh: bool = False
    unknown: bool = False
    required_when: tuple[str, tuple[str, ...]] | None = None
    role: Role | None = None
    read: Callable[[str], object] | None = field(default=None, compare=False)
    path: str | None = ""

    def is_required(self, values: Mapping[str, str]) -> bool:
        """Return whether it is required next to these values."""
        if self.required or self.required_when is None:
            return self.required
        return values.get(self.required_when[0], "") in self.required_when[1]

    def shown_with(self, values: Mapping[str, str]) -> bool:
        """Return whether it is shown next to these values."""
        return self.when is None or values.get(self.when[0], "") in self.when[1]


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a call. ``kind`` is the kind of row that it creates or changes.

    ``verb`` names doing so, as on the button, ``progress`` while it is under way: ``pull`` and ``Pulling``.
    """

    account: str
    kind: str
    title: str
    fields: tuple[FormField, ...]
    note: str = ""
    verb: str = "create"
    progress: str = "Creating"

    @property
    def sections(self) -> list[tuple[str, list[FormField]]]:
        """The sections with their fields, in order; fields before the first have the section ''."""
        found: list[tuple[str, list[FormField]]] = []
        for one in self.fields:
            if one.section or not found:
                found.append((one.section, []))
            found[-1][1].append(one)
        return found

    def field(self, role: Role) -> FormField | None:
        """Return the field with a role; None where the form has none."""
        return next((field for field in self.fields if field.role is role), None)

    def value(self, role: Role, values: Mapping[str, str]) -> str:
        """Return the value of the field with a role; '' where the form has no such field, or it has no value."""
        field = self.field(role)
        return "" if field is None else values.get(field.name, "")

    def named(self, values: Mapping[Role, str]) -> dict[str, str]:
        """Return values by the names of their fields.

        Those without a field are left out, as are places and models that are not among the choices of their field.
        """
        found = {
            field: values[field.role] for field in self.fields if field.role is not None and field.role in values
        }
        return {
            field.name: value
            for field, value in found.items()
            if field.kind is not FieldKind.MULTI or not field.choices or value in field.choices
        }


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request as it would be sent, for a dry run. ``body`` is its JSON, indented, without secrets."""

    method: str
    url: str
    body: str
