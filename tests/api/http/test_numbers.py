"""Figures that no model can contain become unknown before anything reads them."""

from __future__ import annotations

import json
from time import process_time

import pytest

from gputui.api.http.numbers import TOO_LARGE, without_invalid_numbers


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ('{"a": NaN, "b": 1}', {"a": None, "b": 1}),
        ("[Infinity, -Infinity, 1e999, -1E+400, 1e30]", [TOO_LARGE] * 5),
        ("[" + "9" * 400 + ", -" + "8" * 5000 + "]", [TOO_LARGE, TOO_LARGE]),
        ("[9223372036854775807, 9223372036854775808, -9223372036854775807]", [2**63 - 1, TOO_LARGE, -(2**63) + 1]),
        ("[1234567890123456789.5, 0.1, 1e18, 1E+2, 1e-400]", [1234567890123456789.5, 0.1, 1e18, 100.0, 0.0]),
    ],
)
def test_what_is_no_figure_is_none(sent: str, read: object) -> None:
    assert json.loads(without_invalid_numbers(sent.encode())) == read


@pytest.mark.parametrize(
    "sent",
    [
        b'{"id": "53a677bb3e281b8-f94411a60c", "n": 12, "f": 1.5e3}',
        b'{"text": "12e99 is large"}',
        b'[1, 2, "cut o',
        b"<html>NaN</html>",
        b"\xff\xfeN\x00a\x00N\x00",
        b'{"broken": NaN, }',
        b"[" * 100_000 + b"NaN",
        b"",
    ],
)
def test_anything_else_comes_as_it_was_sent(sent: bytes) -> None:
    assert without_invalid_numbers(sent) == sent


@pytest.mark.parametrize(
    "text", ['"ee" ' * 10, '[["0e00", 1],', "9" * 18 + " ", ",1" * 12 + "e", ": 1.2.3.4", "NaN,"]
)
def test_a_large_answer_is_looked_through_quickly(text: str) -> None:
    body = (text * (2**20 // len(text))).encode()
    begun = process_time()
    without_invalid_numbers(body)
    assert process_time() - begun < 0.1


def test_texts_keep_what_they_contain() -> None:
    sent = '{"a": NaN, "text": "NaN 1e999 \\u2028 \\ud800 é", "long": "' + "9" * 100 + '"}'
    assert json.loads(without_invalid_numbers(sent.encode())) == json.loads(sent) | {"a": None}
