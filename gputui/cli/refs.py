"""The rows that full and shortened REFs of the command line name."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING

from gputui.cli import session
from gputui.cli.output import notify
from gputui.cli.session import Listing
from gputui.errors import ConfigError, ConflictError, ExitCode, GputuiError, IncompleteError, NotFoundError
from gputui.late_dataclasses import dataclass
from gputui.models import NAMED, Block, Ref, Resource, Row
from gputui.presentation.actions import candidates

if TYPE_CHECKING:
    from gputui.config.loader import Account
    from gputui.fleet import Fleet

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Match:
    """The row that a REF names. ``whole``: it was a full name or id, not a part of one, and is unambiguous."""

    text: str
    row: Row
    whole: bool

    @property
    def ref(self) -> Ref:
        """The Ref of the row."""
        return self.row.ref


def accounts_for(texts: Sequence[str], accounts: Sequence[str]) -> list[str]:
    """Return the accounts to read to find all of ``texts``: those named in them, otherwise all."""
    named = [text.partition("/")[0] for text in texts if "/" in text]
    if len(named) == len(texts) and all(name in accounts for name in named):
        return [name for name in accounts if name in named]
    return list(accounts)


def accounts(args: argparse.Namespace, texts: Sequence[str]) -> dict[str, Account]:
    """Return the accounts of the configuration to read to find all of ``texts``; raises ConfigError."""
    configured = session.load(args).accounts
    return {name: configured[name] for name in accounts_for(texts, list(configured))}


async def find(
    fleet: Fleet,
    texts: Sequence[str],
    searched: Sequence[Resource],
    *,
    only: str = "",
    certain: bool = False,
    login: bool = False,
    accounts: Collection[str] | None = None,
) -> tuple[list[Match], ExitCode]:
    """Read the lists ``searched``, report their failures, and find the row that each text names.

    Returns the exit status of the failures, too. With ``only``, such as ``only deployments can be scaled``, a row
    of another kind with such a name is refused by a ConflictError. ``accounts`` limits the accounts that are read,
    unless nothing is found. That an account may not use a list is no failure, unless a text names the account: it has
    no such rows. ``certain``: see :func:`resolve`. ``login``: it is for an SSH login, and no list is read for full
    Refs of instances that the configuration names: others may not answer. Raises the failure of an account that a
    text names when nothing of it could be read.
    """
    if login and (named := await _named(fleet, texts)) is not None:
        return named, ExitCode.OK
    if (infos := await _accounts(fleet, texts)) is not None:
        return infos, ExitCode.OK
    listing = await session.read(fleet, searched, accounts)
    failures = dict(reversed(listing.failures))
    for text in texts:
        name, slash, _ = text.partition("/")
        if slash and name in failures and name not in listing.answered:
            raise session.about_account(name, failures[name])
    listing.drop_denials({text.partition("/")[0] for text in texts if "/" in text})
    status = listing.report()
    try:
        return resolve(texts, listing, certain=certain), status
    except NotFoundError as error:
        if only:
            unread = [resource for resource in NAMED if accounts is not None or resource not in searched]
            refusal = _of_another_kind(texts, listing, await session.read(fleet, unread), only)
            if refusal is not None:
                raise refusal from error
        raise


async def _named(fleet: Fleet, texts: Sequence[str]) -> list[Match] | None:
    """Return the instances that the configuration names, if each text is the full Ref of one."""
    found: dict[Ref, Match] = {}
    for text in texts:
        ref = full_ref(fleet, text)
        row = None if ref is None else await fleet.named_instance(ref)
        if row is None:
            return None
        found[row.ref] = Match(text, row, whole=True)
    return list(found.values())


async def _accounts(fleet: Fleet, texts: Sequence[str]) -> list[Match] | None:
    """Return the accounts themselves, if each text is the full Ref of one: no list has them."""
    named = [full_ref(fleet, text) for text in texts]
    if not all(ref is not None and fleet.resource_of(ref) is Resource.ACCOUNTS for ref in named):
        return None
    found = [await fleet.account_info(ref.account) for ref in named if ref is not None]
    return [Match(text, info, whole=True) for text, info in zip(texts, found, strict=True)]


def full_ref(fleet: Fleet, text: str) -> Ref | None:
    """Read a full Ref of a kind of an account; None for any other text."""
    try:
        ref = Ref.parse(text)
        return ref if ref.kind in fleet.kinds(ref.account) else None
    except (ValueError, NotFoundError):
        return None


def report_shortened(matches: Sequence[Match]) -> None:
    """Report the rows of shortened names."""
    for match in matches:
        if not match.whole:
            notify(f"{match.text} is {match.ref}")


def resolve(texts: Sequence[str], listing: Listing, *, certain: bool = False) -> list[Match]:
    """Find the row that each text names among the listed ones, without duplicates. Does not report the failures.

    Raises ConfigError with the candidates, NotFoundError with similar names, or an error of the kind of the
    failure of an account that could not be read and may have the row. ``certain`` refuses a text that may name a row
    of such an account too: only a full Ref is accepted, or one with the name of an account that answered.
    """
    found: dict[Ref, Match] = {}
    for text in texts:
        match = _resolve_one(text, listing)
        silent = _silent(match, listing)
        if silent and certain:
            raise _unanswered(
                listing, f"{text!r} may be in {_and(silent)} too, which could not be asked.", f"Name it: {match.ref}"
            )
        known = found.setdefault(match.ref, Match(text, match.row, match.whole and not silent))
        if match.whole and not silent and not known.whole:
            found[match.ref] = match
    return list(found.values())


def _of_another_kind(texts: Sequence[str], listing: Listing, others: Listing, only: str) -> ConflictError | None:
    known = {name for row in listing.rows for name in names_of(row)}
    for text in texts:
        kinds = {row.ref.kind for row in others.rows if text in names_of(row)}
        if kinds and text not in known:
            return ConflictError(f"{text} is {_and([_with_article(kind) for kind in sorted(kinds)])}; {only}.")
    return None


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun.upper() if noun == 'vm' else noun}"


def _silent(match: Match, listing: Listing) -> list[str]:
    """Return the accounts that did not answer and may have another row that the text names."""
    silent = list(
        dict.fromkeys(
            account
            for account, error in listing.failures
            if not (isinstance(error, IncompleteError) and error.all_named)
        )
    )
    named = match.text.partition("/")[0]
    if match.text == str(match.ref) or (named == match.ref.account and "/" in match.text and named not in silent):
        return []
    return silent


def _unanswered(listing: Listing, message: str, hint: str = "") -> GputuiError:
    """Return an error of the kind of the first failure, with its exit status."""
    error = copy(listing.failures[0][1])
    error.message, error.hint, error.request_id = message, hint, ""
    return error


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _resolve_one(text: str, listing: Listing) -> Match:
    names = {row.ref: names_of(row) for row in listing.rows}
    rows = {row.ref: row for row in listing.rows}
    for whole, fits in (
        (True, [ref for ref in rows if str(ref) == text]),
        (True, [ref for ref, known in names.items() if text in known]),
        (False, _containing(text, names)),
    ):
        if len(fits) == 1:
            return Match(text, rows[fits[0]], whole)
        if fits:
            problems = candidates([rows[ref] for ref in fits], _SHOWN)
            raise ConfigError(f"{text!r} matches several rows; name one of:", problems=problems)
    if listing.failures:
        silent = list(dict.fromkeys(account for account, _ in listing.failures))
        raise _unanswered(listing, f"{text!r} was not found, and {_and(silent)} could not be asked.")
    raise _not_found(text, names)


def names_of(row: Row) -> set[str]:
    """Return all full names of a row: its id and name, alone, with the kind, with the account."""
    ref = row.ref
    name = row.host if isinstance(row, Block) else getattr(row, "name", None)
    return {
        form
        for word in (ref.id, name, *getattr(row, "aliases", ()))
        if isinstance(word, str) and word
        for form in (word, f"{ref.kind}/{word}", f"{ref.account}/{word}", f"{ref.account}/{ref.kind}/{word}")
    }


def _containing(text: str, names: Mapping[Ref, set[str]]) -> list[Ref]:
    """Return the rows with a name that starts with the text or, when there are none, contains it."""
    if not text:
        return []
    starts = [ref for ref, known in names.items() if any(name.startswith(text) for name in known)]
    return starts or [ref for ref, known in names.items() if any(text in name for name in known)]


def _not_found(text: str, names: Mapping[Ref, set[str]]) -> NotFoundError:
    spellings = {name for known in names.values() for name in known}
    close = set(difflib.get_close_matches(text, spellings, n=9, cutoff=0.6))
    near = {str(ref) for ref, known in names.items() if known & close}
    if near:
        hint = f"Near: {', '.join(sorted(near)[:5])}."
    elif names:
        hint = "`gputui get KIND` lists them: instances, deployments, …"
    else:
        hint = "There is nothing of that kind."
    return NotFoundError(f"No match for {text!r}.", hint=hint)
