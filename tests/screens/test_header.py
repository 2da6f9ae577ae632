"""The top line: what the fleet costs an hour."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.content import Content
from textual.widgets import OptionList

from gputui.errors import UnavailableError
from gputui.history.history import History
from gputui.models import Health, HealthState, Money, Phase, Ref, Resource, Volume
from gputui.models.feeds import Missing, PartialRows
from gputui.presentation.columns.attempts import attempt_columns
from gputui.presentation.columns.column import Column, spans_of
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.cost import cost_columns
from gputui.presentation.columns.forwards import forward_columns
from gputui.presentation.columns.home import home_columns
from gputui.presentation.columns.rules import rule_columns
from gputui.presentation.home.lines import HomeLine, Opens, Section
from gputui.screens.dialogs.dialog import Dialog
from gputui.vendors import VendorError
from gputui.widgets.bars.header import HeaderBar
from tests.fleet.fakes import FakeBackend
from tests.screens.hub import FakeCloud, container, hub, money
from tests.screens.stage import NARROW, WIDE, staged
from tests.screens.world import attic, fail, lab


def autodl() -> FakeCloud:
    """Return an account that is paid in another currency."""
    return FakeCloud("autodl", [container("autodl", "x", price=money("3.10", "CNY"))])


async def test_the_cost_of_an_hour_is_at_the_right_end_a_sum_for_each_currency() -> None:
    cloud, other = hub(), autodl()
    async with staged(cloud, other, lab()) as stage:
        assert stage.lines[0].endswith(" $4.21/h  ¥3.10/h")

        # What a server keeps back makes the cost a lower bound.
        stage.fleet.server_filters.set(Resource.INSTANCES, {"price_to": "2"})
        await stage.press("z", "z")
        assert stage.header.endswith(" ≥ $4.21/h  ≥ ¥3.10/h")

        # Old figures are marked in their currency alone.
        stage.fleet.server_filters.set(Resource.INSTANCES, {})
        await stage.advance(0)
        fail(cloud, UnavailableError("no answer"))
        await stage.advance(6)
        assert stage.header.endswith(" $4.21/h ?  ¥3.10/h")

        # The account filter limits the cost.
        await stage.command("account autodl")
        assert stage.header.endswith(" ¥3.10/h")
        assert "$" not in stage.header

        # Where the rows left have no price, the cost is unknown; where they are free, or there are none, it is none.
        await stage.command("account lab")
        assert stage.header.endswith(" cost unknown")
        await stage.command("account autodl")
        other.rows[Resource.INSTANCES] = [container("autodl", "x", price=money("0", "CNY"))]
        await stage.advance(6)
        assert stage.header.endswith(" no cost")
        other.rows[Resource.INSTANCES] = []
        stage.fleet.server_filters.set(Resource.INSTANCES, {"price_to": "2"})
        await stage.advance(6)
        assert stage.header.endswith(" cost unknown"), "the filter of the server may exclude what has a price"


async def test_the_sums_keep_their_order_while_accounts_answer() -> None:
    cloud, other = hub(), FakeCloud("yotta", [container("yotta", "x", price=money("2.00", "USD"))])
    answer = cloud.hold(Resource.INSTANCES)
    async with staged(cloud, autodl(), other) as stage:
        assert "$2.00/h  ¥3.10/h" in stage.header
        answer.set()
        await stage.advance(1)
        assert "$6.21/h  ¥3.10/h" in stage.header


async def test_the_dot_of_the_count_is_green_only_where_accounts_are_well() -> None:
    ok, unknown, limited, down = HealthState.OK, HealthState.UNKNOWN, HealthState.LIMITED, HealthState.DOWN
    degraded = HealthState.DEGRADED
    async with staged(lab(), size=NARROW) as stage:
        assert "/h" not in stage.header

        # The dot of the count is green only where accounts are well.
        bar = stage.view.query_one(HeaderBar)
        for states, dot, said in (
            ([down] * 6, ("✗", "$text-error"), "0 of 6   ✗ a-rather-long-name-0"),
            ([down] * 5 + [degraded], ("✗", "$text-error"), "0 of 6   ✗ a-rather-long-name-0"),
            ([degraded] * 6, ("◐", "$text-warning"), "0 of 6   ◐ a-rather-long-name-0"),
            ([unknown] * 6, ("○", "$muted"), "0 of 6 accounts (6 connecting)"),
            ([limited] * 2 + [unknown] * 4, ("◐", "$text-warning"), "0 of 6 (4 connecting)"),
            ([ok] * 4 + [unknown] * 2, ("●", "$text-success"), "4 of 6 accounts (2 connecting)"),
            ([ok] * 6, ("●", "$text-success"), "6 of 6 accounts"),
        ):
            bar.set_health([Health(name, state) for name, state in zip(NAMES, states, strict=True)], only=())
            assert _count_dot(bar) == dot
            assert said in bar.content.plain

        # The count is complete next to a note and two costs.
        bar.set_health(
            [Health(name, ok) for name in NAMES],
            only=(),
            note="demo: nothing here is real",
            cost=Content("~$87.59/h  ¥17.96/h + 6 GPUs unpriced"),
            short_cost=Content("~$87.59/h  ¥17.96/h + ?"),
        )
        assert "● 6 of 6  " in bar.content.plain
        assert bar.content.plain.rstrip().endswith("¥17.96/h + ?")

        # The words of the note give way before the name of an account in trouble.
        personal = Health("personal", HealthState.DOWN, "no answer")
        bar.set_health(
            [*(Health(name, ok) for name in NAMES[1:]), personal],
            only=(),
            note="demo: nothing here is real",
            cost=Content("~$91.43/h  ¥36.85/h + ?"),
        )
        assert bar.content.plain.startswith("gputui  demo   ● 5 of 6")
        assert "personal no answer" in bar.content.plain


async def test_an_account_with_a_list_that_fails_is_degraded_not_well() -> None:
    cloud = hub()
    async with staged(cloud, lab(), view="2") as stage:
        cloud.errors[Resource.DEPLOYMENTS] = UnavailableError("no answer")
        await stage.advance(30)
        assert "◐ hub deployments: no answer" in stage.header
        await stage.press("at")
        (choice,) = (
            line for line in stage.lines if "hub" in line and "deployments: no answer" in line and " 1 " in line
        )
        assert "degraded  deployments: no answer" in choice


async def test_problems_of_many_accounts_take_a_line_each_and_the_rest_is_counted() -> None:
    broken = {name: VendorError(f"{name} is broken. " * 20, hint="Update it.") for name in ("a", "b", "c", "d", "e")}
    async with staged(lab(), *map(FakeBackend, broken), unopenable=broken) as stage:
        assert "✗ a back end unusable since" in stage.header
        problems = [line for line in stage.lines if line.lstrip().startswith("✗ ") and "is broken" in line]
        assert [line.split()[1] for line in problems] == ["a", "b", "c"]
        assert "2 more, see :account" in stage.text
        assert "train" in stage.text, "the rows of the other account are shown"


async def test_problems_take_one_line_of_a_low_terminal_and_a_key_has_them_in_full() -> None:
    long = UnavailableError("no answer " * 12, hint="Is it up?")
    broken, other = lab(), FakeBackend("other")
    async with staged(broken, other, size=NARROW) as stage:
        fail(
            broken, UnavailableError("no answer", hint="Is the server running there, and is the port the right one?")
        )
        await stage.advance(6)
        assert "✗ lab" in stage.lines[-3], "the footer alone is below it"
        assert stage.lines[-2].endswith("right one?"), "the only problem has two lines, and is there in full"
        fail(broken, long)
        await stage.advance(30)
        assert "✗ lab" in stage.lines[-3]
        assert stage.lines[-3].rstrip().endswith((" no", " answer")), "whole words"
        assert stage.lines[-2].endswith("…   @ details")
        fail(other, long)
        await stage.advance(30)
        assert stage.lines[-2].endswith("…   +1  @ details")
        await stage.press("@", "down", "d")
        assert "Is it up?" in stage.text
        await stage.press("escape")

        await stage.resize(*WIDE)
        assert "Is it up?" in stage.text, "there is room for all of it"
        fail(broken, UnavailableError("no answer"))
        other.errors.clear()
        await stage.resize(*NARROW)
        await stage.advance(120)
        assert stage.lines[-2].endswith("no answer"), "no key is needed for what is there in full"


async def test_a_damaged_history_has_one_line_of_a_low_terminal_and_a_key_has_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a-folder-with-a-long-name" / "another-one-with-a-long-name" / "history.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"SQLite format 3\0" + b"not a database " * 400)
    broken = lab()
    with closing(History(path)) as history:
        history.commands()
        assert len(history.problem) > 100
        async with staged(broken, history=history, size=NARROW) as stage:
            assert stage.lines[-2].lstrip().startswith("◐ ")
            assert stage.lines[-2].endswith("…   M details")
            assert "◐ " not in stage.lines[-3]
            await stage.press("M")
            assert "history.db" in stage.text.replace("\n", "")
            await stage.press("escape")
            fail(broken, UnavailableError("no answer " * 12))
            await stage.advance(6)
            assert stage.lines[-3].endswith("@ details"), "one line each where there are several"
            assert stage.lines[-2].endswith("M details")
            await stage.resize(*WIDE)
            assert "M details" not in stage.text


async def test_an_incomplete_list_is_named_in_its_own_view_and_in_the_header_with_one_sign() -> None:
    fake = lab()
    missing = [Missing("gpu04 does not answer")]
    fake.rows[Resource.GPUS] = PartialRows(fake.rows[Resource.GPUS], missing)
    fake.rows[Resource.PROCESSES] = PartialRows(fake.rows[Resource.PROCESSES], missing)
    async with staged(fake) as stage:
        await stage.advance(30)
        assert "◐ lab GPUs: incomplete, processes: incomplete" in stage.header
        assert "is incomplete" not in stage.text, "the list of instances is whole"
        await stage.press("5")
        assert "◐ lab  the list of GPUs is incomplete: gpu04 does not answer." in stage.text


async def test_the_cost_follows_the_instances_and_says_what_has_no_price() -> None:
    cloud = hub()
    async with staged(cloud, lab(), view="7") as stage:
        cloud.rows[Resource.INSTANCES] = [
            container("hub", "train-a-81ab", "starting"),
            container("hub", "train-a-7f3c", "shutdown"),
        ]
        await stage.advance(40)
        assert stage.header.endswith(" $1.80/h")
        cloud.rows[Resource.INSTANCES] = []
        await stage.advance(40)
        assert "/h" not in stage.header

        # An estimate in the cost is marked.
        cloud.rows[Resource.INSTANCES] = [container("hub", "a", price=Money(Decimal("0.004"), "USD", estimated=True))]
        await stage.advance(40)
        assert stage.header.endswith(" ~$0.004/h")

        # What has no price is counted next to the cost.
        cloud.spending = frozenset({Resource.INSTANCES})
        cloud.rows[Resource.INSTANCES] = billed(big=8, small=2).rows[Resource.INSTANCES]
        await stage.advance(40)
        assert stage.header.endswith(" $1.80/h + 10 GPUs unpriced")


async def test_the_accounts_give_way_to_the_cost_on_a_narrow_screen() -> None:
    clouds = [FakeCloud(f"a-rather-long-name-{n}", [container(f"a-rather-long-name-{n}", "x")]) for n in range(5)]
    async with staged(*clouds, size=NARROW) as stage:
        assert "5 of 5 accounts" in stage.lines[0]
        assert stage.lines[0].endswith(" $9.00/h")


NAMES = [f"a-rather-long-name-{number}" for number in range(6)]


def _count_dot(bar: HeaderBar) -> tuple[str, str]:
    """Return the glyph before the count of accounts, and its style."""
    at = bar.content.plain.index(" of 6") - 3
    style = next(str(span.style) for span in bar.content.spans if span.start <= at < span.end)
    return bar.content.plain[at], style


async def test_neither_a_list_that_says_the_same_nor_a_key_draws_the_header(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    show = HeaderBar.show

    def showing(header: HeaderBar, content: Content) -> None:
        before = header.content
        show(header, content)
        if header.content is not before:
            drawn.append(content)

    monkeypatch.setattr(HeaderBar, "show", showing)
    cloud = hub()
    async with staged(cloud) as stage:
        drawn.clear()
        await stage.advance(30)
        await stage.press("j", "j", "k", "space")
        assert not drawn
        cloud.rows[Resource.INSTANCES] = []
        await stage.advance(30)
        assert drawn


async def test_what_is_stored_costs_too_and_is_marked_when_it_is_old() -> None:
    class Stored(FakeCloud):
        spending = frozenset({Resource.VOLUMES})

    cloud = Stored("hub", [container("hub", "a")])
    cloud.rows[Resource.VOLUMES] = [
        Volume(Ref("hub", "volume", "7"), "data", "CEPH", Phase.RUNNING, "active", price=money("0.20"))
    ]
    async with staged(cloud, view="1") as stage:
        assert stage.header.endswith(" $2.00/h")
        cloud.errors[Resource.VOLUMES] = UnavailableError("no answer")
        await stage.advance(61)
        assert stage.header.endswith(" $2.00/h ?")
        cloud.errors.clear()
        await stage.advance(61)
        assert stage.header.endswith(" $2.00/h")
        lost = Volume(Ref("hub", "volume", "R2"), "R2", "R2", Phase.UNKNOWN, "unknown", problem="cannot be read")
        cloud.rows[Resource.VOLUMES] = [*cloud.rows[Resource.VOLUMES], lost]
        await stage.advance(61)
        assert stage.header.endswith(" $2.00/h + ?")


def billed(account: str = "hub", **unpriced: int) -> FakeCloud:
    """Return a cloud with something priced, something free, and so many GPUs in each instance without a price."""
    rows = [container(account, "priced"), container(account, "free", price=money("0"))]
    rows += [container(account, name, price=None, gpu_count=gpus) for name, gpus in unpriced.items()]
    cloud = FakeCloud(account, rows)
    cloud.spending = frozenset({Resource.INSTANCES})
    return cloud


async def test_a_narrow_header_says_that_the_cost_lacks_something() -> None:
    accounts = [billed(name, big=8) for name in ("production", "research", "evaluation", "staging")]
    async with staged(*accounts, size=NARROW) as stage:
        assert stage.header.endswith(" $7.20/h + ?")
        await stage.resize(*WIDE)
        assert stage.header.endswith(" $7.20/h + 32 GPUs unpriced")


async def test_without_any_price_a_cloud_says_what_is_unpriced_and_an_own_server_nothing() -> None:
    cloud = FakeCloud("hub", [container("hub", "a", price=None, gpu_count=1)])
    async with staged(cloud, lab()) as stage:
        assert "unpriced" not in stage.header
    cloud = FakeCloud("hub", [container("hub", "a", price=None, gpu_count=1)])
    cloud.spending = frozenset({Resource.INSTANCES})
    async with staged(cloud, lab()) as stage:
        assert stage.header.endswith(" 1 GPU unpriced")


async def test_several_accounts_are_ticked_in_the_menu_or_typed_with_commas() -> None:
    async with staged(lab(), attic(), FakeBackend("third")) as stage:
        await stage.press("at", "j", "space", "j", "space")
        assert stage.text.count("✓ ") == 2
        await stage.press("enter")
        assert stage.app.session.only == ("lab", "attic")
        assert "[lab]" in stage.header
        assert "[attic]" in stage.header
        assert stage.app.session.accounts_text == "lab or attic"
        await stage.command("account attic,third")
        assert stage.app.session.only == ("attic", "third")
        assert "train" not in stage.names
        await stage.command("account lab,nowhere")
        assert "No account nowhere." in stage.toasts
        assert stage.app.session.only == ("attic", "third")
        await stage.press("escape")
        assert not stage.app.session.only


async def test_an_account_with_a_colour_has_it_in_rows_header_and_questions() -> None:
    async with staged(lab(), attic()) as stage:
        fleet = stage.app.session.fleet
        fleet.accounts["lab"].__dict__["color"] = "red"
        await stage.command("account all")
        bar = stage.view.query_one(HeaderBar)
        assert any("$account-red" in str(span.style) for span in bar.content.spans)
        await stage.press("X")
        assert stage.lines[next(i for i, line in enumerate(stage.lines) if "Stop " in line) - 2].strip("█ ") == "lab"
        await stage.press("escape")
        for key in ("x", "a"):
            await stage.press(key)
            dialog = stage.app.screen
            assert isinstance(dialog, Dialog)
            assert dialog.account == ("lab", "account-red"), key
            await stage.press("escape")
        await stage.press("@")
        names = [option.prompt for option in stage.app.screen.query_one(OptionList).options]
        styled = [name.plain for name in names if isinstance(name, Content) and "$account-red" in str(name.spans)]
        assert [text.split()[1] for text in styled] == ["lab"]


class Coloured(Context):
    """A context in which every account has a colour."""

    def account_style(self, account: str) -> str:
        return "account-red"


def test_an_account_with_a_colour_has_it_in_every_view() -> None:
    context, about = Coloured(), Ref("lab", "attempt", "1")
    found: list[tuple[Column[Any], Any]] = []
    home = {column.key: column for column in home_columns(["lab"], context.account_style)}
    lines = {
        name: HomeLine(section=Section.WASTE, name=name, opens=Opens("waste"), account="lab")
        for name in ("train", "lab")
    }
    found += [(home["account"], lines["train"]), (home["name"], lines["lab"])]
    views: dict[Any, Any] = {
        attempt_columns: SimpleNamespace(ref=about),
        forward_columns: SimpleNamespace(ref=about),
        rule_columns: SimpleNamespace(accounts=("lab",)),
        cost_columns: SimpleNamespace(ref=about, whole=True),
    }
    found += [(column, row) for view, row in views.items() for column in view(context) if column.key == "account"]
    assert len(found) == 6
    for column, row in found:
        assert spans_of(column.cell(row))[-1] == ("lab", "account-red")


async def test_a_limit_to_accounts_is_named_at_any_width_and_escape_takes_one_thing_at_a_time() -> None:
    others = [FakeBackend(f"account-{number}") for number in range(8)]
    async with staged(lab(), *others, size=NARROW) as stage:
        await stage.command("account lab")
        assert "@ lab" in stage.header
        assert "@ lab" in stage.title
        await stage.press("slash")
        await stage.type("train")
        await stage.press("enter", "space", "escape")
        assert not stage.table.marked
        assert stage.names == ["train"]
        await stage.press("escape")
        assert len(stage.names) > 1
        assert stage.app.session.only == ("lab",)
        await stage.press("escape")
        assert not stage.app.session.only
