"""The questions about a new account, one for each key of its kind, and the check of their answers."""

from __future__ import annotations

from typing import get_args, get_origin

from pydantic import ValidationError

from gputui.config.accounts import Account
from gputui.config.problems import example_of, explain
from gputui.config.secrets import SecretRef
from gputui.late_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """The question for one key of an account. ``example`` may be empty. ``many``: the answer is a list."""

    key: str
    text: str
    required: bool
    secret: bool
    example: str
    many: bool = False


def questions(model: type[Account]) -> list[Question]:
    """Return the questions for an account, in the order of the fields."""
    return [
        Question(
            key,
            field.title or key.replace("_", " ").capitalize(),
            required=field.is_required(),
            secret=SecretRef in (field.annotation, *get_args(field.annotation)),
            example=example_of(model, key),
            many=get_origin(field.annotation) is list,
        )
        for key, field in model.model_fields.items()
        if key not in ("name", "kind") and (field.is_required() or field.title)
    ]


def answer_problem(model: type[Account], kind: str, key: str, answer: str | list[str]) -> str | None:
    """Return the problem of a value for one key of an account; None when it is valid."""
    data = {"name": "account", "kind": kind, key: answer}
    try:
        model.model_validate(data, context={"private": True, "account": "account"})
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_context=False, include_input=False):
            if problem["loc"][:1] == (key,):
                return explain(model, problem["type"], problem["msg"], problem["loc"])
    return None
