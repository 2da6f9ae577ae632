"""The domain's words: references, money, secrets, names of GPUs, differences."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, is_dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui import models
from gputui.fleet.feed_health import incomplete
from gputui.models import Change, Instance, Missing, Money, PartialRows, Phase, Ref, Resource, Secret, parse_host
from gputui.models.values import digits, rounded

PART = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1)


@given(PART, PART, st.text(min_size=1))
def test_a_reference_survives_its_text(account: str, kind: str, id_: str) -> None:
    ref = Ref(account, kind, id_)
    assert Ref.parse(str(ref)) == ref


@pytest.mark.parametrize("text", ["", "lab", "lab/pod", "lab/pod/", "/pod/main", "lab//main"])
def test_what_is_shorter_is_no_reference(text: str) -> None:
    with pytest.raises(ValueError, match=r"reference|unpack"):
        Ref.parse(text)


def test_money_of_two_currencies_is_never_added() -> None:
    assert Money(Decimal("1.10"), "USD") + Money(Decimal("2.20"), "USD") == Money(Decimal("3.30"), "USD")
    with pytest.raises(ValueError, match="cannot add CNY to USD"):
        Money(Decimal(1), "USD") + Money(Decimal(1), "CNY")


def test_a_secret_shows_nowhere() -> None:
    secret = Secret("hunter2")
    login = models.SSHLogin(password=secret)
    shown = f"{secret}{secret!r}{[secret]}{login}{models.SSHTarget('h', 22, 'root', secret)!r}"
    assert "hunter2" not in shown
    assert secret.reveal() == "hunter2"
    assert secret == Secret("hunter2")
    assert len({secret, Secret("hunter2"), Secret("other")}) == 2


def test_raw_json_takes_no_part_in_comparison() -> None:
    ref = Ref("lab", "pod", "main")
    one, other = (Instance(ref, "main", Phase.RUNNING, "running", raw=raw) for raw in ("{}", '{"uptime": 1}'))
    assert one == other
    assert "uptime" not in repr(other)


def test_an_empty_change_is_false() -> None:
    assert not Change()
    assert Change(removed=(Ref("lab", "pod", "main"),))


def test_every_model_is_frozen_and_can_be_hashed_by_its_reference() -> None:
    rows = [model for model in vars(models).values() if is_dataclass(model) and isinstance(model, type)]
    named = [model for model in rows if "ref" in {field.name for field in fields(model)}]
    assert len(named) >= 7
    for model in rows:
        with pytest.raises(FrozenInstanceError):
            object.__new__(model).__setattr__(fields(model)[0].name, None)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("bastion", ("", "bastion", None)),
        ("me@bastion:2222", ("me", "bastion", 2222)),
        ("me@[fe80::1]:2222", ("me", "fe80::1", 2222)),
        ("[::1]", ("", "::1", None)),
    ],
)
def test_hosts_are_read(text: str, parsed: tuple[str, str, int | None]) -> None:
    assert parse_host(text) == parsed


@pytest.mark.parametrize("text", ["", "@host", "me@", "host:port", "host:0", "host:70000", "[::1", "[::1]22"])
def test_a_wrong_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="user@host:port"):
        parse_host(text)


def test_the_gaps_of_a_list_are_one_sentence() -> None:
    rows = PartialRows[Instance](
        [], [Missing("a did not answer.")], ["b is no SSH server. Is this its port?", "c is off."]
    )
    assert rows.problem == "a did not answer; b is no SSH server. Is this its port?; c is off."
    asked = PartialRows[Instance]([], [Missing("Is this its port?")])
    assert str(incomplete("own", Resource.GPUS, asked)).endswith("is incomplete: Is this its port?")
    assert "the list of available GPUs is incomplete" in str(incomplete("own", Resource.STOCK, asked))


def test_a_list_lacks_named_parts_alone_or_something_else_too() -> None:
    host = Missing("gpu01 did not answer", 0, "gpu", "gpu01:")
    for missing, of_parts in ([host], True), ([host, Missing("no index", 2, "gpu")], False), ([Missing("x")], False):
        found = incomplete("own", Resource.GPUS, PartialRows[Instance]([], missing))
        assert found is not None
        assert found.of_parts is of_parts


def test_sentences_name_a_list_and_its_rows() -> None:
    assert (Resource.GPUS.words, Resource.GPUS.nouns) == ("GPUs", "GPUs")
    assert (Resource.STOCK.words, Resource.STOCK.nouns) == ("stock", "available GPUs")
    assert (Resource.INSTANCES.words, Resource.INSTANCES.nouns) == ("instances", "instances")


@pytest.mark.parametrize(
    ("amount", "written", "to_hundredths_of_cents"),
    [
        ("0", "0", "0"),
        ("0.00", "0", "0"),
        ("1.50", "1.50", "1.5000"),
        ("0.00001234", "0.00001234", "0.000012"),
        ("1E-7", "0.0000001", "0.00000010"),
        ("1E+3", "1000", "1000.0000"),
    ],
)
def test_an_amount_that_is_not_zero_is_never_written_as_zero(
    amount: str, written: str, to_hundredths_of_cents: str
) -> None:
    assert digits(Decimal(amount)) == written
    assert digits(rounded(Decimal(amount), Decimal("0.0001"))) == to_hundredths_of_cents
