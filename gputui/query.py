"""The filter language of ``/`` and of lists: terms that must all match, over the texts of a row's columns.

``docs/filter.md`` describes it for users. A query is compiled once and asked for every row.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Container, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, TypeVar

from gputui.errors import ExitCode, GputuiError
from gputui.late_dataclasses import dataclass
from gputui.late_patterns import late_pattern

T = TypeVar("T")

_COLUMN = late_pattern(r"([A-Za-z_][\w-]*):")
_HEADING = late_pattern(r"([^\s:\"!]+):")
_COMPARED = late_pattern(r"([^\s:\"!<>=]+)(?=[<>]=?(?:-?\d|\s|$))")
_BARE = late_pattern(r"\S+")
_QUOTED = late_pattern(r'"((?:[^"\\]|\\.)*)(?:"|$)', re.DOTALL)
_REGEX = late_pattern(r"/((?:[^\\]|\\.)+?)/(?=\s|$)", re.DOTALL)
_COMPARISON = late_pattern(r"(>=|<=|>|<|=)")
_NESTED_REPEAT = late_pattern(r"[+*}]\)(?:[+*]|\{\d+,\})")

_NUMBER = late_pattern(r"(-?\d+(?:\.\d+)?)(?:/\d+(?:\.\d+)?)?(?: ?([KMGT])(?:i?B)?(?![A-Za-z]))?")
_DURATION = late_pattern(r"(?=\d)(?:(\d+)d)? ?(?:(\d+)h)? ?(?:(\d+)m)? ?(?:(\d+)s)?")
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_SECONDS = (86400, 3600, 60, 1)
_ORDERINGS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}

IS, IS_FAVOURITE = "is", "favourite"
"""A name in filters like that of a column, and its text for a favourite. A word without a name does not find it."""

JOINT = "\0"
"""Separates the texts of a line; no text of a cell contains it."""

LONGEST_TEXT = 400
"""Characters of a cell that a regular expression is tried on: it runs between two frames."""


class QueryError(GputuiError):
    """A filter that cannot be read. ``position`` is the index in its text where the trouble is.

    ``word`` is the index where the word with the trouble begins: the text before it can be read.
    """

    title: ClassVar[str] = "Filter"
    exit_code: ClassVar[ExitCode] = ExitCode.USAGE

    def __init__(self, message: str, position: int, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.position = position
        self.word = 0


@dataclass(frozen=True, slots=True)
class _Term:
    """One word: what it asks of a text, of one column or of any, and whether the answer is turned round.

    ``contained`` is set where a text must only contain this part, ``compares`` where its number is compared: a
    column may know that better than its text.
    """

    test: Callable[[str], bool]
    column: str | None
    negated: bool
    contained: str | None = None
    compares: Callable[[float], bool] | None = None

    def over(self, keys: Sequence[str]) -> Callable[[str], bool]:
        """Return the same question for a line of texts, one for each of ``keys``."""
        if self.column is None:
            asked = self._of_any()
        else:
            asked = self._of_one(keys.index(self.column) if self.column in keys else None)
        return (lambda line: not asked(line)) if self.negated else asked

    def _of_any(self) -> Callable[[str], bool]:
        # A part that no joint is in lies within one text: the whole line is looked through at once.
        if self.contained is not None and JOINT not in self.contained:
            return self.test
        return lambda line: any(map(self.test, line.split(JOINT)))

    def _of_one(self, index: int | None) -> Callable[[str], bool]:
        test = self.test
        if index is None:
            missing = test("")
            return lambda line: missing
        return lambda line: test(line.split(JOINT, index + 1)[index])


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A filter, read. ``text`` is what it was read from; an empty query is false and matches everything."""

    text: str
    _terms: tuple[_Term, ...]

    def __bool__(self) -> bool:
        return bool(self._terms)

    @property
    def named(self) -> frozenset[str]:
        """The keys of the columns that it names."""
        return frozenset(term.column for term in self._terms if term.column is not None)

    @property
    def is_of_any(self) -> bool:
        """Whether a word is looked for in all columns."""
        return any(term.column is None for term in self._terms)

    def unseen(self, columns: Mapping[str, str], shown: Container[str]) -> list[str]:
        """Return for each word that a row has in no column that is ``shown`` the first column that has it.

        Without single letters, which most columns have.
        """
        found = []
        for term in self._terms:
            letter = term.contained is not None and len(term.contained) == 1
            if term.column is None and not (term.negated or letter):
                having = [key for key, text in columns.items() if term.test(text)]
                if having and not any(key in shown for key in having):
                    found.append(having[0])
        return found

    def matches(self, columns: Mapping[str, str], apart: Mapping[str, str] = MappingProxyType({})) -> bool:
        """Whether a row matches every term. ``columns`` maps a column's key to the row's text in it.

        So does ``apart``, for terms that name the column alone.
        """
        if not all(of(text) for column, text in apart.items() if (of := self.of(column)) is not None):
            return False
        return self.over(tuple(columns), apart=apart)(line_of(tuple(columns.values())))

    def of(self, column: str) -> Callable[[str], bool] | None:
        """Return the test of a row's text in one column; None where no term names it."""
        asked = [term.over((column,)) for term in self._terms if term.column == column]
        return (lambda text: all(test(text) for test in asked)) if asked else None

    def over(
        self, keys: Sequence[str], *, numbers: Container[str] = (), apart: Container[str] = ()
    ) -> Callable[[str], bool]:
        """Return the test of a line: a row's texts in the order of ``keys``, by :func:`line_of`.

        For a hundred thousand rows: a line costs a third of a mapping to keep, and a tenth to ask. Comparisons of
        the columns in ``numbers`` are left out: :meth:`compared` asks them; so are terms of the columns in ``apart``,
        which have no text in the line: :meth:`of` asks them.
        """
        tests = [
            term.over(keys)
            for term in self._terms
            if term.column not in apart and (term.compares is None or term.column not in numbers)
        ]
        if not tests:
            return lambda line: True
        if len(tests) == 1:
            return tests[0]

        def every(line: str) -> bool:
            for test in tests:  # noqa: SIM110  (a generator costs more than the tests)
                if not test(line):
                    return False
            return True

        return every

    def compared(self, numbers: Mapping[str, Callable[[T], float | None]]) -> Callable[[T], bool] | None:
        """Return the comparisons of the columns whose numbers are given, for a row; None where there is none.

        ``numbers`` makes the number of a row by the column's key: in bytes, seconds or as counted; None where it is
        unknown, which no comparison holds for.
        """
        asked = [
            (numbers[term.column], term.compares, term.negated)
            for term in self._terms
            if term.compares is not None and term.column is not None and term.column in numbers
        ]
        if not asked:
            return None

        def every(row: T) -> bool:
            for number_of, holds, negated in asked:
                number = number_of(row)
                if (number is not None and holds(number)) == negated:
                    return False
            return True

        return every


