"""What commands share: the configuration, the accounts meant, lists fetched from several accounts at once."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gputui.cli.output import say
from gputui.config.paths import history_path, state_dir
from gputui.errors import AccountDeniedError, ConfigError, ExitCode, GputuiError, UnknownOutcomeError
from gputui.models import FeedState, Resource, Row

if TYPE_CHECKING:
    from gputui.api.capabilities import Backend
    from gputui.config.loader import Account, Config
    from gputui.fleet import Fleet
    from gputui.history.history import History


@dataclass(slots=True)
class Listing:
    """One kind of row over several accounts: what could be read, and which accounts failed and how."""

    rows: list[Row] = field(default_factory=list)
    failures: list[tuple[str, GputuiError]] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    """The accounts of which something could be read."""
    clock_warning: str = ""

    def report(self, named: Collection[str] | None = None) -> ExitCode:
        """Say the failures on stderr, the same one once, and return the worst of their exit statuses.

        With ``named``, the accounts that the user named: that any other account may not use the list at all is no
        failure where some account answered. Without it each failure counts.
        """
        from gputui.cli.output import report_error

        if self.clock_warning:
            say(f"gputui: {self.clock_warning}")
        once = {(account, str(error)): error for account, error in self.failures}
        worst = ExitCode.OK
        for (account, _), error in once.items():
            status = report_error(error, about=account)
            known = isinstance(error, AccountDeniedError) and named is not None and account not in named
            if not (known and self.answered):
                worst = max(worst, status)
        return worst


def say_problems(rows: Sequence[Row]) -> None:
    """Say on stderr why rows could not be read in full."""
    for row in rows:
        problem = getattr(row, "problem", None)
        if problem:
            say(f"gputui: {row.ref}: {problem}")


def load(args: argparse.Namespace) -> Config:
    """Load the configuration that the command line means; raises ConfigError."""
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


@asynccontextmanager
async def backends(accounts: Mapping[str, Account]) -> AsyncIterator[dict[str, Backend | GputuiError]]:
    """Open a back end for every account and close them at the end; an account that cannot be opened is its error."""
    from gputui.api import open_backend

    opened: dict[str, Backend | GputuiError] = {}
    async with AsyncExitStack() as stack:
        for name, entry in accounts.items():
            try:
                backend = open_backend(entry)
            except Exception as error:  # noqa: BLE001  (one account's fault is its own)
                opened[name] = failure_of(error, f"{name}: opening it")
            else:
                stack.push_async_callback(backend.aclose)
                opened[name] = backend
        yield opened


async def list_rows(opened: Mapping[str, Backend | GputuiError], resource: Resource) -> Listing:
    """List one resource over all accounts at once; a failing account spoils nothing but its own part."""
    from gputui.api.http.rows import incomplete

    listing = Listing()
    answers = await asyncio.gather(*(_list_one(backend, resource) for backend in opened.values()))
    for name, answer in zip(opened, answers, strict=True):
        if answer is None:
            listing.unsupported.append(name)
        elif isinstance(answer, GputuiError):
            listing.failures.append((name, answer))
        else:
            listing.rows.extend(answer)
            listing.answered.add(name)
            if (lacking := incomplete(name, resource, answer)) is not None:
                listing.failures.append((name, lacking))
    listing.clock_warning = warn_of_clock(opened)
    return listing


async def list_several(opened: Mapping[str, Backend | GputuiError], resources: Iterable[Resource]) -> Listing:
    """List several resources over all accounts at once; an account counts as without them when it has none."""
    parts = await asyncio.gather(*(list_rows(opened, resource) for resource in resources))
    listing = Listing()
    for part in parts:
        listing.rows += part.rows
        listing.failures += part.failures
        listing.answered |= part.answered
    listing.unsupported = [name for name in opened if all(name in part.unsupported for part in parts)]
    listing.clock_warning = next((part.clock_warning for part in parts if part.clock_warning), "")
    return listing


def warn_of_clock(opened: Mapping[str, Backend | GputuiError]) -> str:
    """Return what is to be said of this machine's clock, by those of the servers that have answered."""
    from gputui.api.http.server_clock import clock_warning

    backends = {name: each for name, each in opened.items() if not isinstance(each, GputuiError)}
    return clock_warning({name: backend.clock_ahead for name, backend in backends.items()})


