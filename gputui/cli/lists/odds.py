"""``gputui get odds``: how likely GPUs are idle, from the stock as it was observed. Sends no request."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gputui.analytics.place_odds import PlaceOdds
from gputui.analytics.stock_odds import DAYS, Chance
from gputui.cli import session
from gputui.cli.layout import make_layout
from gputui.cli.output import Plain, notify
from gputui.errors import ConfigError, ExitCode, NotFoundError
from gputui.history.stock_past import read_past
from gputui.models import gpu_matches
from gputui.models.serialize import to_plain
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import pick
from gputui.presentation.columns.odds import ODDS_TABLE, odds_columns
from gputui.presentation.odds import FEW, FEW_NOTE, count_words, percent, slot_words, zone_name

if TYPE_CHECKING:
    from gputui.config.loader import Account, Config
    from gputui.models.stock import StockPlace

KEYS = (
    *("ref", "account", "region", "model", "count", "chance", "observed_seconds", "hours", "since", "until", "now"),
    *("best", "week", "waits", "cheapest", "prices", "creates"),
)
"""The keys of the JSON and the columns of CSV, in their order."""
_WAITS = 5


def run(args: argparse.Namespace, config: Config, accounts: Mapping[str, Account]) -> int:
    """Print the odds of each place, the best first; a table is followed by what the figures are of."""
    if args.watch or args.filters or args.of:
        raise ConfigError("odds are from the past: they take neither --watch nor --filter nor --of.")
    columns = odds_columns(Context())
    layout = make_layout(
        "odds", columns, pick(columns, ODDS_TABLE), KEYS, args.output, args.columns, args.sort, args.filter
    )
    zone = UTC if config.ui.utc else None
    now, count = datetime.now(UTC), args.count or 1
    with session.open_history() as history:
        known = [place for place in history.stock_hours.places() if place.ref.account in accounts]
        places = [place for place in known if is_named(place, args.model)]
        found = [past.odds(count, now, zone) for past in read_past(history, places, now)]
        problem, failure = history.problem, history.failure
    found = [one for one in found if one.odds.since is not None]
    if args.model and known and not places:
        raise unknown(args.model, known)
    layout.print(sorted(found, key=order), plain)
    if layout.is_table and (found or not failure):
        for line in _notes(found, count):
            notify(line)
    if problem:
        notify(f"gputui: {problem}")
        return ExitCode.REFUSED
    return ExitCode.OK


def is_named(place: StockPlace, model: str | None) -> bool:
    """Say whether a place offers a model by this name, or a part of it; None is any."""
    return model is None or gpu_matches(model, place.name) or model.casefold() in place.name.casefold()


def unknown(model: str, known: Sequence[StockPlace]) -> NotFoundError:
    """Return the refusal of a model that was not observed."""
    models = sorted({place.name for place in known})
    return NotFoundError(f"No stock of {model} was observed.", hint=f"Observed: {', '.join(models)}.")


def order(found: PlaceOdds) -> tuple[str, float, str]:
    """Return a key to sort by: the model, then the chance now, the best first."""
    share = found.now.share if found.now.share is not None else found.odds.total.share
    return found.place.name, -(share if share is not None else -1.0), str(found.ref)


def _notes(found: list[PlaceOdds], count: int) -> list[str]:
    if not found:
        return ["No stock has been observed yet. That takes Stock on the screen, or a watch (gputui watch)."]
    first = found[0]
    lines = [f"Odds of {count_words(count)}; this hour is {slot_words(first.slot)}, {zone_name(first.zone)}."]
    if any(FEW in percent(chance) for one in found for chance in (one.now, one.odds.total)):
        lines.append(f"{FEW_NOTE}, or not at all.")
    return lines


def plain(found: PlaceOdds) -> Plain:
    """Return the odds of a place as JSON."""
    odds = found.odds
    best = None if odds.best is None else _slot(*odds.best[0], odds.best[1])
    cheapest = odds.cheapest
    made = {
        "ref": str(found.ref),
        "account": found.ref.account,
        "region": found.place.region,
        "model": found.place.name,
        "count": odds.count,
        **_chance(odds.total),
        "since": _time(odds.since),
        "until": _time(odds.until),
        "now": _slot(*found.slot, found.now),
        "best": best,
        "week": [_slot(*slot, chance) for slot, chance in sorted(odds.week.items())],
        "waits": [
            {
                "since": _time(wait.begin),
                "until": _time(wait.end),
                "seconds": int(wait.length.total_seconds()),
                "at_least": wait.open,
            }
            for wait in odds.waits[:_WAITS]
        ],
        "cheapest": None if cheapest is None else {"hour": cheapest.hour, "price": to_plain(cheapest.price)},
        "prices": [{"hour": one.hour, "price": to_plain(one.price), "hours": one.hours} for one in odds.prices],
        "creates": {
            "accepted": found.obtained.accepted,
            "refused": found.obtained.refused,
            "refused_while_idle": found.obtained.idle,
            "refused_unobserved": found.obtained.unknown,
        },
    }
    return {key: made[key] for key in KEYS}


def _chance(chance: Chance) -> Plain:
    share = chance.share
    return {
        "chance": None if share is None else round(share, 4),
        "observed_seconds": round(chance.observed),
        "hours": chance.hours,
    }


def _slot(day: int, hour: int, chance: Chance) -> Plain:
    return {"day": DAYS[day], "hour": hour, **_chance(chance)}


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
