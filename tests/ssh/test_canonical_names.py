"""CanonicalizeHostname: names completed with a domain, and aliases in the DNS that are followed."""

from __future__ import annotations

import pytest

from gputui.ssh.canonical_names import Rules, completed, followed, numeric

DNS = {
    "gpu01.a.example.": "gpu01.a.example",
    "gpu01.b.example.": "gpu01.b.example",
    "gpu02.b.example.": "rack7.b.example",
    "gpu03.c.a.example.": "gpu03.c.a.example",
    "whole.": "whole",
    "short": "long.c.example",
}
RULES = Rules(("a.example", "b.example"), permitted=[(["*.b.example", "short"], ["rack*", "!*.evil", "*.c.example"])])


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("gpu01", "gpu01.a.example"),
        ("gpu02", "rack7.b.example"),
        ("gpu03.c", "gpu03.c.a.example"),
        ("gpu03.c.a", "gpu03.c.a"),
        ("whole.", "whole"),
        ("gpu04", None),
    ],
)
def test_the_first_domain_that_has_the_name_counts(name: str, found: str | None) -> None:
    assert completed(name, RULES, DNS.get) == found


def test_an_alias_is_followed_only_where_it_is_permitted() -> None:
    assert followed("short", RULES, DNS.get) == "long.c.example"
    assert followed("short", Rules(), DNS.get) == "short"
    assert followed("nowhere", RULES, DNS.get) == "nowhere"
    assert followed("short", RULES, {"short": "x.evil"}.get) == "short"


def test_an_address_gets_its_usual_form_and_is_looked_up_nowhere() -> None:
    assert [numeric(text) for text in ("0::1", "127.1", "10.0.0.9", "gpu01", "x" * 300)] == [
        *("::1", "127.0.0.1", "10.0.0.9", "", ""),
    ]
