"""Whatever runs over remote text takes time in proportion to its length: adversarial texts of 256 KiB."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from time import process_time

import pytest

from gputui import redaction
from gputui.text import clean

LENGTH = 2**18
LIMIT = 0.05
"""What one pattern may take for a text of that length, in seconds of the processor on an idle machine."""
REFERENCE = re.compile(r"(\w+)=(\w)")
"""One that is linear beyond doubt."""

UNITS = (
    *("a.", "a-", "a.a-", "a://b", "://", "://a@", "http://", "http://a", "/a", " /a", " /a.b?", " /http://a", "?"),
    *("password", "password-", "passwor", "token", "tokenx", "key_", "api_", "apikey", "pass=", "-pass=word "),
    *("cookie ", "cookie='", 'cookie="\\', "authorization ", "authorization: ", "basic ", "bearer a ", "Basic"),
    *("-u ", "-u a", "--user=", "--user ", "--password ", "--token ", "--", "- ", "sshpass -p ", "sshpass "),
    *("'", '"', "b'", '\\"', "=", "x=", "x: y ", "\n", " ", "é=", "password=(a}", "password='\n", 'password: "a\\'),
    *("-H", "-H a:", "--header a", "mysql -p", "docker login -p ", " login docker", "redis-cli -a ", "wandb login "),
    *("hf_", "sk-", "eyJa.", "eyJ", "AKIA", "-----BEGIN PRIVATE KEY-----", "-----BEGIN A ", "PWD=", "a;b&c|"),
)


def reference() -> float:
    """Return what the reference takes for such a text now, in seconds: others may use this machine too."""
    text = "abcdefg=h " * (LENGTH // 10)
    begun = process_time()
    REFERENCE.sub(r"\1=*", text)
    return process_time() - begun


def is_slow(work: Callable[[str], object], text: str) -> bool:
    """Whether the quickest of three takes too long: more than the limit and three times the reference."""
    for _ in range(3):
        begun = process_time()
        work(text)
        used = process_time() - begun
        if used < LIMIT or used < 3 * reference():
            return False
    return True


@pytest.mark.parametrize("unit", UNITS)
def test_each_pattern_of_the_redaction_is_linear(unit: str) -> None:
    text = (unit * (LENGTH // len(unit) + 1))[:LENGTH]
    lower = text.lower()
    found = [each for each in redaction._PATTERNS if marked(each.marks, lower)]
    used: list[Callable[[str], str]] = [partial(each.pattern.sub, each.replacement) for each in found]
    assert [work for work in used if is_slow(work, text)] == []


def marked(marks: Iterable[str], text: str) -> bool:
    return any(mark in text for mark in marks)


@pytest.mark.parametrize("unit", ["é", "\x1b", "\u200d", "\u202e\ud800", "日本"])
def test_cleaning_is_quick(unit: str) -> None:
    text = unit * (LENGTH // len(unit.encode("utf-8", "surrogatepass")))
    assert not is_slow(clean, text)


@pytest.mark.parametrize("unit", ["a\u200d", "☺\ufe0f"])
def test_cleaning_what_depends_on_its_place_is_linear(unit: str) -> None:
    assert not is_slow(clean, unit * (LENGTH // 24))


def test_a_task_whose_input_is_forty_thousand_dots_is_read_at_once() -> None:
    assert not is_slow(redaction.redact_json, '{"prompt": "' + "a." * 20_000 + '"}')
    assert not is_slow(redaction.redact_json, '{"prompt": "' + "password" * 50_000 + '"}')