def line_of(texts: Sequence[str]) -> str:
    """Join the texts of a row for :meth:`Query.over`."""
    line = JOINT.join(texts)
    if line.count(JOINT) >= len(texts):
        line = JOINT.join(text.replace(JOINT, " ") for text in texts)
    return line


class Names:
    """The names of columns: their keys, and their headings in lower case, with or without ``-`` for a blank.

    ``PRICE/H`` may be written ``price/h``, ``GPU MEM`` ``gpumem`` or ``gpu-mem``. Each may be shortened to a
    beginning that only one column has.
    """

    def __init__(self, headings: Mapping[str, str]) -> None:
        self.keys = tuple(headings)
        self._key_of: dict[str, str] = {}
        for key, heading in headings.items():
            words = heading.casefold().split()
            for name in ("".join(words), "-".join(words)):
                self._key_of.setdefault(name, key)
        # A key has precedence: scripts and habits use it.
        self._key_of |= {key: key for key in headings}

    def find(self, name: str) -> list[str]:
        """Return the keys of the columns that a name may mean: of one, where it is whole or a clear beginning."""
        wanted = name.casefold()
        if wanted in self._key_of:
            return [self._key_of[wanted]]
        return list(dict.fromkeys(key for known, key in self._key_of.items() if known.startswith(wanted)))


def parse(text: str, headings: Mapping[str, str]) -> Query:
    """Read a filter; raises QueryError.

    ``headings`` maps the keys of columns, which may precede a colon, to their headings, which may as well
    (:class:`Names`).
    """
    names = Names(headings)
    terms: list[_Term] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        try:
            term, position = _read_term(text, position, names)
        except QueryError as error:
            error.word = position
            raise
        if term is not None:
            terms.append(term)
    return Query(text, tuple(terms))


def quantity(text: str) -> float | None:
    """Return the first number of a cell's text, or None.

    ``2 RTX 5090`` is 2, ``93 %`` is 93, ``2.00 GBP`` is 2, ``22.1/24G`` is 22.1 GiB in bytes, ``3h 12m`` is in
    seconds.
    """
    text = text.strip()
    duration = _DURATION.fullmatch(text)
    if duration is not None:
        return float(sum(int(part) * unit for part, unit in zip(duration.groups("0"), _SECONDS, strict=True)))
    number = _NUMBER.search(text)
    return None if number is None else float(number[1]) * _UNITS[number[2] or ""]


