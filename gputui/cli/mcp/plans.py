"""Plans: changes that a model prepared. A person approves each, and it is carried out once, within minutes.

A plan and what carries it out are in the memory of the server. Its text is also a file, so that a person can read and
approve it in a terminal (:class:`Desk`): the approval is of that text alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from gputui.cli.mcp.tool import Answer
from gputui.errors import ConfigError, ConflictError, NotFoundError, reason_of
from gputui.late_dataclasses import dataclass
from gputui.private_files import open_private, write_private
from gputui.rules.place import own_directory, unusable
from gputui.text import clean

LIFETIME = timedelta(minutes=10)
"""How long a plan can be approved and carried out."""
MOST_WAITING = 10
"""Plans of one server that can wait at the same time: more is no help to a person."""
_KEPT_SECONDS = 3600.0
"""How long the text of a server that was killed stays."""
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_ID_LENGTH = 6
_LONGEST_FILE = 2**18


class PlanState(StrEnum):
    """Where a plan is."""

    WAITING = "waiting for approval"
    APPROVED = "approved"
    DECLINED = "declined"
    BEGUN = "carried out"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class PlanText:
    """The text that a person reads and approves. ``typed`` has to be typed for it; None where a yes is enough."""

    id: str
    question: str
    lines: tuple[str, ...]
    typed: str | None
    expires: datetime

    @property
    def digest(self) -> str:
        """The fingerprint of this text."""
        parts = (self.id, self.question, *self.lines, self.typed or "", self.expires.isoformat())
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @property
    def whole(self) -> str:
        """The lines and the question."""
        return "\n".join((*self.lines, self.question))


@dataclass(slots=True)
class Plan:
    """A change that waits for approval. ``carry_out`` sends it; ``outcome`` is what came of it."""

    text: PlanText
    carry_out: Callable[[], Awaitable[Answer]]
    deadline: float
    state: PlanState = PlanState.WAITING
    outcome: Answer | None = None
    asked: set[str] = field(default_factory=set)
    """The keys of the requests for approval that were sent to the client."""

    @property
    def id(self) -> str:
        """The id in its text."""
        return self.text.id


class ApprovalNeededError(ConflictError):
    """A plan is to be carried out that no person has approved yet."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(
            f"The plan {plan.id} is not approved.",
            hint=f"Ask the person to run in a terminal, and then call carry_out again: gputui mcp approve {plan.id}",
        )
        self.plan = plan


class Plans:
    """The plans of one server. ``monotonic`` and ``now`` are its clock."""

    def __init__(self, desk: Desk, monotonic: Callable[[], float], now: Callable[[], datetime]) -> None:
        self._desk = desk
        self._monotonic = monotonic
        self._now = now
        self._plans: dict[str, Plan] = {}

    def add(
        self, question: str, lines: Sequence[str], typed: str | None, carry_out: Callable[[], Awaitable[Answer]]
    ) -> Plan:
        """Add a plan, and put its text where a person can approve it. Raises ConfigError."""
        for known in list(self._plans):
            self.get(known)  # expired ones do not count
        if sum(plan.state is PlanState.WAITING for plan in self._plans.values()) >= MOST_WAITING:
            raise ConflictError(
                f"{MOST_WAITING} plans wait for approval already.",
                hint="Let the person approve or decline them first.",
            )
        id_ = "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))
        expires = (self._now() + LIFETIME).replace(microsecond=0)
        cleaned = tuple(clean(line, multiline=True) for line in lines)
        text = PlanText(id_, clean(question), cleaned, None if typed is None else clean(typed), expires)
        plan = Plan(text, carry_out, self._monotonic() + LIFETIME.total_seconds())
        self._desk.put(text)
        self._plans[id_] = plan
        return plan

    def get(self, id_: str) -> Plan:
        """Return a plan in its present state; raises NotFoundError."""
        plan = self._plans.get(id_)
        if plan is None:
            raise NotFoundError(
                f"There is no plan {clean(id_)[:40]}.", hint="A plan ends with the server that made it."
            )
        if plan.state in (PlanState.WAITING, PlanState.APPROVED) and self._monotonic() > plan.deadline:
            self.settle(plan, PlanState.EXPIRED)
        if plan.state is PlanState.WAITING and self._desk.is_approved(plan.text):
            plan.state = PlanState.APPROVED
        return plan

    def settle(self, plan: Plan, state: PlanState) -> None:
        """Set the state of a plan; one that can no longer be approved leaves the desk."""
        plan.state = state
        if state is not PlanState.APPROVED:
            self._desk.remove(plan.id)

    def begin(self, plan: Plan) -> None:
        """Take a plan to carry it out, once. Raises ConflictError where that cannot be."""
        if plan.state is PlanState.WAITING:
            raise ApprovalNeededError(plan)
        if plan.state is not PlanState.APPROVED:
            raise ConflictError(
                f"The plan {plan.id} cannot be carried out: it is {plan.state}.", hint="Prepare another."
            )
        self.settle(plan, PlanState.BEGUN)

    def close(self) -> None:
        """Remove the texts: nothing can be approved any more."""
        for plan in self._plans.values():
            self._desk.remove(plan.id)


