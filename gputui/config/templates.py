"""Templates: the values of a create form as a TOML file, ``templates/NAME.toml`` next to the configuration.

Values are texts in a form, and numbers, booleans, lists and multi-line texts in the file. They are read back exactly
as written. Secrets are never written.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from gputui.config.paths import CONFIG_ENCODING, as_path, config_path
from gputui.errors import ConfigError, ConflictError, InvalidError, reason_of
from gputui.models import FieldKind, Form, FormField
from gputui.private_files import write_private
from gputui.redaction import redact, redact_json
from gputui.text import clean

SUFFIX = ".toml"
_VALUES = "values"
_KIND = "kind"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LINE_NAME = re.compile(r"\s*([A-Za-z0-9_-]+)\s*[=:]")
"""The name of a variable or header at the beginning of a line."""
_FREE_TEXT = frozenset({FieldKind.TEXT, FieldKind.LINES})
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_NUMBER = re.compile(r"-?[1-9][0-9]{0,17}|0|(?:0|-?[1-9][0-9]*)\.[0-9]+")
_ESCAPES = {"\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_CLOSING = re.compile(r'"(?="|\Z)')
"""A quotation mark that could be parsed as the end of a multi-line text."""


def template_dir() -> Path:
    """Return the folder of the templates."""
    return config_path().parent / "templates"


def names() -> list[str]:
    """Return the names of the existing templates. Raises ConfigError when the folder cannot be read."""
    folder = template_dir()
    try:
        found = [entry.name.removesuffix(SUFFIX) for entry in folder.iterdir() if entry.name.endswith(SUFFIX)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise _unusable(folder, error) from None
    return sorted(name for name in found if name_problem(name) is None)


def name_problem(name: str) -> str | None:
    """Return the problem of a name for a template; None when it can be used."""
    if name.endswith(SUFFIX):
        return f"is written without {SUFFIX}"
    if not _NAME.fullmatch(name):
        return "must be at most 64 letters, digits, dots, dashes and underscores, a letter or digit first"
    return None


def save(name: str, kind: str, values: Mapping[str, str], form: Form, *, replace: bool = False) -> Path:
    """Write a template that only its owner can read, and return its path.

    Raises InvalidError for a name or value that cannot be written, ConflictError when it exists and ``replace`` is
    false, ConfigError when the file cannot be written.
    """
    if problem := name_problem(name):
        raise InvalidError(f"The name of a template {problem}.", fields={"name": problem})
    text = dump(kind, values, form)
    folder = template_dir()
    path = folder / f"{name}{SUFFIX}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not replace:
            path.touch(mode=0o600, exist_ok=False)
        write_private(path, text)
    except FileExistsError:
        raise ConflictError(
            f"There is a template {name} already.", hint="Choose another name or replace it."
        ) from None
    except OSError as error:
        raise ConfigError(f"Cannot write {path}: {reason_of(error)}.", hint="Check its owner and its mode.") from None
    return path


def read(name_or_path: str | Path, *, form: Form | None = None) -> tuple[str, dict[str, str]]:
    """Read a template by its name, or a file by its path (with a slash, or ending in ``.toml``), as :func:`load`."""
    written = str(name_or_path)
    is_name = not written.endswith(SUFFIX) and name_problem(written) is None
    path = template_dir() / f"{written}{SUFFIX}" if is_name else Path(written)
    try:
        text = as_path(path).read_bytes().decode(CONFIG_ENCODING)
    except FileNotFoundError:
        if not is_name:
            raise ConfigError(f"There is no file {clean(written)}.") from None
        there = ", ".join(names())
        hint = f"There are: {there}." if there else f"The folder is {template_dir()}."
        raise ConfigError(f"There is no template {written}.", hint=hint) from None
    except UnicodeDecodeError as error:
        problem = f"{clean(str(path))}: byte {error.start + 1} is not UTF-8; save the file as UTF-8"
        raise ConfigError("The template cannot be used:", problems=(problem,)) from None
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from None
    return load(text, name=clean(str(path)), form=form)


def load(text: str, *, name: str, form: Form | None = None) -> tuple[str, dict[str, str]]:
    """Read a template from text; ``name`` is the file in messages.

    Returns the kind that it creates and the values; with ``form`` these are checked against its fields. Raises
    ConfigError with all problems as ``file: key: what is wrong; the fix``.
    """
    try:
        # A price of 1.50 stays 1.50: numbers with a point keep their text.
        data = tomllib.loads(text, parse_float=lambda number: number.replace("_", ""))
    except (ValueError, RecursionError) as error:
        said = "is nested too deeply" if isinstance(error, RecursionError) else clean(str(error))
        raise ConfigError("The template cannot be used:", problems=(f"{name}: {said}; correct the line",)) from None
    problems: list[str] = []
    kind = data.get(_KIND)
    if not isinstance(kind, str) or not kind:
        problems.append(f'{_KIND}: is missing; write what it creates: {_KIND} = "deployment"')
    elif form is not None and kind != form.kind:
        problems.append(f"{_KIND}: is {clean(kind)}, which is no {form.kind}; choose another template")
    table = data.get(_VALUES)
    if not isinstance(table, dict):
        problems.append(f"{_VALUES}: is missing; write the values under [{_VALUES}]")
        table = {}
    problems += [
        f"{clean(key)}: is not known; values belong under [{_VALUES}]" for key in data if key not in {_KIND, _VALUES}
    ]
    fields = None if form is None else {field.name: field for field in form.fields}
    values: dict[str, str] = {}
    for key, value in table.items():
        problem = _misfit(key, value, fields)
        if problem is None:
            try:
                values[key] = _to_text(value)
            except ValueError as error:
                problem = str(error)
        if problem is not None:
            problems.append(f"{_VALUES}.{clean(key)}: {problem}")
    if problems:
        raise ConfigError("The template cannot be used:", problems=tuple(f"{name}: {each}" for each in problems))
    return str(kind), values


def dump(kind: str, values: Mapping[str, str], form: Form) -> str:
    """Return the text of a template: the values of the fields that the form shows with them, except secrets.

    Variables and texts that may be or contain one are named in a comment instead; values that are generated for each
    form are omitted. Raises InvalidError for a text that cannot be encoded.
    """
    lines = [f"{_KIND} = {toml_text(kind)}", "", f"[{_VALUES}]"]
    for field in form.fields:
        if field.section:
            lines += [*([] if field is form.fields[0] else [""]), f"# {clean(field.section)}"]
        value = values.get(field.name)
        if value is None or field.kind is FieldKind.SECRET or field.fresh or not field.shown_with(values):
            continue
        try:
            value.encode()
        except UnicodeEncodeError:
            problem = "contains a character that cannot be written to a file"
            raise InvalidError(f"{field.label} {problem}.", fields={field.name: problem}) from None
        if field.variables:
            value, secret = _without_secrets(value)
            lines += [f"# omitted, as it may be a secret: {clean(name)}" for name in secret]
        elif field.kind in _FREE_TEXT and redact_json(value) != value:
            lines.append(f"# omitted, as it may contain a secret: {clean(field.name)}")
            continue
        unit = f"  # {clean(field.unit)}" if field.unit else ""
        lines.append(f"{toml_key(field.name)} = {_to_toml(field, value)}{unit}")
    return "\n".join(lines) + "\n"


def _without_secrets(variables: str) -> tuple[str, list[str]]:
    """Return the lines whose values may be written, and the names of the others."""
    lines = variables.split("\n")
    kept = [line for line in lines if redact(line) == line]
    named = (_LINE_NAME.match(line) for line in lines if line not in kept)
    # In a line without a name at its beginning any part may be the secret.
    return "\n".join(kept), [match[1] if match else "a line" for match in named]


def _unusable(path: Path, error: Exception) -> ConfigError:
    return ConfigError(
        f"Cannot read {clean(str(path))}: {reason_of(error)}.", hint="Check its path, its owner and its mode."
    )


def _misfit(key: str, value: object, fields: Mapping[str, FormField] | None) -> str | None:
    """Return why a field cannot have a value; None when it can, or the fields are unknown."""
    if fields is None:
        return None
    if (field := fields.get(key)) is None:
        close = difflib.get_close_matches(key, fields, n=1)
        return f"is not known; did you mean {close[0]}?" if close else f"is not known; there are {', '.join(fields)}"
    if field.kind is FieldKind.SECRET:
        return "is a secret; remove it, it is asked for"
    if isinstance(value, list) and field.kind is not FieldKind.MULTI:
        return "must be one value; write it without brackets"
    if isinstance(value, bool) and field.kind is not FieldKind.FLAG:
        return 'must be a text; write it in quotes: "…"'
    if field.kind is FieldKind.FLAG and not isinstance(value, bool) and value not in ("true", "false", ""):
        return "must be true or false, without quotes"
    return None


def _to_text(value: object) -> str:
    """Return the text that a field has for a value of the file; raises ValueError."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            try:
                return str(value)
            except ValueError:
                raise ValueError("is too large a number") from None
        case list():
            if any(isinstance(item, list | dict) for item in value):
                raise ValueError('must be a list of texts; write it as ["…", "…"]')
            return _list_text([_to_text(item) for item in value])
        case dict():
            raise ValueError('must be one value; write it as key = "…"')
        case _:
            raise ValueError('must be a text; write it in quotes: "…"')


