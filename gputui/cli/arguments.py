"""Arguments of commands: readers of numbers, sizes, times and assignments, and the options that commands share.

A reader refuses with a reason (:func:`described`): of a ValueError argparse reports no more than the reader's name.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import wraps
from ipaddress import ip_address
from math import inf
from typing import TypeVar

from gputui.formatting import parse_span
from gputui.models import LONGEST_BLOCK

_T = TypeVar("_T")

REF_HELP = "account/kind/id, or any part of it that matches one row only"


def described(wanted: str) -> Callable[[Callable[[str], _T]], Callable[[str], _T]]:
    """Make a reader refuse with the text and ``wanted``, what it should have been, where it raises ValueError."""

    def decorate(read: Callable[[str], _T]) -> Callable[[str], _T]:
        @wraps(read)
        def reader(text: str) -> _T:
            try:
                return read(text)
            except ValueError:
                raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}") from None

        return reader

    return decorate


def _reader(wanted: str, read: Callable[[str], _T], fits: Callable[[_T], bool]) -> Callable[[str], _T]:
    @described(wanted)
    def reader(text: str) -> _T:
        value = read(text)
        if not fits(value):
            raise ValueError(text)
        return value

    return reader


not_negative = _reader("a number of 0 or more", float, lambda value: 0 <= value < inf)
count = _reader("a whole number above 0", int, lambda value: value >= 1)
whole = _reader("a whole number of 0 or more", int, lambda value: value >= 0)
integer = _reader("a whole number", int, lambda value: True)


@described("[LOCAL:]REMOTE, each a port up to 65535")
def ports(text: str) -> tuple[int, int]:
    """Read ``[LOCAL:]REMOTE``; a local port of 0 is any that is free."""
    local, colon, remote = text.rpartition(":")
    ports = (int(local) if colon else 0, int(remote))
    if not (0 <= ports[0] < 65536 and 0 < ports[1] < 65536):
        raise ValueError(text)
    return ports


@described("a port, 0 to 65535")
def local_port(text: str) -> int:
    """Read a port of this machine; 0 is any that is free."""
    port = int(text)
    if not 0 <= port < 65536:
        raise ValueError(text)
    return port


@described("an IP address")
def address(text: str) -> str:
    """Read an IP address; ``localhost`` is that of this machine alone."""
    return str(ip_address("127.0.0.1" if text == "localhost" else text))


def _minutes(text: str) -> int:
    minutes = parse_span(text)
    if minutes > LONGEST_BLOCK:
        raise argparse.ArgumentTypeError(f"{text} is longer than {LONGEST_BLOCK // (24 * 60)} days")
    if minutes < 1:
        raise ValueError(text)
    return minutes


@described("a time of a minute or more, such as 90m, 6h or 7d")
def span(text: str) -> int:
    """Read a length of time as minutes, at most the longest a block can have."""
    return _minutes(text)


@described("a time of a minute or more, such as 15m or 2h, or 0")
def span_or_zero(text: str) -> int:
    """Read a length of time as minutes, or 0 for none."""
    return 0 if text.strip() == "0" else _minutes(text)


@described("a time above 0, such as 30s, 90m or 6h")
def seconds(text: str) -> float:
    """Read a time limit or an interval in seconds, above 0: a span, ``30s``, ``1m 30s``, or a number of seconds."""
    if (found := _seconds(text)) == 0:
        raise ValueError(text)
    return found


@described("a time such as 30s, 90m or 6h, or 0")
def seconds_or_zero(text: str) -> float:
    """Read the same, or 0 for none."""
    return _seconds(text)


def _seconds(text: str) -> float:
    number = r"(\d{1,7}(?:\.\d{1,3})?)"
    if match := re.fullmatch(rf"{number}s?", text.strip(), re.ASCII):
        return float(match[1])
    match = re.fullmatch(rf"(.+?) ?{number}s", text.strip(), re.ASCII)
    return 60.0 * _minutes(match[1]) + float(match[2]) if match else 60.0 * _minutes(text)


def price(text: str) -> Decimal:
    """Read the price of an hour, above 0."""
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text} is not a price of an hour, such as 2.50") from None
    if not price.is_finite() or price <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a price above 0")
    return price


@described("a size in whole GB above 0, such as 200 or 200G")
def size(text: str) -> int:
    """Read a size in whole GB."""
    match = re.fullmatch(r"(\d+)\s*(?:G|GB)?", text.strip(), re.IGNORECASE | re.ASCII)
    if match is None or int(match[1]) < 1:
        raise ValueError(text)
    return int(match[1])


def assignment(text: str) -> tuple[str, str]:
    """Read ``NAME=VALUE``."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def filter_value(text: str) -> tuple[str, str]:
    """Read ``NAME=VALUE``, of which the value may be missing."""
    name, _, value = text.partition("=")
    return name, value


