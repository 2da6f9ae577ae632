"""``gputui describe``: all that is known of one thing, or of an account."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gputui.cli import refs, session
from gputui.cli.output import Plain, cell_width, say
from gputui.errors import ExitCode, GputuiError, NotFoundError
from gputui.formatting import format_bytes, format_duration, format_money
from gputui.models import Block, Deployment, Instance, Money, Package, Ref, Resource, Row, Task, Volume
from gputui.models.serialize import from_plain, to_plain
from gputui.presentation.columns.blocks import time_left
from gputui.presentation.columns.offers import hours_text
from gputui.presentation.deployments import cuda_text
from gputui.presentation.prices import price_sentence
from gputui.presentation.tasks import indented, took_text

if TYPE_CHECKING:
    from gputui.api.capabilities import Backend
    from gputui.config.loader import Config
    from gputui.fleet import Fleet

_LISTED = (
    Resource.INSTANCES,
    Resource.DEPLOYMENTS,
    Resource.IMAGES,
    Resource.VOLUMES,
    Resource.CREDENTIALS,
    Resource.GPUS,
    Resource.HOSTS,
    Resource.STOCK,
    Resource.BLACKLIST,
    Resource.PACKAGES,
    Resource.BALANCES,
    Resource.TASKS,
    Resource.QUEUES,
)
_JSON = frozenset({"input", "output", "headers"})
_SIZES = frozenset(
    {
        "memory_limit",
        "shm_size",
        "disk_size",
        "size",
        "memory_used",
        "memory_total",
        "gpu_memory_used",
        "gpu_memory",
        "memory_from",
        "memory_to",
    }
)
_DURATIONS = frozenset({"uptime", "after_seconds"})
_VERSIONS = frozenset({"cuda_from", "cuda_to"})
_HOURLY = frozenset({"price", "price_from", "price_to", "price_estimate"})


def run(args: argparse.Namespace) -> int:
    """Print one thing as text, as JSON, or as the back end's own JSON."""
    config = session.load(args)
    row = asyncio.run(_find(config, args.ref))
    if args.output == "raw":
        return _print_raw(row)
    plain = to_plain(row)
    if args.output == "json":
        import json

        sys.stdout.write(json.dumps(plain, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _lines({**plain, **_in_words(row)})))
    for problem in getattr(row, "problems", ()):
        say(f"gputui: {problem}")
    return ExitCode.OK


def _print_raw(row: Row) -> int:
    raw = getattr(row, "raw", "")
    if not raw:
        raise NotFoundError(f"{row.ref}: its back end gives no JSON of it.", hint="-o json has what gputui knows.")
    sys.stdout.write(raw if raw.endswith("\n") else f"{raw}\n")
    return ExitCode.OK


async def _find(config: Config, text: str) -> Row:
    accounts = session.choose(config, refs.accounts_for([text], list(config.accounts)))
    async with session.open_fleet(accounts) as fleet:
        if text in accounts:
            if (failure := fleet.runtime(text).open_error) is not None:
                raise session.about_account(text, failure)
            return await fleet.account_info(text)
        if (row := await _named_whole(fleet, text)) is not None:
            return row
        (match,), _ = await refs.find(fleet, [text], _resources(fleet, text))
        try:
            return await fleet.runtime(match.ref.account).backend.fetch(match.ref)
        except NotFoundError:
            return match.row


async def _named_whole(fleet: Fleet, text: str) -> Row | None:
    """Ask for what is named by its whole Ref, which its list may have no more; None where that does not lead on."""
    try:
        ref = Ref.parse(text)
        backend = fleet.runtime(ref.account).backend
        return await backend.fetch(ref) if ref.kind in backend.kinds else None
    except (ValueError, GputuiError):
        return None  # a part of a Ref, or what the lists may know better


def _resources(fleet: Fleet, text: str) -> Sequence[Resource]:
    """Return the lists that the thing may be in: one where the text names its kind, else all of them."""
    words = text.split("/")
    words = words[1:] if words[0] in fleet.accounts else words
    known = [runtime.opened.kinds for runtime in fleet.runtimes.values() if runtime.opened is not None]
    named = {kinds[words[0]] for kinds in known if len(words) > 1 and words[0] in kinds}
    return [resource for resource in _LISTED if resource in named] or _LISTED


def _in_words(row: Row) -> Plain:
    """Return what is better said in another form than that of the JSON."""
    match row:
        case Block():
            return {"left": time_left(row, datetime.now(UTC))}
        case Task():
            return {"took": took_text(row)}
        case Instance() | Deployment() | Volume() if row.price is not None:
            return {"price": price_sentence(row)}
        case Package():
            return {"total": hours_text(row.total), "balance": hours_text(row.balance)}
    return {}


async def _account_info(name: str, backend: Backend | GputuiError) -> Row:
    if isinstance(backend, GputuiError):
        raise backend
    return await backend.account_info()


def _lines(plain: Plain) -> list[str]:
    """Lay out a model as one aligned line for each thing it knows; what it does not know is left out."""
    shown = [(name, _lines_of(name, value)) for name, value in plain.items()]
    known = [(name.replace("_", " "), lines) for name, lines in shown if lines]
    width = max((cell_width(name) for name, _ in known), default=0)
    return [
        f"{name if index == 0 else '':<{width}}  {line}" for name, lines in known for index, line in enumerate(lines)
    ]


def _lines_of(name: str, value: Any) -> list[str]:
    if value is None or value in ("", []):
        return []
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if name in _SIZES and isinstance(value, int):
        return [f"{format_bytes(value)} ({value} bytes)"]
    if name in _DURATIONS and isinstance(value, int | float):
        return [format_duration(value)]
    if name in _VERSIONS and isinstance(value, int):
        return [cuda_text(value)]
    if name in _JSON:
        return indented(value).split("\n")
    if name == "quota":
        return [_quota(line) for line in value]
    if isinstance(value, list):
        return _lines_of_list(value)
    if isinstance(value, dict):
        return [_money(name, value) if value.keys() == {"amount", "currency", "estimated"} else _flat(value)]
    return str(value).split("\n")


def _lines_of_list(value: Sequence[Any]) -> list[str]:
    if all(isinstance(item, dict) for item in value):
        return [_flat(item) for item in value]
    if all(isinstance(item, list) for item in value):
        return [": ".join(str(part) for part in item) for item in value]
    return [", ".join(str(item) for item in value)]


def _money(name: str, value: Mapping[str, Any]) -> str:
    return format_money(from_plain(Money, value)) + ("/h" if name in _HOURLY else "")


def _flat(value: Mapping[str, Any]) -> str:
    if {"host_port", "instance_port"} <= value.keys():
        return f"{value['host_port']} to {value['instance_port']}/{value['protocol']}"
    return ", ".join(f"{name.replace('_', ' ')} {item}" for name, item in value.items() if item not in (None, "", []))


def _quota(line: Mapping[str, Any]) -> str:
    from gputui.models import QuotaLine
    from gputui.presentation.actions import quota_line

    return quota_line(from_plain(QuotaLine, line))