def _read_term(text: str, position: int, names: Names) -> tuple[_Term | None, int]:
    """Read the word at ``position``; returns it, or None for an unfinished one, and where it ends."""
    negated = text[position] == "!"
    if negated:
        position += 1
    column = None
    named = _named(text, position, names)
    if named is not None:
        column = _resolve(named[1], names, position)
        position = named.end()
        comparison = _COMPARISON.match(text, position)
        if comparison is not None:
            term, position = _read_comparison(text, comparison, column, negated=negated)
            return term, position
    regex = _REGEX.match(text, position)
    if regex is not None:
        return _Term(_regex_test(regex[1], position + 1), column, negated), regex.end()
    value, position, quoted = _read_value(text, position)
    if not value:
        # An explicit "" in a column asks for an empty text; a value not typed yet asks for nothing.
        return (_Term(operator.not_, column, negated) if quoted and column is not None else None), position
    return _Term(_contains_test(value), column, negated, value), position


def _read_value(text: str, position: int) -> tuple[str, int, bool]:
    """Read a quoted text or a bare word; a quote that is not closed yet reaches to the end."""
    quoted = _QUOTED.match(text, position)
    if quoted is not None:
        return re.sub(r"\\(.)", r"\1", quoted[1]), quoted.end(), True
    bare = _BARE.match(text, position)
    return ("", position, False) if bare is None else (bare[0], bare.end(), False)


def _read_comparison(text: str, sign: re.Match[str], column: str, *, negated: bool) -> tuple[_Term | None, int]:
    value, position, quoted = _read_value(text, sign.end())
    if not value and not quoted:
        return None, position
    if sign[1] == "=":
        return _Term(_equals_test(value), column, negated), position
    bound = quantity(value)
    if bound is None:
        raise QueryError(f"{value!r} is not a number to compare with.", sign.end(), hint="Write it as 5, 10G or 2h.")
    holds = _ORDERINGS[sign[1]]

    def compares(number: float) -> bool:
        return holds(number, bound)

    def test(cell: str) -> bool:
        number = quantity(cell)
        return number is not None and compares(number)

    return _Term(test, column, negated, compares=compares), position


def _named(text: str, position: int, names: Names) -> re.Match[str] | None:
    """Return the name before a colon, or before the comparison with a number.

    One before a comparison, or with other characters than letters, is a text unless it is that of a column.
    """
    named = _COLUMN.match(text, position)
    if named is None:
        found = (pattern.match(text, position) for pattern in (_HEADING, _COMPARED))
        named = next((each for each in found if each is not None and len(names.find(each[1])) == 1), None)
    return named


def _resolve(name: str, names: Names, position: int) -> str:
    found = names.find(name)
    if len(found) == 1:
        return found[0]
    what = f"{name!r} may be {' or '.join(found)}." if found else f"There is no column {name!r}."
    raise QueryError(
        what, position, hint=f'Columns: {", ".join(names.keys)}. Put a text with a colon in quotes: "{name}:…".'
    )


def _ignores_case(text: str) -> bool:
    return text == text.lower()


def _contains_test(value: str) -> Callable[[str], bool]:
    if _ignores_case(value):
        return lambda cell: value in cell.lower()
    return lambda cell: value in cell


def _equals_test(value: str) -> Callable[[str], bool]:
    if _ignores_case(value):
        return lambda cell: cell.strip().lower() == value
    return lambda cell: cell.strip() == value


def compile_pattern(pattern: str, position: int = 0) -> re.Pattern[str]:
    """Read a regular expression of a filter; raises QueryError also for one that can take for ever."""
    nested = _NESTED_REPEAT.search(pattern)
    if nested is not None:
        raise QueryError(
            "A repeated group that itself ends in a repeat can take forever.",
            position + nested.start(),
            hint="Write (a+)+ as a+.",
        )
    # An escape such as \S or \W says nothing about the case the user cares for.
    flags = re.IGNORECASE if _ignores_case(re.sub(r"\\.", "", pattern)) else re.NOFLAG
    try:
        return re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        offset = getattr(error, "pos", None) or 0
        reason = getattr(error, "msg", None) or str(error)
        raise QueryError(f"This is not a regular expression: {reason}.", position + offset) from error


def _regex_test(pattern: str, position: int) -> Callable[[str], bool]:
    search = compile_pattern(pattern, position).search
    return lambda cell: search(cell[:LONGEST_TEXT]) is not None
