"""The filter language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.query import JOINT, QueryError, line_of, parse, quantity

ROW = {
    "name": "train-a-7f3c",
    "account": "lab",
    "state": "Running",
    "image": "ubuntu:22.04",
    "gpus": "2 RTX 5090",
    "memory": "22.1/24G",
    "age": "3h 12m",
    "host": "",
}
KEYS = {key: key for key in ROW}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("train", True),
        ("train lab", True),
        ("train hub", False),
        ("RUNNING", False),
        ("Running", True),
        ("running", True),
        ("state:run", True),
        ("name:run", False),
        ("STATE:run", True),
        ("st:run", True),
        ("!hub", True),
        ("!train", False),
        ("!state:running", False),
        ('"rtx 5090"', True),
        ('"5090 rtx"', False),
        ('gpus:"2 rtx"', True),
        ('"ubuntu:22.04"', True),
        ("image:ubuntu:22", True),
        ('host:""', True),
        ('!host:""', False),
        ("state:", True),
        ("!", True),
        ('"', True),
        ("gpus:>", True),
        ("gpus>1", True),
        ("gpus>2", False),
        ("!gpus>2", True),
        ("gp>=2 mem<23G", True),
        ("gpus>", True),
        ("gpus<=", True),
        ("gpus>x", False),
        ("nosuch>1", False),
        ('"rtx 50', True),
        ('"rtx 51', False),
        ("/7f.c$/", True),
        ("/^7f/", False),
        (r"name:/^train-\S-/", True),
        ("!/^train/", False),
        ("/RTX 50/", True),
        ("/rtx 50/", True),
        ("/RTx 50/", False),
        ("/usr/bin/python", False),
        ("gpus:>1", True),
        ("gpus:>2", False),
        ("gpus:>=2", True),
        ("gpus:<=2", True),
        ("gpus:<2", False),
        ("memory:>10G", True),
        ("memory:>22.5G", False),
        ("age:>3h", True),
        ("age:<2h", False),
        ("host:<5", False),
        ("host:>=0", False),
        ("!host:>=0", True),
        ("account:=lab", True),
        ("account:=la", False),
        ("state:=Running", True),
        ("state:=RUNNING", False),
    ],
)
def test_a_filter_matches_a_row(text: str, expected: bool) -> None:
    assert parse(text, KEYS).matches(ROW) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpus:>1", True),
        ("GPUS:>2", False),
        ("gpu:>1", True),
        ("price/h:<1", True),
        ("PRICE/H:<0.5", False),
        ("price:<1", True),
        ("pri:<1", True),
        ("price/:<1", True),
        ("gpumem:>2G", True),
        ("gpu-mem:>2G", True),
        ("gpu-me:>4G", False),
        ("!price/h:>1", True),
        ("torch/torch:2.1", True),
        ("torch/other:2.1", False),
        ("10.0.0.5:8799", False),
    ],
)
def test_columns_go_by_their_headings_too(text: str, expected: bool) -> None:
    headings = {"gpu": "GPUS", "price": "PRICE/H", "held": "GPU MEM", "image": "IMAGE"}
    row = {"gpu": "2 RTX 5090", "price": "$0.80", "held": "3.0G", "image": "torch/torch:2.1"}
    query = parse(text, headings)
    assert query.matches(row) is expected


def test_a_key_comes_before_the_heading_of_another_column() -> None:
    headings = {"memory": "MEM LIMIT", "gpumem": "MEMORY"}
    assert parse("memory:1", headings).matches({"memory": "1"})
    assert not parse("memory:1", headings).matches({"gpumem": "1"})


def test_a_beginning_that_two_columns_have_is_refused() -> None:
    headings = {"first": "STATE", "second": "STATUS"}
    with pytest.raises(QueryError, match="'sta' may be first or second"):
        parse("sta:1", headings)


CELLS = st.text(st.sampled_from("abAB5GΣς .\0\n"), max_size=6)
WORDS = st.lists(
    st.sampled_from(
        ["a", "B", "!b", '"a b"', "σ", "one:a", "!two:b", "one:>4", 'two:""', "/a.b/", "none:a", "one:=5G"]
    ),
    max_size=3,
)


@given(st.tuples(CELLS, CELLS, CELLS), WORDS)
def test_a_line_is_matched_as_its_texts(texts: tuple[str, str, str], words: list[str]) -> None:
    names = {key: key for key in ("one", "two", "three", "none", "text")}
    columns = {key: text.replace(JOINT, " ") for key, text in zip(("one", "two", "three"), texts, strict=True)}

    def holds(word: str) -> bool:
        """Ask each text alone."""
        column, colon, rest = word.removeprefix("!").partition(":")
        asked = [columns.get(column, "")] if colon else list(columns.values())
        alone = parse(f"text:{rest}" if colon else column, names)
        return any(alone.over(("text",))(text) for text in asked) != word.startswith("!")

    assert parse(" ".join(words), names).over(tuple(columns))(line_of(texts)) is all(map(holds, words))


def test_an_empty_filter_is_false() -> None:
    assert not parse("  ", KEYS)
    assert parse("a", KEYS)


def test_an_unknown_column_is_named_with_those_there_are() -> None:
    with pytest.raises(QueryError) as caught:
        parse("lab zone:eu", KEYS)
    assert caught.value.position == 4
    assert "'zone'" in str(caught.value)
    assert "name, account, state" in str(caught.value)


def test_an_ambiguous_beginning_is_refused() -> None:
    with pytest.raises(QueryError, match="account or age"):
        parse("a:lab", KEYS)


def test_a_bad_regular_expression_is_reported_with_its_place() -> None:
    with pytest.raises(QueryError) as caught:
        parse("lab name:/ab[c/", KEYS)
    assert caught.value.position == "lab name:/ab[c/".index("[")


@pytest.mark.parametrize("pattern", ["/(a+)+$/", "/(x*)*/", "/(a+){2,}/"])
def test_a_regular_expression_that_could_hang_the_screen_is_refused(pattern: str) -> None:
    with pytest.raises(QueryError, match="forever"):
        parse(pattern, KEYS)


def test_a_comparison_needs_a_number() -> None:
    with pytest.raises(QueryError) as caught:
        parse("gpus:>many", KEYS)
    assert caught.value.position == len("gpus:>")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("-3", -3),
        ("93 %", 93),
        ("709M", 709 * 2**20),
        ("22.1/24G", 22.1 * 2**30),
        ("41s", 41),
        ("3h 12m", 11520),
        ("26d 17h", 26 * 86400 + 17 * 3600),
        ("$1.80", 1.8),
        ("2.00 GBP", 2),
        ("12GBP", 12),
        ("80GiB", 80 * 2**30),
        ("?", None),
        ("", None),
        ("none", None),
    ],
)
def test_quantity(text: str, number: float | None) -> None:
    assert quantity(text) == number


@given(st.text(alphabet=st.sampled_from('ab:/"! \\[(*+>=<5G\n'), max_size=20))
def test_any_text_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    try:
        parse(text, KEYS).matches(ROW)
    except QueryError as error:
        assert 0 <= error.position <= len(text)
        assert error.message


@given(st.text(min_size=1, max_size=30).filter(lambda text: not set(text) & {'"', "\\", JOINT}))
def test_a_quoted_text_finds_itself(text: str) -> None:
    assert parse(f'"{text}"', KEYS).matches({"name": f"before {text} after"})


@pytest.mark.parametrize("wrong", ["foo:bar", "!foo:bar", "gpus:>many", "/(/", "name:/(a+)+/"])
def test_a_refusal_has_the_place_of_the_word(wrong: str) -> None:
    with pytest.raises(QueryError) as refusal:
        parse(f'train "two words" {wrong} more', {"name": "NAME", "gpus": "GPUS"})
    assert refusal.value.word == len('train "two words" ')
