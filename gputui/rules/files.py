"""Rules as files: one JSON file each, ``rules/ID.json``, which is replaced whole and synced.

A file that cannot be used is named and left unchanged: it affects no other rule. All methods block for some
milliseconds: a session calls them in a thread.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from gputui.errors import ConflictError, InvalidError, NotFoundError, RuleFileError, reason_of
from gputui.late_dataclasses import dataclass
from gputui.models.leases import Lease
from gputui.models.rules import Rule, Watch
from gputui.models.serialize import from_plain, to_plain
from gputui.private_files import open_private, write_private
from gputui.rules.place import exists, locked, own_directory, sync_directory, unusable
from gputui.text import clean

_R = TypeVar("_R", Watch, Lease)

FORMAT = 1
_TYPES: Mapping[str, type[Watch] | type[Lease]] = {"watch": Watch, "lease": Lease}
_SUFFIX = ".json"
_LONGEST = 2**20
_ID = re.compile(r"[a-z][a-z0-9]{3,11}")
_LETTERS, _DIGITS = "abcdefghjkmnpqrstuvwxyz", "23456789"
"""Without those that look like another one."""


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A file of a rule that cannot be used: ``id`` is the rule's, by the name of the file, ``why`` a sentence."""

    id: str
    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class RulesRead:
    """The rules there are, by id, and the files that cannot be used."""

    rules: Mapping[str, Rule]
    problems: Sequence[FileProblem] = ()


