"""What is spent, what is left, and how long what is prepaid lasts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gputui.analytics.cost_lines import cost_lines
from gputui.errors import UnavailableError
from gputui.models import Balance, Package, Ref, Resource
from gputui.text import clean
from tests.screens.hub import BATCH, TRAIN, FakeCloud, container, deployment, hub, money
from tests.screens.stage import NARROW, WIDE, staged, stop_the_clock, unsafe_on
from tests.screens.world import fail, lab


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass on the wall."""
    stop_the_clock(monkeypatch, "gputui.screens.cost.view")


def autodl() -> FakeCloud:
    """Return an account that is paid in another currency, with a package nothing draws on."""
    cloud = FakeCloud("autodl", [container("autodl", "x", price=money("3.10", "CNY"), parent=None, region="westDC2")])
    cloud.rows[Resource.BALANCES] = [Balance(Ref("autodl", "balance", "autodl"), money("96", "CNY"))]
    cloud.rows[Resource.PACKAGES] = [
        Package(Ref("autodl", "package", "p"), "RTX 4090", ("westDC2", "westDC3"), total=3_600_000, balance=200_000)
    ]
    return cloud


NAMES = (deployment(TRAIN, "train-a"), deployment(BATCH, "batch"))

# --- the sums -----------------------------------------------------------------------------------------------------


def test_an_account_is_followed_by_its_deployments_the_dearest_first() -> None:
    cloud = hub()
    rows = [*cloud.rows[Resource.INSTANCES], *NAMES]
    lines = [(line.ref.account, line) for line in cost_lines(rows, [], ["empty", "hub"])]
    assert [(account, part.name, part.instances, part.gpus, part.per_hour) for account, part in lines] == [
        ("hub", "", 3, 5, money("4.21")),
        ("hub", "train-a", 2, 4, money("3.60")),
        ("hub", "batch", 1, 1, money("0.61")),
    ]


def test_an_account_in_two_currencies_has_two_sums() -> None:
    rows = [container("hub", "a"), container("hub", "b", price=money("3.10", "CNY"))]
    lines = cost_lines([*rows, *NAMES], [Balance(Ref("hub", "balance", "hub"), money("5", "CNY"))], ["hub"])
    assert [(line.name, line.per_hour, line.balance) for line in lines] == [
        ("", money("3.10", "CNY"), money("5", "CNY")),
        ("train-a", money("3.10", "CNY"), None),
        ("", money("1.80"), None),
        ("train-a", money("1.80"), None),
    ]
    assert len({line.ref for line in lines}) == 4


def test_a_balance_is_shown_without_any_spending() -> None:
    (line,) = cost_lines([], [Balance(Ref("hub", "balance", "hub"), money("5"))], ["hub"])
    assert (line.per_hour, line.balance, line.instances) == (None, money("5"), 0)


# --- the screen ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_it_shows_what_is_spent_and_left_and_how_long_packages_last(size: tuple[int, int]) -> None:
    async with staged(hub(), autodl(), lab(), view="9", size=size) as stage:
        assert "$4.21/h  $101.04/day" in stage.title
        assert "¥3.10/h  ¥74.40/day" in stage.title
        for part in ("3", "$4.21", "$412.50"):
            assert part in stage.line_of("▌  hub")
        assert "$3.60" in stage.line_of("train-a")
        assert "¥3.10" in stage.line_of("no deployment")
        assert all(len(line) <= size[0] for line in stage.lines)

        # A package says its hours and when it is used up.
        row = stage.line_of("RTX 5090")
        for part in ("hub", "sgp1", "▇▁▁▁▁▁  20.0 of 100", " 2 ", "in 10h 00m  22:00"):
            assert part in row
        assert stage.line_of("RTX 4090").split()[-2:] == ["–", "–"]

        # The account filter limits everything.
        await stage.command("account autodl")
        assert "$" not in stage.text
        assert "RTX 5090" not in stage.text
        assert "¥96.00" in stage.text


async def test_a_package_shows_how_long_it_lasts_or_that_it_is_used_up() -> None:
    cloud = hub()
    cloud.rows[Resource.PACKAGES] = [
        Package(Ref("hub", "package", "p"), "RTX 5090", ("sgp1",), total=3_600_000, balance=3_600_000)
    ]
    async with staged(cloud, view="9") as stage:
        assert stage.line_of("RTX 5090").endswith("2  in 20d 20h")

        # A package that is used up says so.
        cloud.rows[Resource.PACKAGES] = [Package(Ref("hub", "package", "p"), "RTX 5090", (), total=3600, balance=0)]
        await stage.press("r")
        await stage.advance(1)
        row = stage.line_of("RTX 5090")
        assert "✗ used up" in row
        assert "all" in row

        # Without packages there is no second table.
        cloud.rows[Resource.PACKAGES] = []
        await stage.press("r")
        await stage.advance(1)
        assert "Prepaid" not in stage.text
        assert "tab" not in stage.lines[-1]


