"""A tool as its parts: what it is for, what it takes, what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from gputui.errors import InvalidError
from gputui.late_dataclasses import dataclass

Answer = Mapping[str, Any]
"""Data for JSON, before it is bounded and made safe."""


class Arguments(BaseModel):
    """The arguments of a tool; unknown ones are refused, so that a misspelled filter is never taken for none."""

    model_config = ConfigDict(extra="forbid", frozen=True)


ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)


@dataclass(frozen=True, slots=True)
class Tool(Generic[ArgumentsT]):
    """One tool. ``changes``: it can change something, so that it exists only with ``--write``."""

    name: str
    description: str
    arguments: type[ArgumentsT]
    call: Callable[[ArgumentsT], Awaitable[Answer]]
    changes: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the arguments."""
        return self.arguments.model_json_schema()

    async def run(self, values: Mapping[str, Any]) -> Answer:
        """Check the arguments and call the tool; raises GputuiError."""
        try:
            given = self.arguments.model_validate(dict(values))
        except ValidationError as error:
            problems = {".".join(map(str, one["loc"])): one["msg"] for one in error.errors(include_input=False)}
            raise InvalidError(f"These arguments do not fit {self.name}.", fields=problems) from None
        return await self.call(given)
