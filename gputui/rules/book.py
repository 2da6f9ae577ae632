"""All rules with what came of them: read with their journals, and edited. Blocks for the disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from gputui.errors import ConfigError, ConflictError, InvalidError, JournalError
from gputui.formatting import format_time
from gputui.late_dataclasses import dataclass
from gputui.models import Ref
from gputui.models.leases import Lease, LeaseAction, LeaseEntry, LeaseState
from gputui.models.rules import Rule, RuleState, RuleStatus, Watch
from gputui.models.serialize import rows_from_plain
from gputui.rules.files import RuleFiles
from gputui.rules.journal import Entry, Journal
from gputui.rules.lease_book import LeaseBook
from gputui.rules.lease_log import fold
from gputui.rules.orders import UNSETTLED, Orders
from gputui.rules.status import KIND, status_of

_LEASE_STATES: Mapping[LeaseState, RuleState] = {
    LeaseState.WAITING: RuleState.WAITING,
    LeaseState.ENDS_SOON: RuleState.WAITING,
    LeaseState.UNKNOWN: RuleState.UNKNOWN,
    LeaseState.CHECKING: RuleState.CHECKING,
    LeaseState.RETRYING: RuleState.CHECKING,
    LeaseState.DONE: RuleState.DONE,
    LeaseState.ENDED: RuleState.STOPPED,
}


@dataclass(frozen=True, slots=True)
class RulesNow:
    """The rules there are. ``problems`` are files that cannot be used; ``agent``: whether one follows them."""

    rows: Sequence[RuleStatus] = ()
    problems: Sequence[str] = ()
    agent: bool = False


class RuleBook:
    """Reads and edits the rules in the agent's directory. Methods raise GputuiError.

    ``scope`` is the configuration file of the accounts: rules of another one are left out.
    """

    def __init__(self, folder: Path, scope: str) -> None:
        self.files = RuleFiles(folder)
        self.scope = scope
        self._journal: Journal[Entry] = Journal(folder, Entry)
        self._leases: Journal[LeaseEntry] = Journal(folder, LeaseEntry)

    def read(self, now: datetime, answer: Any = None) -> RulesNow:
        """Read all rules. ``answer`` is the agent's to ``rules.status``, None where none runs."""
        live: dict[str, RuleStatus] = {}
        try:
            rows = rows_from_plain(RuleStatus, answer) if answer is not None else []
        except ValueError:
            rows = []  # of another release
        live = {row.ref.id: row for row in rows}
        found = self.files.read()
        mine = [rule for rule in found.rules.values() if rule.scope in ("", self.scope) and not _is_removed(rule)]
        mine.sort(key=lambda rule: rule.created)
        return RulesNow(
            [live.get(rule.id) or self.status(rule, now) for rule in mine],
            [problem.why for problem in found.problems],
            answer is not None,
        )

    def status(self, rule: Rule, now: datetime) -> RuleStatus:
        """Return a rule as its journal says, without what an agent waits for."""
        if isinstance(rule, Lease):
            return self._lease(rule)
        try:
            return status_of(rule, self.orders(rule.id), None, now)
        except JournalError as error:
            return status_of(rule, Orders(), None, now, problem=str(error))

    def orders(self, id_: str) -> Orders:
        """Return what the journal of a watch says."""
        return Orders(self._journal.entries(id_))

    def _lease(self, lease: Lease) -> RuleStatus:
        problem = text = ""
        at: datetime | None = None
        state = RuleState.WAITING
        lines: list[str] = []
        try:
            entries = self._leases.entries(lease.id)
        except JournalError as error:
            state, problem, text = RuleState.FAILED, str(error), error.message
        else:
            log = fold(lease, entries)
            state = _LEASE_STATES[log.state] if log.over is not None else RuleState.WAITING
            lines = [f"{one.at:%Y-%m-%d %H:%M:%SZ} {one.what.value} {one.text}".rstrip() for one in entries]
            if entries:
                at, text = entries[-1].at, entries[-1].text or entries[-1].what.value
        return RuleStatus(
            Ref(lease.ref.account, KIND, lease.id),
            "lease",
            _lease_words(lease),
            state,
            accounts=(lease.ref.account,),
            refs=(lease.ref,),
            answer=text,
            at=at,
            next_at=None if state.over else lease.until,
            user=lease.user,
            created=lease.created,
            note=lease.note,
            lines=tuple(lines),
            problem=problem,
        )

    # Edits.

    def watch(self, id_: str) -> Watch:
        """Return a watch to be edited; raises ConfigError for a lease."""
        rule = self.files.get(id_)
        if isinstance(rule, Lease):
            raise ConfigError(
                f"The rule {id_} is a lease, of {rule.ref}.", hint=f"gputui lease {rule.ref} shows and edits it."
            )
        return rule

    def pause(self, watch: Watch, *, paused: bool) -> Watch:
        """Let a watch send and say nothing, or let it continue."""
        self._must_be_open(watch)
        if watch.paused == paused:
            return watch
        return self.files.save(replace(watch, paused=paused), watch.revision)

    def edit(self, watch: Watch, edited: Watch) -> Watch:
        """Save an edited watch. Raises ConflictError where another session has changed it since."""
        self._must_be_open(watch)
        return self.files.save(edited, watch.revision)

    def delete(self, rule: Rule, *, force: bool = False) -> None:
        """Delete a rule. One with a request whose outcome is not known is refused, unless ``force``."""
        if isinstance(rule, Watch) and not force:
            open_ = [record.intent.name for record in self._settled(rule).of(UNSETTLED)]
            if open_:
                raise ConflictError(
                    f"The rule {rule.id} still follows {', '.join(open_)}.",
                    hint=f"Pause it (gputui rules pause {rule.id}) and delete it later, or use --force.",
                )
        if isinstance(rule, Lease):
            LeaseBook(self.files.directory, self.scope).remove(rule)  # the agent ends what is armed inside first
        else:
            self.files.delete(rule.id, rule.revision)

    def _settled(self, watch: Watch) -> Orders:
        try:
            orders = self.orders(watch.id)
        except JournalError:
            return Orders()
        return orders if orders.over is None else Orders()

    def _must_be_open(self, watch: Watch) -> None:
        over = self.orders(watch.id).over
        if over is not None:
            raise ConflictError(f"The rule {watch.id} is over: {over.text}", hint="Make a new one.")


def _is_removed(rule: Rule) -> bool:
    """Return whether the user has removed a rule of which the agent still has to end something."""
    return isinstance(rule, Lease) and rule.removed


def matching_ids(texts: Collection[str], known: Sequence[str]) -> list[str]:
    """Return the ids that texts name; raises InvalidError for one that is no rule's."""
    for text in texts:
        if text not in known:
            there = f"There are: {', '.join(known)}." if known else "There are no rules."
            raise InvalidError(f"There is no rule {text}.", hint=there)
    return list(dict.fromkeys(texts))


def _lease_words(lease: Lease) -> str:
    verb = "stop" if lease.action is LeaseAction.STOP else "release"
    ends = []
    if lease.until is not None:
        ends.append(f"at {format_time(lease.until)}")
    if lease.idle is not None:
        ends.append(f"when idle for {lease.idle} min")
    return f"{verb} {lease.name or lease.ref.id} {' or '.join(ends)}"
