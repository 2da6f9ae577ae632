"""Rows under headings: the menu and the command, folding, marks, and what is refused on a heading."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from gputui.history.preferences import Preferences
from gputui.models import Deployment, Money, Phase, Ref, Resource
from tests.fleet.fakes import FakeBackend
from tests.screens.stage import NARROW, staged
from tests.screens.world import backend, gpu, instance, lab


async def test_instances_are_grouped_folded_marked_and_acted_on() -> None:
    hub = backend("hub", [instance("hub", "serve", host="h2"), instance("hub", "train", host="h10")])
    lab = backend("lab", [instance("lab", "box", host="h10"), instance("lab", "old", "exited", host="h2")])
    async with staged(hub, lab, view="3") as stage:
        await stage.press("G")
        assert "Group the rows by" in stage.text
        await stage.press("a")
        assert "by account" in stage.title
        assert "▾ hub  2" in stage.text
        assert "1 running" in stage.line_of("▾ lab")

        # Keys on a heading say that it is none of the rows.
        await stage.press("home", "X")
        assert "h fold" in stage.lines[-1]
        assert "G group" in stage.lines[-1]
        assert "Stop: the cursor is on the heading of hub, not on a row. space marks its rows." in stage.toasts
        await stage.press("enter")
        assert "▸ hub  2" in stage.text
        assert "train" not in stage.text

        # Marks of a folded group are rows like others.
        await stage.press("space", "home")
        assert "2 marked" in stage.line_of("▸ hub")
        await stage.press("X")
        assert "serve" in stage.text
        assert "train" in stage.text
        await stage.press("escape", "ctrl+backslash", "ctrl+g", "h")
        assert "▸ lab  2" in stage.text

        # The filter and new rows change the totals; a name that is looked for is unfolded.
        await stage.command("filter account:lab")
        assert "▸ hub" not in stage.text
        lab.rows[Resource.INSTANCES] = [*lab.rows[Resource.INSTANCES], instance("lab", "new", host="h3")]
        await stage.advance(6)
        assert "lab  3" in stage.text

        # The next grouping is the same key again; host names of two accounts are two.
        await stage.press("escape", "G", "G")
        assert "by deployment" in stage.title
        await stage.command("group host")
        assert [line.split()[1:3] for line in stage.lines if "▾" in line] == [
            ["h2", "1"],
            ["h2", "1"],
            ["h3", "1"],
            ["h10", "1"],
            ["h10", "1"],
        ]
        # Also where the column of the accounts is not in view.
        await stage.command("columns name,state")
        assert [line.split()[1:4] for line in stage.lines if "▾" in line][-2:] == [
            ["h10", "1", "hub"],
            ["h10", "1", "lab"],
        ]
        await stage.command("columns auto")
        await stage.command("group color")
        assert "no grouping by color here: account, deployment, host, gpu, region, none." in stage.toasts
        await stage.command("group none")
        assert "by host" not in stage.title
        assert "▾" not in stage.text
        await stage.press("h")
        assert "the rows are not grouped. G groups them." in stage.toasts


async def test_a_grouping_is_restored_and_one_by_model_leaves_the_number_of_gpus_in_the_rows() -> None:
    preferences = Preferences(lambda: ({"view.instances.group": "gpu"}, 0))
    preferences.read()
    fake = backend("hub", [instance("hub", "a", gpu_model="H100", gpu_indices=(0, 3))])
    async with staged(fake, view="3", preferences=preferences) as stage:
        assert "by GPU model" in stage.title
        assert "2" in stage.line_of("▾ H100  1").split()
        assert "#0,3 H100" in stage.text
        await stage.command("group none")
    assert not preferences.under("view.")


async def test_names_of_groupings_are_completed_in_the_command_bar() -> None:
    async with staged(backend("hub", [instance("hub", "a")]), view="3") as stage:
        await stage.burst("colon", *"group dep", "tab", "enter")
        assert "by deployment" in stage.title
        assert "no deployment  1" in stage.text


async def test_in_gpus_the_side_in_use_is_grouped() -> None:
    async with staged(lab(), view="5") as stage:
        assert "▾ lab-host  4" in stage.text
        await stage.press("tab")
        await stage.command("group instance")
        assert "by instance" in stage.title
        assert "24.0G" in stage.line_of("▾ train  2")
        assert " ? " in stage.line_of("▾ someone-else  1")
        assert "▾ host process  1" in stage.text
        await stage.press("tab", "G", "n")
        assert "▾ lab-host  4" not in stage.text
        assert "▾ train  2" in stage.text


async def test_a_narrow_title_has_the_filter_and_the_grouping_rather_than_an_order_that_is_out_of_view() -> None:
    rows = [instance("hub", name) for name in ("one", "two")]
    async with staged(backend("hub", rows), view="3", size=NARROW) as stage:
        for line in ("sort state", "group deployment", "filter account:hub"):
            await stage.command(line)
        assert "by STATE" not in stage.title, "its heading has the sign"
        while "STATE↑" in stage.text:
            await stage.press("right")
        assert "/ account:hub   by deployment   by" in stage.title


async def test_headings_follow_what_is_in_other_lists() -> None:
    serve = Deployment(Ref("hub", "deployment", "serve"), "serve", "ENDPOINT", Phase.RUNNING, "running", running=1)
    hub = FakeBackend("hub", [Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.GPUS, Resource.IMAGES])
    hub.spending = frozenset({Resource.INSTANCES})
    hub.rows[Resource.INSTANCES] = [instance("hub", "one", gpu_indices=None, gpu_all=True, parent=serve.ref)]
    hub.rows[Resource.DEPLOYMENTS] = [serve]
    hub.rows[Resource.GPUS] = [gpu("hub", 0, 0, 0)]
    async with staged(hub, view="3") as stage:
        await stage.command("group account")
        assert "$4.00" not in stage.line_of("▾ hub  1")
        hub.rows[Resource.DEPLOYMENTS] = [replace(serve, price=Money(Decimal(4), "USD"))]
        hub.rows[Resource.GPUS] = [gpu("hub", index, 0, 0) for index in range(3)]
        await stage.advance(60)
        heading = stage.line_of("▾ hub  1").split()
        assert "$4.00" in heading
        assert "3" in heading
