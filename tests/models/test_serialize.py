"""What the models become as JSON, and that nothing is lost on the way back."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.models import (
    AccountInfo,
    Balance,
    Event,
    GpuDevice,
    GpuProcess,
    GpuSample,
    Image,
    Instance,
    Money,
    Offer,
    Phase,
    PortMapping,
    Ref,
    Secret,
    SSHTarget,
)
from gputui.models.serialize import from_plain, rows_from_plain, rows_to_plain, to_plain
from gputui.text import clean

# What a model contains came through clean(); it is cleaned again on the way back.
texts = st.text(max_size=8).map(clean)
whole = st.integers(-(2**63), 2**63 - 1)
names = st.text(alphabet="abc[/x] é好", min_size=1, max_size=6)
refs = st.builds(Ref, names.filter(lambda text: "/" not in text), names.filter(lambda text: "/" not in text), names)
floats = st.floats(allow_nan=False, allow_infinity=False)
times = st.datetimes(timezones=st.just(UTC)).filter(lambda at: 1 < at.year < 9999)
amounts = st.decimals(-(10**30), 10**30, places=6)
money = st.builds(Money, amounts, st.sampled_from(["USD", "CNY"]))
targets = st.builds(SSHTarget, texts, st.integers(1, 65535), texts, st.none())
samples = st.builds(GpuSample, times, st.none() | floats, st.none() | whole, st.none() | floats, st.none() | floats)
for _type, _strategy in (
    (str, texts),
    (int, whole),
    (Ref, refs),
    (datetime, times),
    (float, floats),
    (Money, money),
    (SSHTarget, targets),
    (GpuSample, samples),
):
    st.register_type_strategy(_type, _strategy)

rows = st.one_of(
    st.builds(Instance, raw=st.just("")),
    st.from_type(GpuDevice),
    st.from_type(GpuProcess),
    st.from_type(Offer),
    st.builds(Image, raw=st.just("")),
    st.from_type(Event),
    st.from_type(AccountInfo),
)


@given(rows)
def test_a_model_survives_json_exactly(row: object) -> None:
    assert from_plain(type(row), json.loads(json.dumps(to_plain(row)))) == row


@given(st.lists(st.builds(Instance, raw=st.just("")), max_size=3))
def test_the_short_form_survives_json_exactly(instances: list[Instance]) -> None:
    assert rows_from_plain(Instance, json.loads(json.dumps(rows_to_plain(instances)))) == instances


MAIN = Instance(Ref("lab", "pod", "main"), "main", Phase.RUNNING, "running")


def test_every_kind_of_value_has_its_documented_form() -> None:
    plain = to_plain(
        replace(
            MAIN,
            parent=Ref("lab", "group", "a/b"),
            gpu_indices=(0, 2),
            ports=(PortMapping(23092, 22),),
            price=Money(Decimal("1.80"), "USD"),
            created_at=datetime(2026, 3, 1, 8, 0, tzinfo=timezone(timedelta(hours=8))),
        )
    )
    assert plain["ref"] == "lab/pod/main"
    assert plain["parent"] == "lab/group/a/b"
    assert plain["phase"] == "running"
    assert plain["gpu_indices"] == [0, 2]
    assert plain["ports"] == [{"host_port": 23092, "instance_port": 22, "protocol": "tcp"}]
    assert plain["price"] == {"amount": "1.80", "currency": "USD", "estimated": False}
    assert plain["created_at"] == "2026-03-01T00:00:00Z"
    assert plain["image"] is None


def test_secrets_and_raw_json_never_leave() -> None:
    plain = to_plain(replace(MAIN, ssh=SSHTarget("gpu01", 23092, "root", Secret("hunter2")), raw='{"x": "hunter2"}'))
    assert plain["ssh"] == {"host": "gpu01", "port": 23092, "user": "root", "made": "", "alias": ""}
    assert "raw" not in plain
    assert "hunter2" not in json.dumps(plain)


def test_fields_that_have_their_default_are_left_out_of_the_short_form_alone() -> None:
    (short,) = rows_to_plain([replace(MAIN, gpu_indices=())])
    assert short == {
        "ref": "lab/pod/main", "name": "main", "phase": "running", "status": "running", "gpu_indices": []
    }  # fmt: skip


def test_a_number_that_json_cannot_say_becomes_null() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert to_plain(GpuSample(at, utilization=math.nan, power=math.inf, fan=3.5)) == {
        "at": "2026-01-01T00:00:00Z", "utilization": None, "memory_used": None, "power": None, "temperature": None,
        "fan": 3.5,
    }  # fmt: skip


def test_a_key_of_a_newer_release_is_passed_over() -> None:
    assert from_plain(Instance, {**to_plain(MAIN), "novelty": 1}) == MAIN


@pytest.mark.parametrize(
    "damage",
    [
        {"ref": "lab"}, {"ref": 3}, {"ref": None}, {"name": None}, {"name": 5}, {"name": ["x"]}, {"status": {}},
        {"phase": "fine"}, {"phase": []}, {"phase": None}, {"created_at": "soon"}, {"created_at": 1e300},
        {"created_at": "2026-01-01T00:00:00"}, {"created_at": "0001-01-01T00:00:00Z"},
        {"created_at": "9999-12-31T23:59:59Z"}, {"price": {"amount": "x"}}, {"price": {"amount": "NaN"}},
        {"price": {"amount": "1e999999", "currency": "USD"}}, {"price": {"amount": 1, "currency": "USD"}},
        {"price": []}, {"ports": 3}, {"ports": ["x"]}, {"ports": "xy"}, {"networks": "net"}, {"networks": [1]},
        {"gpu_indices": [0.5]}, {"gpu_count": "2"}, {"gpu_count": True}, {"gpu_count": 10**400}, {"gpu_all": 1},
        {"gpu_memory": math.nan}, {"cpu_count": math.inf},
    ],
    ids=str,
)  # fmt: skip
def test_damaged_data_is_refused_as_such(damage: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        from_plain(Instance, {**to_plain(MAIN), **damage})


def test_texts_are_harmless_when_they_come_back() -> None:
    evil = {"name": "a\x1b]52;c;aGk=\x07b", "image": "x\u202ey", "status": "two\nlines", "ref": "lab/pod/\x1b[2J"}
    row = from_plain(Instance, {**to_plain(MAIN), **evil})
    assert (row.name, row.image, row.status) == ("a\ufffd]52;c;aGk=\ufffdb", "x\ufffdy", "two\ufffdlines")
    assert row.ref == Ref("lab", "pod", "\ufffd[2J")


def test_a_missing_field_without_default_is_refused() -> None:
    with pytest.raises(ValueError, match="not a Instance"):
        from_plain(Instance, {"ref": "lab/pod/main"})


def test_a_kept_balance_loses_the_texts_of_bank_transfers() -> None:
    kept = {
        "ref": "hub/balance/hub",
        "available": {"amount": "1.00", "currency": "CNY"},
        "parts": [["exclusive_transfer_account", "¥6222020200112.23"], ["accumulate", "¥1.00"]],
    }
    row = from_plain(Balance, kept)
    assert row.parts == (("accumulate", "¥1.00"),)
    assert row.available.estimated is False


@pytest.mark.parametrize("zero", ["0", "0.0", "0E+3", "-0.00"])
def test_what_is_free_has_one_form_however_a_server_writes_it(zero: str) -> None:
    assert to_plain(Money(Decimal(zero), "USD"))["amount"] == "0"