async def test_the_sums_follow_the_instances_and_old_figures_stay() -> None:
    cloud = hub()
    async with staged(cloud, view="9") as stage:
        cloud.rows[Resource.INSTANCES] = [container("hub", "train-a-7f3c", gpu_count=8)]
        await stage.advance(6)
        assert "$1.80/h" in stage.title
        assert "batch" not in stage.text
        assert "in 2h 30m" in stage.line_of("RTX 5090")

        # Packages follow what drew on them while another view was shown.
        before = stage.line_of("RTX 5090")
        assert " in " in before
        await stage.press("3")
        cloud.rows[Resource.INSTANCES] = []
        await stage.advance(31)
        await stage.press("9")
        assert " in " not in stage.line_of("RTX 5090"), "nothing draws on it any more"

        # Old figures stay and are marked.
        cloud.rows[Resource.INSTANCES] = hub().rows[Resource.INSTANCES]
        await stage.advance(6)
        assert "?" not in stage.title
        fail(cloud, UnavailableError("no answer"))
        await stage.advance(6)
        assert "$4.21" in stage.line_of("▌  hub")
        assert "$4.21/h ?" in stage.title
        assert "no answer" in stage.text


async def test_without_prices_it_says_why_it_is_empty() -> None:
    async with staged(lab(), view="9") as stage:
        assert (
            "No prices in any account. lab: no price stated; set price, or price = 0, in [accounts.lab]."
            in " ".join(stage.text.split())
        )


async def test_each_line_and_package_has_its_menus_its_description_and_its_instances() -> None:
    async with staged(hub(), lab(), view="9") as stage:
        await stage.press("j", "enter")
        assert stage.title.startswith("train-a › Instances   3 of 9")
        await stage.press("escape")
        assert stage.title.startswith("Cost")

        # Enter on an account goes to its instances.
        await stage.press("g")
        await stage.press("enter")
        assert stage.title.startswith("Instances   @ hub   4 of 9")

        # A deployment can be described and stopped from here.
        await stage.press("9")
        assert stage.title.startswith("Cost")
        await stage.press("d")
        assert not stage.in_dialog
        await stage.press("j", "d")
        assert "train-a" in stage.text
        assert stage.dialogs == ["LinkedReaderDialog"]
        await stage.press("escape", "X")
        assert "Stop train-a in hub?" in stage.text

        # Cost offers no server filter.
        await stage.press("escape")
        await stage.press("L")
        assert not stage.in_dialog

        # Menus open on either side.
        for keys in (("Y",), ("a",), ("tab", "Y")):
            await stage.press(*keys)
            assert stage.dialogs == ["MenuDialog"]
            await stage.press("escape")

        # A package is described on its side, which a typed command does not leave.
        await stage.command("sort gpu:desc")
        await stage.press("enter")
        assert stage.dialogs == ["LinkedReaderDialog"]
        assert "RTX 5090" in stage.text


async def test_what_is_shown_can_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with staged(hub(), view="9") as stage:
        await stage.press("ctrl+s", "J")
        await stage.until_text("Saved as")
        text = await asyncio.to_thread(lambda: next(tmp_path.glob("*.json")).read_text())
        assert [line["instances"] for line in json.loads(text)] == [3, 2, 1]


async def test_hostile_texts_are_data() -> None:
    text = clean("\x1b[2J[/x][@click=app.bell]漢字")
    cloud = hub()
    cloud.rows[Resource.DEPLOYMENTS] = [deployment(TRAIN, text)]
    cloud.rows[Resource.PACKAGES] = [Package(Ref("hub", "package", "p"), text, (text,), total=10**30, balance=10**29)]
    cloud.rows[Resource.INSTANCES] = [container("hub", "a", price=money("1e9"))]
    async with staged(cloud, view="9") as stage:
        for size in (WIDE, NARROW):
            await stage.resize(*size)
            assert "[/x]" in stage.text
            assert not unsafe_on(stage)


# --- what has no price --------------------------------------------------------------------------------------------


def partly_priced() -> FakeCloud:
    """Return a cloud in which two of three instances have no price."""
    rows = [
        container("hub", "priced"),
        container("hub", "node", parent=None, price=None, gpu_count=8),
        container("hub", "small", parent=None, price=None, gpu_count=1),
    ]
    cloud = FakeCloud("hub", rows)
    cloud.rows[Resource.BALANCES] = [Balance(Ref("hub", "balance", "hub"), money("36"))]
    cloud.spending = frozenset({Resource.INSTANCES})
    return cloud


