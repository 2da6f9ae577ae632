"""``gputui get bad-hosts``: hosts ranked by the evidence of weeks. Sends no request."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from gputui.analytics.bad_hosts import HostRecord, host_records
from gputui.cli import session
from gputui.cli.layout import make_layout
from gputui.cli.output import Plain, notify
from gputui.errors import ConfigError, ExitCode
from gputui.formatting import counted
from gputui.history.host_facts import KEPT_DAYS
from gputui.presentation.bad_hosts import evidence
from gputui.presentation.columns.bad_hosts import BAD_HOSTS_TABLE, bad_host_columns
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import pick

KEYS = (
    *("ref", "account", "region", "host", "score", "evidence", "starts", "failed", "slow", "lives", "short"),
    *(
        "days_seen",
        "gpus_lost",
        "gpus_faulty",
        "ecc_errors",
        "ecc_errors_before",
        "slow_start_seconds",
        "usual_start_seconds",
        "signs",
    ),
    *("first", "last", "days"),
)
"""The keys of the JSON and the columns of CSV, in their order."""


def run(args: argparse.Namespace, accounts: Mapping[str, object]) -> int:
    """Print the hosts, the worst first; a table has those alone that something speaks against."""
    if args.watch or args.filters or args.of:
        raise ConfigError("bad-hosts are from the past: they take neither --watch nor --filter nor --of.")
    columns = bad_host_columns(Context())
    layout = make_layout(
        "bad-hosts", columns, pick(columns, BAD_HOSTS_TABLE), KEYS, args.output, args.columns, args.sort, args.filter
    )
    with session.open_history() as history:
        since = datetime.now(UTC) - timedelta(days=KEPT_DAYS)
        records = host_records(history.host_facts.read(accounts.keys(), since))
        problem, failure = history.problem, history.failure
    shown = [record for record in records if evidence(record)] if layout.is_table else records
    layout.print(shown, _plain)
    if layout.is_table and (records or not failure):
        notify(_note(records, len(records) - len(shown)))
    if problem:
        notify(f"gputui: {problem}")
        return ExitCode.REFUSED
    return ExitCode.OK


def _note(records: list[HostRecord], rest: int) -> str:
    if not records:
        return "No host was observed yet. Hosts are while gputui or its agent runs, as far as servers name them."
    if not rest:
        return "Score: at least so much worse than the median host of the account, with 95 % confidence."
    return f"Nothing was observed against {counted(rest, 'host')}, which -o json lists too."


def _plain(record: HostRecord) -> Plain:
    plain = {
        "ref": str(record.ref),
        "account": record.ref.account,
        "region": record.region,
        "host": record.host,
        "score": None if record.score is None else round(record.score, 4),
        "evidence": evidence(record),
        "starts": record.starts,
        "failed": record.failed,
        "slow": record.slow,
        "lives": record.lives,
        "short": record.short,
        "days_seen": record.seen,
        "gpus_lost": record.lost,
        "gpus_faulty": record.faults,
        "ecc_errors": record.ecc,
        "ecc_errors_before": record.ecc_before,
        "slow_start_seconds": record.slow_start,
        "usual_start_seconds": record.usual_start,
        "signs": [
            {
                "sign": str(sign),
                "bad": share.bad,
                "of": share.of,
                "at_least": None if share.at_least is None else round(share.at_least, 4),
                "usual": None if share.usual is None else list(share.usual),
                "usual_of": "other hosts" if share.pooled else "median host",
            }
            for sign, share in record.signs.items()
        ],
        "first": _time(record.first),
        "last": _time(record.last),
        "days": [
            {"day": day.isoformat(), **{fact.value: count for fact, count in sorted(facts.items())}}
            for day, facts in record.days
        ],
    }
    return {key: plain[key] for key in KEYS}


def _time(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
