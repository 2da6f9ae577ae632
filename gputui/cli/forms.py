"""Forms on the command line: the table of their fields, the given values, and the problems of values."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from gputui.cli.output import format_table, notify
from gputui.config.paths import as_path
from gputui.errors import ConfigError, InvalidError, reason_of
from gputui.models import FieldKind, Form, FormField
from gputui.redaction import redact
from gputui.text import generated_secret

GENERATED = "generate"
"""The value of a secret that is to be generated."""

_IN_THE_TABLE = 4
"""More choices than these, or choices with labels, are listed below the table."""

_VALUES: Mapping[FieldKind, str] = {
    FieldKind.FLAG: "true, false",
    FieldKind.MULTI: "several, comma-separated",
    FieldKind.LINES: "text",
    FieldKind.SECRET: "asked for",
}
_KEPT = "env:NAME, file:PATH, cmd:COMMAND or keyring:SERVICE/USER; kept when not given"


def list_fields(form: Form, instruction: str, *, begun: bool = False) -> None:
    """Print the fields of a form on stderr, after the instruction; ``begun`` as in :func:`fields_text`."""
    notify(f"{form.title}. {instruction} --set FIELD=VALUE:")
    if form.note:
        notify(form.note)
    notify(fields_text(form.fields, begun=begun))


def fields_text(fields: Sequence[FormField], *, begun: bool = False) -> str:
    """Return a table of fields: the accepted values of each, its unit, and when it is required.

    ``begun``: they are the fields of an existing row, with its present values.
    """
    columns = ("FIELD", "" if begun else "REQUIRED", "NOW" if begun else "DEFAULT", "VALUES", "MEANING")
    cells = [
        (
            field.name,
            "" if begun else _required(field),
            _at_first(field),
            _KEPT if begun and field.kind is FieldKind.SECRET else _values(field),
            _meaning(field),
        )
        for field in fields
    ]
    table = format_table(columns, cells, filled=True)
    return "\n".join([table.rstrip("\n"), *(line for field in fields for line in _choice_lines(field))])


def field_problems(problems: Mapping[str, str]) -> tuple[str, ...]:
    """Return the problems, a line for each field."""
    return tuple(f"{field}: {problem}" for field, problem in problems.items())


def given_fields(values: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return what ``--set`` gives, by field; raises ConfigError for a field given twice.

    ``@FILE`` is the content of a file, ``@-`` stdin, ``@@`` a text that begins with ``@``.
    """
    given = [name for name, _ in values]
    if twice := sorted({name for name in given if given.count(name) > 1}):
        raise ConfigError(
            f"{', '.join(twice)}: given twice.",
            hint="Several lines go into one value: --set env=$'A=1\\nB=2', several choices with commas: regions=a,b.",
        )
    if [value for _, value in values].count("@-") > 1:
        raise ConfigError("@-: only one field can be read from stdin.")
    return {name: _from_file(name, value) for name, value in values}


def _from_file(name: str, value: str) -> str:
    """Return a value, read from a file where it names one; raises ConfigError."""
    if not value.startswith("@"):
        return value
    path = value[1:]
    if path.startswith("@"):
        return path
    try:
        data = sys.stdin.buffer.read() if path == "-" else as_path(path).read_bytes()
        text = data.decode("utf-8")
    except OSError as error:
        raise ConfigError(
            f"{name}: {path or 'no file'} cannot be read: {reason_of(error)}.",
            hint=f"Write a text that begins with @ with two of them: {name}=@{value}",
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{name}: {path} is not text in UTF-8.") from None
    return text.removesuffix("\n").removesuffix("\r")


def resolved(form: Form, given: Mapping[str, str], refusal: str, *, asked: bool) -> dict[str, str]:
    """Return the given values, with secrets resolved from their references; raises ConfigError with ``refusal``.

    A secret is never taken from argv, which everyone on the machine can read. ``asked``: a missing one is asked for.
    """
    way = "omit it to be asked, or give a reference" if asked else "give a reference"
    fields = {field.name: field for field in form.fields}
    problems = []
    for name in given:
        if name not in fields:
            problems.append(f"{name}: unknown field; the fields are {', '.join(fields)}")
        elif fields[name].kind is FieldKind.SECRET and not _is_reference(fields[name], given[name]):
            problems.append(
                f"{name}: is secret, and everyone on this machine can read a command line; {way}:"
                f" {name}=env:NAME, file:PATH, cmd:COMMAND or keyring:SERVICE/USER"
                + (f", or {name}={GENERATED} to generate one" if fields[name].generate else "")
            )
    if problems:
        raise ConfigError(refusal, problems=tuple(problems))
    return {
        name: _secret(fields[name], value) if fields[name].kind is FieldKind.SECRET else value
        for name, value in given.items()
    }


def _is_reference(field: FormField, value: str) -> bool:
    return (value == GENERATED and field.generate > 0) or value.startswith(("env:", "file:", "cmd:", "keyring:"))


def _secret(field: FormField, value: str) -> str:
    """Resolve the reference of a secret, or generate one, which is printed; raises ConfigError."""
    from gputui.config.secrets import SecretRef

    if value == GENERATED:
        generated = generated_secret(field.generate)
        notify(f"{field.name}: {generated}")
        return generated
    try:
        return SecretRef.parse(value, where=field.name).resolve().reveal()
    except ValueError as error:
        raise ConfigError(f"{field.name}: {error}") from None


def _at_first(field: FormField) -> str:
    """Return the default of a field in one line."""
    lines = redact(field.default) if field.kind is FieldKind.LINES else field.default
    return lines.replace("\n", "\\n")


def _values(field: FormField) -> str:
    if field.choices:
        shown = "see below" if _has_lines(field) else ", ".join(choice or '""' for choice in field.choices)
        shown = f"several of: {shown}" if field.kind is FieldKind.MULTI else shown
        return f"{shown}, or another" if field.open_choices else shown
    shown = "text" if field.kind is FieldKind.CHOICE else _VALUES.get(field.kind, field.kind.value)
    return f"{shown} ({field.unit})" if field.unit else shown


def _required(field: FormField) -> str:
    if field.required or field.required_when is None:
        return "yes" if field.required else ""
    other, values = field.required_when
    return f"with {other} {' or '.join(values)}"


def _meaning(field: FormField) -> str:
    words = field.help or field.label
    if field.when is None:
        return words
    other, values = field.when
    return f"{words} [only with {other} {' or '.join(values)}]"


def _has_lines(field: FormField) -> bool:
    return len(field.choices) > _IN_THE_TABLE or any(_labels(field))


def _labels(field: FormField) -> tuple[str, ...]:
    """Return the label of each choice; '' where it is the choice itself."""
    labels = field.labels or ("",) * len(field.choices)
    return tuple("" if label == choice else label for choice, label in zip(field.choices, labels, strict=False))


def _choice_lines(field: FormField) -> list[str]:
    if not field.choices or not _has_lines(field):
        return []
    choices = zip(field.choices, _labels(field), strict=False)
    return [f"{field.name}:", *(f"  {choice}  {label}".rstrip() for choice, label in choices if choice)]


@contextmanager
def refused_fields(refusal: str) -> Iterator[None]:
    """Raise ConfigError with one problem a field for values that are not accepted."""
    try:
        yield
    except InvalidError as error:
        if not error.fields:
            raise
        raise ConfigError(refusal, problems=field_problems(error.fields)) from None