async def test_what_has_no_price_has_a_line_that_opens_it_and_is_counted() -> None:
    cloud = partly_priced()
    async with staged(cloud, lab(), view="9") as stage:
        for size in (NARROW, WIDE):
            await stage.resize(*size)
            assert "$1.80/h" in stage.title
            assert "+ 9 GPUs unpriced" in stage.title
            whole = stage.line_of("▌  hub")
            for part in ("3", "1 of 3", "$1.80 + ?", "≤ 20h"):
                assert part in whole
            instances = ["2"] if size == WIDE else []
            unpriced = next(line for line in stage.body if " unpriced " in line)
            assert unpriced.split() == ["hub", "unpriced", *instances, "9", "?"]

        # Enter on what has no price goes to these instances and back.
        await stage.press("j", "j", "enter")
        assert stage.title.startswith("Unpriced in hub › Instances   2 of 8")
        assert "?" in stage.line_of("node")
        assert "small" in stage.text
        await stage.press("escape")
        assert stage.title.startswith("Cost")

        # The column of what is priced goes when all is.
        await stage.resize(*NARROW)
        for heading in ("PRICED", "RUNS OUT", "GPUS", "BALANCE"):
            assert heading in stage.body[1]
        cloud.rows[Resource.INSTANCES] = [container("hub", "priced")]
        await stage.advance(6)
        assert "PRICED" not in stage.body[1]
        for heading in ("PER HOUR", "BALANCE", "RUNS OUT", "GPUS", "INSTANCES"):
            assert heading in stage.body[1]


async def test_enter_shows_the_instances_whatever_was_typed_there_before() -> None:
    async with staged(hub(), lab()) as stage:
        await stage.command("filter nothing")
        await stage.press("9", "g")
        await stage.settle()
        await stage.press("enter")
        await stage.settle()
        assert stage.title.startswith("Instances")
        assert "nothing" not in stage.title
        assert stage.names
        await stage.command("filter train")
        await stage.press("2", "3")
        assert "/ train" in stage.title, "without a jump the filter stays"


async def test_a_balance_runs_out_by_what_is_spent_and_nothing_is_spent_on_what_is_free_or_stopped() -> None:
    cloud = FakeCloud("hub", [container("hub", "a", parent=None)])
    cloud.rows[Resource.BALANCES] = [Balance(Ref("hub", "balance", "hub"), money("90"))]
    async with staged(cloud, view="9") as stage:
        assert "2d 02h" in stage.line_of("▌  hub")
        cloud.rows[Resource.BALANCES] = [Balance(Ref("hub", "balance", "hub"), money("-3"))]
        await stage.advance(70)
        assert "✗ used up" in stage.line_of("▌  hub")

        # Free and stopped instances cost nothing and are no gap.
        cloud.spending = frozenset({Resource.INSTANCES})
        cloud.rows[Resource.INSTANCES] = [
            container("hub", "free", price=money("0")),
            container("hub", "off", "shutdown", price=None),
            container("hub", "was-dear", "shutdown", price=money("99")),
        ]
        cloud.rows[Resource.BALANCES] = []
        await stage.advance(70)
        assert stage.line_of("▌  hub").split() == ["▌", "hub", "1", "2", "–"]
        assert "unpriced" not in stage.text
        await stage.press("3")
        assert "–" in stage.line_of("free")
        assert "99" not in stage.text
        await stage.press("<")


# --- lists that are filtered by their servers -----------------------------------------------------------------------


async def test_sums_of_filtered_lists_are_bounds_and_say_why() -> None:
    cloud = hub()
    async with staged(cloud, autodl(), lab()) as stage:
        cloud.rows[Resource.INSTANCES] = []
        stage.fleet.server_filters.set(Resource.INSTANCES, {"status": "creating"})
        await stage.advance(0)
        await stage.press("9")
        assert "≥ ¥3.10/h  ≥ ¥74.40/day" in stage.title
        assert "server filter" not in stage.title
        assert "Sums leave out instances excluded by the server filter; L in 3 changes or clears it." in stage.text
        assert "nothing" not in stage.line_of("▌  hub")
        assert "?" in stage.line_of("▌  hub")
        assert "≥ ¥3.10" in stage.line_of("   autodl")
        # Prepaid time of a filtered list is at most what is computed.
        assert "≥ 0" in stage.line_of("RTX 4090")
        assert "?" in stage.line_of("RTX 4090")
        stage.fleet.server_filters.set(Resource.INSTANCES, {})
        await stage.advance(0)
        await stage.press("3", "9")
        assert "≥" not in stage.text
        assert "Sums leave out" not in stage.text