class RuleFiles:
    """The rules in the agent's directory. Methods raise GputuiError."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._rules = directory / "rules"
        self._journals = directory / "journal"
        self._lock = directory / "rules.lock"

    def fingerprint(self) -> object:
        """Return what changes with each file; None where there are none."""
        try:
            with os.scandir(self._rules) as entries:
                stats = [(entry.name, entry.stat()) for entry in entries if _is_name(entry.name)]
        except OSError:
            return None
        return sorted((name, stat.st_mtime_ns, stat.st_size, stat.st_ino) for name, stat in stats)

    def read(self) -> RulesRead:
        """Read all rules. Raises RuleFileError where the directory cannot be used; without one there are none."""
        if not exists(self._rules):
            return RulesRead({})
        own_directory(self.directory)
        own_directory(self._rules)
        rules: dict[str, Rule] = {}
        problems = []
        try:
            found = sorted(entry for entry in self._rules.iterdir() if _is_name(entry.name))
        except OSError as error:
            raise unusable(self._rules, error) from None
        for path in found:
            id_ = path.name.removesuffix(_SUFFIX)
            try:
                rules[id_] = self._load(path, id_)
            except FileNotFoundError:
                continue  # deleted meanwhile
            except (OSError, ValueError) as error:
                problems.append(FileProblem(id_, path, clean(f"{path}: {reason_of(error)}.")))
        return RulesRead(rules, tuple(problems))

    def get(self, id_: str) -> Rule:
        """Read one rule; raises NotFoundError, or RuleFileError where its file cannot be used."""
        found = self.read()
        if (rule := found.rules.get(id_)) is not None:
            return rule
        for problem in found.problems:
            if problem.id == id_:
                raise RuleFileError(problem.why, hint="The file is unchanged: repair or remove it.")
        there = ", ".join(found.rules)
        hint = f"There are: {there}." if there else "There are no rules."
        raise NotFoundError(f"There is no rule {clean(id_)}.", hint=hint)

    def new_id(self) -> str:
        """Return an id that no rule has or had: journals of deleted rules keep theirs."""
        while True:
            id_ = secrets.choice(_LETTERS) + "".join(secrets.choice(_LETTERS + _DIGITS) for _ in range(3))
            if not (exists(self._path(id_)) or exists(self._journals / f"{id_}.jsonl")):
                return id_

    def save(self, rule: _R, expected: int | None = None) -> _R:
        """Write a rule and return it with its new revision.

        ``expected`` is the revision that was edited, None for a new rule. Raises ConflictError where it has changed
        since, NotFoundError where it was deleted, InvalidError for a rule that cannot be written.
        """
        if not _ID.fullmatch(rule.id):
            raise InvalidError(f"{clean(rule.id)} is no id of a rule.", fields={"id": "must be letters and digits"})
        written = replace(rule, revision=(expected or 0) + 1)
        text = _dump(written)
        own_directory(self.directory)
        own_directory(self._rules)
        with locked(self._lock):
            self._check(rule.id, expected)
            path = self._path(rule.id)
            try:
                write_private(path, text)
                sync_directory(self._rules)
            except OSError as error:
                raise unusable(path, error) from None
        return written

    def delete(self, id_: str, expected: int) -> None:
        """Delete a rule of which this revision was seen; its journal stays. Raises as :meth:`save` does."""
        with locked(self._lock):
            self._check(id_, expected)
            try:
                self._path(id_).unlink()
                sync_directory(self._rules)
            except OSError as error:
                raise unusable(self._path(id_), error) from None

    def _check(self, id_: str, expected: int | None) -> None:
        path = self._path(id_)
        try:
            now: int | None = self._load(path, id_).revision
        except FileNotFoundError:
            now = None
        except (OSError, ValueError) as error:
            raise RuleFileError(f"{clean(str(path))}: {reason_of(error)}.", hint="The file is unchanged.") from None
        if now == expected:
            return
        if now is None:
            raise NotFoundError(f"The rule {id_} was deleted by another session.", hint="Nothing was changed.")
        if expected is None:
            raise ConflictError(f"There is a rule {id_} already.", hint="Use another id.")
        raise ConflictError(
            f"The rule {id_} was changed by another session meanwhile.",
            hint="Nothing was changed: look at it, then edit it again.",
        )

    def _path(self, id_: str) -> Path:
        return self._rules / f"{id_}{_SUFFIX}"

    def _load(self, path: Path, id_: str) -> Rule:
        """Read one file; raises OSError, or ValueError with what is wrong."""
        descriptor = open_private(path, os.O_RDONLY)
        with os.fdopen(descriptor, "rb") as stream:
            if (owner := os.fstat(descriptor).st_uid) != os.geteuid():
                raise ValueError(f"it belongs to another user (uid {owner})")
            data = stream.read(_LONGEST + 1)
        if len(data) > _LONGEST:
            raise ValueError("it is too long for a rule")
        rule = _parse(data)
        if rule.id != id_:
            raise ValueError(f"it contains the rule {clean(rule.id)}")
        return rule


def _is_name(name: str) -> bool:
    return name.endswith(_SUFFIX) and not name.startswith(".")


def _dump(rule: Rule) -> str:
    """Return the text of a file; raises InvalidError where it would not be read back as it is."""
    name = next(name for name, model in _TYPES.items() if isinstance(rule, model))
    text = json.dumps({"format": FORMAT, "type": name, "rule": to_plain(rule)}, indent=1, ensure_ascii=False) + "\n"
    try:
        same = _parse(text.encode()) == rule
    except ValueError:
        same = False
    if not same:
        problem = "contains a character or a number that cannot be kept in a file"
        raise InvalidError(f"The rule {problem}.", hint="Nothing was saved.", fields={"rule": problem})
    return text


def _parse(data: bytes) -> Rule:
    try:
        plain = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is damaged: {error}") from None
    if not isinstance(plain, dict) or type(plain.get("format")) is not int:
        raise ValueError("it is no rule of gputui")
    model = _TYPES.get(str(plain.get("type")))
    if plain["format"] != FORMAT or model is None:
        raise ValueError("it was written by a newer gputui")
    inner = plain.get("rule")
    if not isinstance(inner, dict):
        raise ValueError("it is damaged: it has no rule")  # noqa: TRY004  (one kind of error for unusable data)
    try:
        rule: Rule = from_plain(model, inner)
    except ValueError as error:
        raise ValueError(f"it is damaged: {error}") from None
    # A limit that this release does not know must not be passed over.
    if unknown := _unknown(inner, to_plain(rule)):
        raise ValueError(f"it was written by a newer gputui: {clean(unknown)} is not known")
    return rule


def _unknown(data: Any, known: Any, at: str = "") -> str:
    """Return the place of the first key that is not known; '' where all are."""
    if isinstance(data, dict) and isinstance(known, dict):
        for key, value in data.items():
            if key not in known:
                return f"{at}{key}"
            if found := _unknown(value, known[key], f"{at}{key}."):
                return found
    if isinstance(data, list) and isinstance(known, list):
        return next(filter(None, (_unknown(one, other, at) for one, other in zip(data, known, strict=False))), "")
    return ""