async def _list_one(backend: Backend | GputuiError, resource: Resource) -> Sequence[Row] | GputuiError | None:
    if isinstance(backend, GputuiError):
        return backend
    lister = backend.listers.get(resource)
    if lister is None:
        return None
    try:
        return await lister()
    except Exception as error:  # noqa: BLE001  (one account's fault is its own)
        return failure_of(error, f"{backend.account}: reading {resource}")


def failure_of(error: Exception, what: str) -> GputuiError:
    """Return an account's failure as it is said: as it is, or a fault inside gputui in ``what`` was being done."""
    if isinstance(error, GputuiError):
        return error
    from gputui.redaction import inner_failure

    return inner_failure(what, error)


@contextmanager
def open_history() -> Iterator[History]:
    """Open the history and audit log in the state directory, and close it at the end."""
    from gputui.history.history import History

    history = History(history_path(state_dir()))
    try:
        yield history
    finally:
        history.close()


@contextmanager
def command_fleet(config: Config, accounts: Mapping[str, Account]) -> Iterator[tuple[asyncio.Runner, Fleet]]:
    """Start the fleet for one command: what changes something goes through it, for its audit log and its care.

    The runner's loop stands still between its calls, so that a question to the person can be interrupted.
    What could not be kept of the history is said at the end: the change itself may have been made.
    """
    from gputui.api import open_backend
    from gputui.fleet import Fleet

    with open_history() as history, asyncio.Runner() as runner:
        fleet = Fleet(accounts, open_backend=open_backend, history=history, polling=config.polling)
        try:
            runner.run(fleet.start())
            yield runner, fleet
        except KeyboardInterrupt:
            if fleet.mutations.cancelled:
                raise _not_waited_for(fleet) from None
            raise
        finally:
            runner.run(fleet.aclose())
            if history.problem:
                say(f"gputui: {history.problem}")


def _not_waited_for(fleet: Fleet) -> UnknownOutcomeError:
    """Say of which changes the answer was not waited for, whatever the command was."""
    things = ", ".join(f"{action.value} {ref}" for ref, action in fleet.mutations.cancelled)
    return UnknownOutcomeError(
        f"interrupted: the answer to {things} is no longer awaited; the server may still finish it.",
        hint="Look before you try again.",
    )


async def fleet_rows(fleet: Fleet, resources: Iterable[Resource], accounts: Iterable[str] | None = None) -> Listing:
    """Wait until these accounts, or all, have answered for these resources, or failed to; return what there is."""
    answered = asyncio.Event()
    unsubscribe = fleet.subscribe_feeds(answered.set)
    waited_for = list(fleet.accounts if accounts is None else accounts)
    wanted = [(account, resource) for resource in resources for account in waited_for]
    fleet.watch({resource for _, resource in wanted})
    try:
        while any(_awaited(fleet, account, resource) for account, resource in wanted):
            answered.clear()
            await answered.wait()
    finally:
        unsubscribe()
    listing = Listing()
    for account, resource in wanted:
        feed = fleet.feed(account, resource)
        error = feed.error or feed.lacking
        if (denial := fleet.runtime(account).denial(resource)) is not None:
            listing.failures.append((account, denial))
        elif not fleet.supports(account, resource):
            listing.unsupported.append(account)
        elif error is not None:
            listing.failures.append((account, error))
    for resource in dict.fromkeys(resource for _, resource in wanted):
        listing.rows.extend(fleet.rows(resource).values())
    return listing


def _awaited(fleet: Fleet, account: str, resource: Resource) -> bool:
    feed = fleet.feed(account, resource)
    return feed.state is FeedState.LOADING and fleet.supports(account, resource)