class Desk:
    """The texts of plans that wait, as files of the user. Methods raise ConfigError."""

    def __init__(self, state: Path) -> None:
        self.folder = state / "mcp"

    def put(self, text: PlanText) -> None:
        """Write the text of a plan."""
        self.prepare()
        plain = {
            "id": text.id,
            "question": text.question,
            "lines": list(text.lines),
            "typed": text.typed,
            "expires": text.expires.isoformat(),
        }
        path = self._path(text.id)
        try:
            write_private(path, json.dumps(plain, ensure_ascii=False, indent=1) + "\n")
        except OSError as error:
            raise unusable(path, error) from None

    def prepare(self) -> None:
        """Make the directory, the user's own, and remove texts of servers that were killed."""
        own_directory(self.folder.parent)
        own_directory(self.folder)
        for path in (*self.folder.glob("*.plan"), *self.folder.glob("*.approved")):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                    path.unlink()

    def waiting(self, now: datetime) -> list[PlanText]:
        """Return the texts that wait and are not expired, the one that expires first first."""
        try:
            names = sorted(path.stem for path in self.folder.glob("*.plan"))
        except OSError as error:
            raise unusable(self.folder, error) from None
        texts = []
        for name in names:
            with suppress(NotFoundError):
                texts.append(self.read(name, now))
        return sorted((text for text in texts if not self.is_approved(text)), key=lambda text: text.expires)

    def read(self, id_: str, now: datetime) -> PlanText:
        """Return the text of a plan. Raises NotFoundError where there is none that can be approved."""
        gone = NotFoundError(
            f"There is no plan {clean(id_)[:40]} that can be approved.",
            hint="A plan expires after ten minutes, and ends with the server that made it: gputui mcp plans",
        )
        if not set(id_) <= set(_LETTERS) or len(id_) != _ID_LENGTH:
            raise gone
        try:
            text = _text_of(_read(self._path(id_)))
        except FileNotFoundError:
            raise gone from None
        except (OSError, ValueError) as error:
            raise ConfigError(f"{self._path(id_)}: {reason_of(error)}.", hint="Remove the file.") from None
        if text.id != id_ or text.expires <= now:
            raise gone
        return text

    def approve(self, text: PlanText) -> None:
        """Note that a person has approved this text. Raises ConflictError where it is approved already."""
        path = self._path(text.id, ".approved")
        try:
            descriptor = open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                stream.write(text.digest)
                stream.flush()
                os.fsync(stream.fileno())
        except FileExistsError:
            raise ConflictError(f"The plan {text.id} is approved already.") from None
        except OSError as error:
            raise unusable(path, error) from None

    def is_approved(self, text: PlanText) -> bool:
        """Return whether a person has approved exactly this text."""
        try:
            return _read(self._path(text.id, ".approved")) == text.digest
        except (OSError, ValueError):
            return False

    def remove(self, id_: str) -> None:
        """Remove a text, and its approval."""
        for suffix in (".plan", ".approved"):
            with suppress(OSError):
                self._path(id_, suffix).unlink(missing_ok=True)

    def _path(self, id_: str, suffix: str = ".plan") -> Path:
        return self.folder / f"{id_}{suffix}"


def _read(path: Path) -> str:
    with os.fdopen(open_private(path, os.O_RDONLY), "rb") as stream:
        return stream.read(_LONGEST_FILE).decode("utf-8")


def _text_of(content: str) -> PlanText:
    plain: Mapping[str, Any] = json.loads(content)
    try:
        # Whoever can write the file cannot act on the terminal of the person who reads it.
        lines = tuple(clean(str(line), multiline=True) for line in plain["lines"])
        typed = None if plain["typed"] is None else clean(str(plain["typed"]))
        expires = datetime.fromisoformat(str(plain["expires"])).astimezone(UTC)
        return PlanText(str(plain["id"]), clean(str(plain["question"])), lines, typed, expires)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is no plan: {error}") from None
