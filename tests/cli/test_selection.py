"""``-l``: a filter of the app, or a selector as for kubectl."""

from __future__ import annotations

import pytest

from gputui.cli.lists.watch import _kept
from gputui.cli.selection import as_filter, matcher, read
from gputui.errors import ConfigError
from gputui.models import Change, Instance, Phase, Ref, Resource, Row
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import columns_of
from gputui.query import QueryError

COLUMNS = columns_of(Resource.INSTANCES, Context())


def instance(name: str, phase: Phase = Phase.RUNNING, status: str = "running", **more: str) -> Instance:
    return Instance(Ref("lab", "pod", name), name, phase, status, **more)  # type: ignore[arg-type]


ROWS = [
    instance("train", region="sgp1"),
    instance("train-2", Phase.PENDING, "running", region="us-east"),
    instance("old", Phase.STOPPED, "exited", region="sgp1"),
]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("name=train", ["train"]),
        ("name==train", ["train"]),
        ("name:train", ["train", "train-2"]),
        ("state=running", ["train"]),
        ("state=running,region=sgp1", ["train"]),
        ("region!=sgp1", ["train-2"]),
        ("phase=stopped, region=sgp1", ["old"]),
        ("host=", ["train", "train-2", "old"]),
        ("name=train-2,host!=", []),
        ('name="train"', ["train"]),
        ("train region:us", ["train-2"]),
        ('"a=b"', []),
    ],
)
def test_a_selector_compares_whole_columns_and_anything_else_is_a_filter(text: str, names: list[str]) -> None:
    test = matcher(read(text, COLUMNS), COLUMNS)
    assert [row.name for row in ROWS if test(row)] == names


def test_values_with_the_signs_of_filters_are_texts() -> None:
    assert as_filter('image=a:b "c"\\d') == r'image:="a:b \"c\"\\d"'


def test_a_name_that_is_no_column_is_refused_with_those_there_are() -> None:
    with pytest.raises(QueryError, match=r"There is no column 'app'. Columns: name, account, "):
        read("app=web", COLUMNS)
    with pytest.raises(ConfigError, match="an empty one would match every row"):
        read(" ", COLUMNS)


def test_a_watched_row_that_matches_no_longer_is_gone_and_one_that_does_now_is_new() -> None:
    shown: list[Change] = []
    test = matcher(read("state=running", COLUMNS), COLUMNS)
    show = _kept(lambda change, _: shown.append(change), test)
    row, stopped = ROWS[0], instance("train", Phase.STOPPED, "exited")
    rows: list[tuple[Change, Row]] = [
        (Change(added=(row,)), row),
        (Change(updated=(stopped,)), stopped),
        (Change(updated=(stopped,)), stopped),
        (Change(updated=(row,)), row),
        (Change(removed=(row.ref,)), row),
    ]
    for change, now in rows:
        show(change, {now.ref: now})
    assert shown == [
        Change(added=(row,)),
        Change(removed=(row.ref,)),
        Change(added=(row,)),
        Change(removed=(row.ref,)),
    ]
