"""The configuration, its accounts, a fleet of them, and the lists that commands read from it."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from copy import copy
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gputui.cli.output import notify, report_error
from gputui.cli.program import config_file
from gputui.config.paths import history_path, state_dir
from gputui.errors import AccountDeniedError, ConfigError, ExitCode, GputuiError, UnknownOutcomeError
from gputui.late_dataclasses import dataclass
from gputui.models import AccountInfo, Coverage, FeedState, Resource, Row
from gputui.redaction import as_failure

if TYPE_CHECKING:
    from gputui.config.loader import Account, Config
    from gputui.config.sections import Polling
    from gputui.fleet import Fleet
    from gputui.history.history import History

_T = TypeVar("_T")


_SLOW_SECONDS = 5.0
"""How long a list is waited for without a word."""


def load(args: argparse.Namespace) -> Config:
    """Load the configuration that the command line names; raises ConfigError."""
    from gputui.config.loader import load_config

    return load_config(Path(args.config) if args.config else None, read_only=args.read_only)


def choose(config: Config, names: Sequence[str]) -> dict[str, Account]:
    """Return the accounts named, or all; raises ConfigError for a name that is not there."""
    if not names:
        return dict(config.accounts)
    return {name: account(config, name) for name in names}


def account(config: Config, name: str) -> Account:
    """Return one account by name; raises ConfigError when there is none of that name."""
    if name not in config.accounts:
        raise ConfigError(
            f"There is no account {name!r} in the configuration.", hint=f"It has: {', '.join(config.accounts)}."
        )
    return config.accounts[name]


@contextmanager
def open_history() -> Iterator[History]:
    """Open the history and audit log in the state directory, and close it at the end."""
    from gputui.history.history import History

    history = History(history_path(state_dir()))
    try:
        yield history
    finally:
        history.close()


def new_fleet(
    accounts: Mapping[str, Account], *, history: History | None = None, polling: Polling | None = None
) -> Fleet:
    """Return a fleet that is not started; without ``polling`` it requests only the lists that are read."""
    from gputui.api import open_backend
    from gputui.fleet import Fleet

    return Fleet(accounts, open_backend=open_backend, history=history, polling=polling)


@asynccontextmanager
async def shared_requests(fleet: Fleet, config: Config, args: argparse.Namespace) -> AsyncIterator[None]:
    """Let a fleet that polls share its requests with other sessions, where an agent runs: none is started.

    What was asked before the command is no answer: it may follow a change, and look for its effect.
    """
    from gputui.agent.start import AgentPlan, is_enabled

    if not (is_enabled() and config.agent.enabled):
        yield
        return
    from gputui.agent.link import Link

    link = Link(state_dir(), AgentPlan(config_file(args), (), starts=False))
    try:
        await link.open()
        link.serve(fleet, fresh=True)
        yield
    finally:
        await link.aclose()


@asynccontextmanager
async def open_fleet(accounts: Mapping[str, Account]) -> AsyncIterator[Fleet]:
    """Start a fleet for a command that changes nothing: every list is requested once, when it is read.

    At the end a wrong clock of this machine is reported.
    """
    fleet = new_fleet(accounts)
    try:
        await fleet.start()
        yield fleet
        if warning := fleet.clock_warning():
            notify(f"gputui: {warning}")
    finally:
        await fleet.aclose()


def with_fleet(accounts: Mapping[str, Account], work: Callable[[Fleet], Awaitable[_T]]) -> _T:
    """Do work with such a fleet, and return its result."""

    async def run() -> _T:
        async with open_fleet(accounts) as fleet:
            return await work(fleet)

    return asyncio.run(run())


@contextmanager
def command_fleet(
    accounts: Mapping[str, Account], *, dry_run: bool = False
) -> Iterator[tuple[asyncio.Runner, Fleet]]:
    """Start a fleet for a command that changes something, with history and audit log unless it is a dry run.

    The runner's loop does not run between its calls, so that a question to the user can be interrupted.
    A problem of the history is reported at the end: the change itself may have been made.
    """
    with nullcontext() if dry_run else open_history() as history, asyncio.Runner() as runner:
        fleet = new_fleet(accounts, history=history)
        try:
            runner.run(fleet.start())
            yield runner, fleet
        except KeyboardInterrupt:
            if fleet.mutations.cancelled:
                raise _not_waited_for(fleet) from None
            raise
        finally:
            runner.run(fleet.aclose())
            if history is not None and history.problem:
                notify(f"gputui: {history.problem}")


def _not_waited_for(fleet: Fleet) -> UnknownOutcomeError:
    """Return the error that names the changes whose answers were not awaited."""
    things = ", ".join(f"{action.value} {ref}" for ref, action in fleet.mutations.cancelled)
    return UnknownOutcomeError(
        f"interrupted: the answer to {things} was not awaited; the server may still finish it.",
        hint="Check the list before you try again.",
    )


@dataclass(slots=True)
class Listing:
    """Lists of several accounts: the rows that were read, and which accounts failed and why."""

    rows: list[Row] = field(default_factory=list)
    failures: list[tuple[str, GputuiError]] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    """The accounts whose servers have none of these lists."""
    answered: set[str] = field(default_factory=set)
    """The accounts of which something could be read."""
    config_problems: list[tuple[str, str]] = field(default_factory=list)
    """Probable mistakes in the configuration of accounts whose lists are whole."""
    old: dict[str, datetime] = field(default_factory=dict)
    """The accounts with rows of an earlier reading, as the last one failed, and the time of the oldest of them."""

    def drop_denials(self, named: Collection[str]) -> None:
        """Drop the denials of accounts that are not ``named``: they have no such rows, so that nothing is missing."""
        self.failures = [
            (account, error)
            for account, error in self.failures
            if account in named or not isinstance(error, AccountDeniedError)
        ]

    def report(self, named: Collection[str] | None = None) -> ExitCode:
        """Report the failures, the same one once, and return the worst of their exit statuses.

        With ``named``, the accounts that the user named, it is no failure that another account may not use the list
        at all, where one answered. Without it each failure counts.
        """
        once = {(account, str(error)): error for account, error in self.failures}
        worst = ExitCode.OK
        for account, problem in self.config_problems:
            notify(f"gputui: {account}: {problem}.")
        for (account, _), error in once.items():
            status = report_error(error, about=account)
            known = isinstance(error, AccountDeniedError) and named is not None and account not in named
            if not (known and self.answered):
                worst = max(worst, status)
        return worst

    def report_unsupported(self, named: Collection[str], nouns: str) -> None:
        """Report the accounts that the user named and that have no such list."""
        for name in self.unsupported:
            if name in named:
                notify(f"gputui: {name}: the server has no {nouns}.")


async def read(fleet: Fleet, resources: Iterable[Resource], accounts: Iterable[str] | None = None) -> Listing:
    """Read these lists of these accounts, or of all; rows are in the order of ``resources``, then of the accounts.

    An account that may not use one of them, and answers another one, has no such rows: that is no failure.
    """
    wanted = list(dict.fromkeys(resources))
    names = list(fleet.accounts if accounts is None else accounts)
    slow = asyncio.create_task(_report_slow(fleet, wanted, names))
    try:
        await fleet.read(wanted, names)
    finally:
        slow.cancel()
    return listed(fleet, wanted, names)


async def _report_slow(fleet: Fleet, wanted: Sequence[Resource], names: Sequence[str]) -> None:
    """Name the accounts that are still waited for after a while: a server may take a request and be silent."""
    await fleet.clock.sleep(_SLOW_SECONDS)
    silent = [
        name
        for name in names
        if any(
            fleet.runtime(name).lists(resource) and fleet.feed(name, resource).state is FeedState.LOADING
            for resource in wanted
        )
    ]
    if silent:
        notify(f"gputui: waiting for {', '.join(silent)} …")


def listed(fleet: Fleet, wanted: Sequence[Resource], names: Sequence[str]) -> Listing:
    """Return lists as they were read last, in the order of :func:`read`."""
    listing = Listing()
    for name in names:
        if (failure := fleet.runtime(name).open_error) is not None:
            listing.failures.append((name, failure))
        elif not any(fleet.runtime(name).lists(resource) for resource in wanted):
            listing.unsupported.append(name)
        listing.config_problems += [(name, problem) for problem in fleet.runtime(name).config_problems]
    for resource in wanted:
        for name in names:
            if not fleet.runtime(name).lists(resource):
                continue
            feed = fleet.feed(name, resource)
            if (failure := feed.error or feed.lacking) is not None and not _has_none(fleet, name, failure, wanted):
                listing.failures.append((name, failure))
            if feed.state is FeedState.FRESH:
                listing.answered.add(name)
            if feed.coverage & Coverage.STALE and feed.fetched_at is not None:
                listing.old[name] = min(feed.fetched_at, listing.old.get(name, feed.fetched_at))
            listing.rows.extend(fleet.rows(resource, name).values())
    return listing


def _has_none(fleet: Fleet, account: str, failure: GputuiError, wanted: Collection[Resource]) -> bool:
    """Return whether a failure says only that an account has no rows of one list, since it may not use it."""
    return isinstance(failure, AccountDeniedError) and any(
        fleet.feed(account, resource).state is FeedState.FRESH
        for resource in wanted
        if fleet.runtime(account).lists(resource)
    )


def about_account(name: str, error: GputuiError) -> GputuiError:
    """Return an account's failure with its name before the message."""
    if error.message.startswith(name):
        return error
    named = copy(error)
    named.message = f"{name}: {error.message}"
    return named


