"""The sections of the configuration other than the accounts: how to show, poll, announce and judge rows."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, ValidationInfo, field_validator

from gputui.config.accounts import Currency, Regions, Section, folder_of, secret_at
from gputui.config.custom_commands import LONGEST_NAME, scope_problem, template_problem
from gputui.config.keymap import custom_key_problem
from gputui.config.paths import rooted_program
from gputui.config.preview import START
from gputui.config.secrets import SecretRef
from gputui.models import Money
from gputui.models.budgets import Budget
from gputui.models.notifications import Topic
from gputui.text import clean


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(clean, names))


class UiConfig(Section):
    """The interface. ``keys`` maps the id of a command or movement to its keys, with commas between.

    ``regions`` are named sets of regions for the stock view. The app checks the names of the theme and of
    the first view, ``start``.
    """

    theme: str | None = None
    utc: bool = False
    mouse: bool = True
    keys: dict[str, str] = Field(default_factory=dict)
    regions: dict[str, Regions] = Field(default_factory=dict)
    tmux_window: Literal["ask", "always", "never"] = "ask"
    start: str = START


class Polling(Section):
    """The intervals of requests of the lists on the screen, in seconds."""

    stock: float = Field(default=5.0, ge=0.5, le=3600)
    events: float = Field(default=2.0, ge=0.5, le=3600)
    lists: float = Field(default=5.0, ge=0.5, le=3600)
    processes: float = Field(default=2.0, ge=0.5, le=3600)


class NotifyConfig(Section):
    """The notifications outside the screen: their topics, and the ways that they take."""

    topics: list[str] = Field(default_factory=lambda: [Topic.STOCK.value])
    terminal: Literal["none", "osc9", "osc777"] = "none"
    bell: bool = True
    command: list[str] = Field(default=[])
    webhook: Annotated[SecretRef | None, PlainValidator(secret_at("webhook"))] = None

    @field_validator("command")
    @classmethod
    def _root_program(cls, words: list[str], info: ValidationInfo) -> list[str]:
        return [rooted_program(words[0], folder_of(info)), *words[1:]] if words else []

    @field_validator("topics")
    @classmethod
    def _check_topics(cls, names: list[str]) -> list[str]:
        known = [topic.value for topic in Topic]
        if wrong := [name for name in names if name not in known]:
            raise ValueError(f"has no topic {_listed(wrong)}; the topics are {', '.join(known)}")
        return names


class CommandConfig(Section):
    """A custom command: a template with fields of the row, and the lists for whose rows it is."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    run: str = Field(min_length=1)
    key: str = ""
    mode: Literal["terminal", "background", "copy"] = "terminal"
    confirm: bool = True
    scope: list[str] = Field(default_factory=lambda: ["instances"], min_length=1)

    @field_validator("run")
    @classmethod
    def _check_fields(cls, run: str) -> str:
        if (problem := template_problem(run)) is not None:
            raise ValueError(problem)
        return run

    @field_validator("scope")
    @classmethod
    def _check_scope(cls, names: list[str]) -> list[str]:
        if (problem := scope_problem(names)) is not None:
            raise ValueError(problem)
        return names

    @field_validator("key")
    @classmethod
    def _check_key(cls, key: str) -> str:
        if key and (problem := custom_key_problem(key)) is not None:
            raise ValueError(problem)
        return key


class AgentConfig(Section):
    """The agent. ``enabled``: the full-screen program starts one, and takes the answers of servers from it."""

    enabled: bool = True


class WasteConfig(Section):
    """When something is waste. ``idle_minutes``: how long GPUs are at 0 %, or a queue is without new tasks."""

    idle_minutes: float = Field(default=30.0, ge=1, le=7 * 24 * 60)


class BudgetConfig(Section):
    """An amount that is not to be spent within a day, a week or a month, by some accounts together or by all.

    ``levels`` are percentages of it at which a notification is due.
    """

    amount: float = Field(gt=0, le=1_000_000_000, allow_inf_nan=False, examples=[100])
    currency: Currency = Field(examples=["USD"])
    per: Literal["day", "week", "month"] = "month"
    accounts: list[str] = Field(default=[])
    levels: list[float] = Field(default_factory=lambda: [80.0, 100.0], min_length=1, max_length=10)

    @field_validator("levels")
    @classmethod
    def _check_levels(cls, levels: list[float]) -> list[float]:
        if not all(0 < level <= 1000 for level in levels):
            raise ValueError("must be percentages above 0; write it as [50, 80, 100]")
        return sorted(set(levels))

    def budget(self, name: str) -> Budget:
        """Return it under its name."""
        money = Money(Decimal(str(self.amount)), self.currency)
        return Budget(name, money, self.per, tuple(self.accounts), tuple(self.levels))