def _list_text(items: list[str]) -> str:
    if any("," in item for item in items):
        raise ValueError("has a comma inside a text; make it two texts")
    return ",".join(items)


def _to_toml(field: FormField, value: str) -> str:
    """Return a value as TOML of its own type, or as a text where that would not be read back the same."""
    match field.kind:
        case FieldKind.FLAG if value in {"true", "false"}:
            return value
        case FieldKind.MULTI:
            return f"[{', '.join(toml_text(item) for item in value.split(','))}]" if value else "[]"
        case FieldKind.LINES if "\n" in value:
            return _over_lines(value)
        case _:
            is_number = field.kind is FieldKind.NUMBER or bool(field.unit)
            return value if is_number and _NUMBER.fullmatch(value) else toml_text(value)


def toml_key(name: str) -> str:
    """Return a name as a key of TOML."""
    return name if _BARE_KEY.fullmatch(name) else toml_text(name)


def toml_text(text: str) -> str:
    """Return a text as a string of TOML, in one line."""
    return '"' + "".join(_escaped(character) for character in text).replace('"', '\\"') + '"'


def _over_lines(text: str) -> str:
    """Return a multi-line text. The line feed after the opening marks is not part of it."""
    escaped = "\n".join("".join(_escaped(character) for character in line) for line in text.split("\n"))
    return '"""\n' + _CLOSING.sub('\\\\"', escaped) + '"""'


def _escaped(character: str) -> str:
    """Escape the characters that TOML does not permit, and those that a terminal does not show."""
    if character in _ESCAPES:
        return _ESCAPES[character]
    if clean(character) == character:
        return character
    return f"\\U{ord(character):08x}"