def report_problems(rows: Iterable[Row], failures: Iterable[tuple[str, GputuiError]] = ()) -> None:
    """Report why rows could not be read in full, without what the failures of their accounts say."""
    said = [(account, str(error)) for account, error in failures]
    for row in rows:
        problem: str = getattr(row, "problem", None) or ""
        if problem and not any(account == row.ref.account and problem.rstrip(".") in text for account, text in said):
            notify(f"gputui: {row.ref}: {problem}")


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of checking one account; ``latency`` is that of its cheapest request, in seconds."""

    account: Account
    latency: float | None = None
    info: AccountInfo | None = None
    error: GputuiError | None = None


def check_accounts(accounts: Mapping[str, Account]) -> list[Finding]:
    """Ask every account's server at once for its version, identity, quota and latency."""
    return with_fleet(accounts, lambda fleet: asyncio.gather(*(_check(fleet, name) for name in accounts)))


async def _check(fleet: Fleet, name: str) -> Finding:
    account = fleet.accounts[name]
    try:
        backend = fleet.runtime(name).backend
        await backend.identify()
        begun = time.monotonic()
        await backend.identify()
        latency = time.monotonic() - begun
        return Finding(account, latency, await backend.account_info())
    except Exception as error:  # noqa: BLE001  (a fault in one account must not end the check of the others)
        return Finding(account, error=as_failure(error, f"{name}: the check"))