def add_ref(parser: argparse.ArgumentParser, note: str = "") -> None:
    """Add a REF."""
    parser.add_argument("ref", metavar="REF", help=REF_HELP + note)


def add_refs(parser: argparse.ArgumentParser) -> None:
    """Add one REF or several."""
    parser.add_argument("refs", nargs="+", metavar="REF", help=REF_HELP)


def add_account(parser: argparse.ArgumentParser, when: str) -> None:
    """Add the option for one account."""
    parser.add_argument("-A", "--account", metavar="ACCOUNT", help=f"where; needed when several accounts {when}")


def add_accounts(parser: argparse.ArgumentParser) -> None:
    """Add the option for some accounts."""
    parser.add_argument(
        "-A",
        "--account",
        action="append",
        default=[],
        metavar="ACCOUNT",
        dest="accounts",
        help="only this account; may be given several times",
    )


def add_output(parser: argparse.ArgumentParser, *formats: str) -> None:
    """Add the option for the format, the first being the default."""
    parser.add_argument(
        "-o", "--output", choices=formats, default=formats[0], help=f"output format (default: {formats[0]})"
    )


def add_change_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of commands that ask before they change something."""
    parser.add_argument("--yes", action="store_true", help="skip the confirmation; needs full names")
    parser.add_argument("--dry-run", action="store_true", help="print the change without sending it")


def add_filter(parser: argparse.ArgumentParser, which: str) -> None:
    """Add the option for the rows that match a filter."""
    parser.add_argument(
        "-l",
        "--selector",
        dest="filter",
        metavar="FILTER",
        help=f"{which}: a filter as typed after / in the app, 'gpu:h100 host:a', or state=running,host!=a",
    )


def add_matching(parser: argparse.ArgumentParser, which: str) -> None:
    """Add the option for the instances that match a filter, and what skips the confirmation of these."""
    add_filter(parser, which)
    parser.add_argument("--yes", action="store_true", help="skip the confirmation; needs full names, or -l")


def add_parallel(parser: argparse.ArgumentParser, what: str, default: int) -> None:
    """Add the option for how much is under way at once."""
    parser.add_argument(
        "--parallel", type=count, default=default, metavar="N", help=f"{what} at a time (default: {default})"
    )


def add_fields(parser: argparse.ArgumentParser) -> None:
    """Add the options with the fields of a form."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=assignment,
        dest="values",
        metavar="FIELD=VALUE",
        help="a field of the form; @FILE reads its value from a file, @- from stdin; may be repeated;"
        " overrides --file",
    )
    parser.add_argument("-f", "--file", metavar="FILE", help="a TOML file with the fields, or the name of a template")


def add_world(parser: argparse.ArgumentParser) -> None:
    """Add the options of a simulated world."""
    sizes = ("small", "large", "huge")
    parser.add_argument("--size", choices=sizes, default="small", help="size of the simulated world (default: small)")
    parser.add_argument("--seed", type=integer, default=1, help="seed of the simulated world (default: 1)")
    parser.add_argument(
        "--speed",
        type=not_negative,
        default=1.0,
        help="speed of simulated time: 1 is real time, 60 a minute a second, 0 freezes it (default: 1)",
    )
    parser.add_argument(
        "--faults",
        metavar="PROFILE",
        default="none",
        help="fault profiles: flicker+creates for all accounts, hub=creates for one; see docs/simulator.md",
    )
