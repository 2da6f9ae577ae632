"""References generated from the code: every command with its options, every key of the configuration."""

from __future__ import annotations

import argparse
import re
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from gputui import vendors
from gputui.cli.commands import COMMANDS
from gputui.cli.parser import build_parser
from gputui.config.loader import account_model
from gputui.config.secrets import SecretRef
from gputui.config.sections import (
    AgentConfig,
    BudgetConfig,
    CommandConfig,
    NotifyConfig,
    Polling,
    UiConfig,
    WasteConfig,
)

_WIDTH = 100
_ROLE = re.compile(r":\w+:`~?([^`]+)`")
_WORDS: dict[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "whole number",
    float: "number",
    SecretRef: "secret",
    Any: "any",
}


def cli_reference() -> str:
    """Return the page of all commands: for each the help that it prints."""
    parser = build_parser()
    about = "Generated from the parser. [Command line](../cli.md) has the meanings."
    lines = ["# Command line", "", about, "", "```text", *_help(parser), "```", ""]
    for name, command in _commands(parser).items():
        lines += [
            f"## gputui {name}",
            "",
            f"{_sentence(COMMANDS[name][1])}",
            "",
            "```text",
            *_help(command),
            "```",
            "",
        ]
        for part, inner in _commands(command).items():
            lines += [f"### gputui {name} {part}", "", "```text", *_help(inner), "```", ""]
    return "\n".join(lines)


def config_reference() -> str:
    """Return the page of all keys of the configuration: their kinds of values, and their defaults."""
    sections: dict[str, type[BaseModel]] = {
        "[ui]": UiConfig,
        "[notify]": NotifyConfig,
        "[waste]": WasteConfig,
        "[agent]": AgentConfig,
        "[budgets.NAME]": BudgetConfig,
        "[polling]": Polling,
        "[[commands]]": CommandConfig,
    }
    about = "Generated from the models that check the file. [Configuration](../config.md) has the meanings."
    lines = ["# Configuration keys", "", about, ""]
    for kind in vendors.kinds():
        sections[f'[accounts.NAME] with kind = "{kind}"'] = account_model(kind)
    for heading, model in sections.items():
        lines += [f"## `{heading}`", "", *_described(model), "", *_table(model), ""]
    return "\n".join(lines)


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _help(parser: argparse.ArgumentParser) -> list[str]:
    return parser.format_help().rstrip().splitlines()


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _described(model: type[BaseModel]) -> list[str]:
    text = " ".join((model.__doc__ or "").split())
    return [_ROLE.sub(r"`\1`", text).replace("``", "`")]


def _table(model: type[BaseModel]) -> Iterator[str]:
    yield "| Key | Value | Default |"
    yield "|---|---|---|"
    for key, field in model.model_fields.items():
        if key == "name" and "kind" in model.model_fields:
            continue
        default = "required" if field.is_required() else _default(field.get_default(call_default_factory=True))
        yield f"| `{key}` | {_kind(field.annotation)} | {default} |"


def _default(value: object) -> str:
    if value is None or value is PydanticUndefined or value == "" or value in ([], {}):
        return "none"
    if isinstance(value, BaseModel):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list):
        return f"`[{', '.join(_quoted(one) for one in value)}]`"
    return f"`{_quoted(value)}`"


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _kind(annotation: object) -> str:
    """Return the kind of values in words."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in _WORDS:
        return _WORDS[annotation]
    if origin is Literal:
        return ", ".join(f"`{_quoted(one)}`" for one in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(one) for one in inner if one is not type(None))
    if origin is list:
        return f"list of {_kind(inner[0])}"
    if origin is dict:
        return f"table of {_kind(inner[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        keys = ", ".join(f"`{key}`" for key in annotation.model_fields)
        return f"table with {keys}"
    return _kind(inner[0]) if inner else str(getattr(annotation, "__name__", annotation))
