"""Deployments: how far each is, what is in it, and another number of instances, asked for once."""

from __future__ import annotations

from gputui.errors import ConflictError, GputuiError, UnavailableError
from gputui.models import Action, Deployment, Ref, Resource
from gputui.models.explanations import Explanation, Found, Relaxed
from gputui.text import clean
from tests.screens.cloud import Cloud, container, deployment, usd
from tests.screens.stage import NARROW, WIDE, Stage, staged, unsafe_on
from tests.screens.world import fail, lab

EVIL = clean("\x1b[/x]")


def hub() -> Cloud:
    """Return a cloud with a deployment of every kind."""
    cloud = Cloud(
        "hub",
        deployment("hub", "broken", "failed", running=0),
        deployment("hub", "llama", gpu_models=("RTX PRO 6000", "H100"), gpu_count=8),
        deployment("hub", "probe", "stopped", type="Container", desired=None, running=0),
        deployment("hub", "sweep", type="Job", desired=20, parallelism=4, finished=12, running=4, gpu_count=1),
        deployment("hub", "train", running=3, starting=1),
    )
    cloud.rows[Resource.INSTANCES] = [
        container("hub", "train-1", "train"),
        container("hub", "train-2", "train"),
        container("hub", "llama-1", "llama"),
    ]
    return cloud


async def confirm(stage: Stage) -> None:
    await stage.press("right", "enter")


# --- what is shown ----------------------------------------------------------------------------------------------


async def test_name_state_counts_and_gpus_are_seen_at_any_width() -> None:
    async with staged(hub(), Cloud("autodl"), view="2") as stage:
        assert stage.title.startswith("Deployments   5")
        for size in (WIDE, NARROW):
            await stage.resize(*size)
            for name, parts in {
                "broken": ("✗ failed", "▁▁▁▁ 0/4", "2 × RTX 5090"),
                "llama": ("● running", "▇▇▇▇ 4/4", "8 × RTX PRO 6000 +1"),
                "probe": ("○ stopped", " 0 "),
                "sweep": ("● running", "▇▇▁▁ 12/20 4 run", "1 × RTX 5090"),
                "train": ("● running", "▇▇▇▁ 3/4 +1", "2 × RTX 5090"),
            }.items():
                line = stage.line_of(f" {name} ")
                shown = parts if size == WIDE else [part.lstrip("▇▁ ") for part in parts]  # without a bar
                assert all(part in line for part in shown), line


async def test_filters_know_what_is_not_shown_and_problems_are_what_is_not_as_it_should_be() -> None:
    cloud = hub()
    async with staged(cloud, view="2", size=NARROW) as stage:
        await stage.press("slash")
        await stage.type("gpu:h100")
        await stage.press("enter")
        assert stage.names == ["uuid-llama"]
        await stage.press("escape", "slash")
        await stage.type("command:epochs type:job")
        await stage.press("enter")
        assert stage.names == ["uuid-sweep"]

        # Only problems are those that are not as they should be.
        await stage.press("escape")
        cloud.rows[Resource.DEPLOYMENTS] = [
            *cloud.rows[Resource.DEPLOYMENTS],
            deployment("hub", "short", running=3),
            deployment("hub", "odd", "draining"),
        ]
        await stage.advance(10)
        await stage.press("z")
        assert stage.names == ["uuid-broken", "uuid-odd", "uuid-short", "uuid-train"]

        # Rows of an account that fails stay and the reason is shown.
        await stage.press("z")
        fail(cloud, UnavailableError("hub: no answer."))
        await stage.advance(10)
        assert "uuid-train" in stage.names
        assert "✗ hub  as of" in stage.text
        assert "no answer." in stage.text


async def test_what_is_empty_says_why() -> None:
    async with staged(Cloud("hub"), view="2") as stage:
        assert "No deployments in any account. Press n to create one." in stage.text
    async with staged(lab(), view="2") as stage:
        assert "there are instances only (3)" in stage.text


async def test_the_menu_of_a_deployment_describes_its_events_as_those_of_a_deployment() -> None:
    async with staged(hub(), view="2", size=WIDE) as stage:
        await stage.press("a")
        assert "State changes of this instance or" in stage.text


async def test_names_and_commands_that_would_act_on_a_terminal_are_data() -> None:
    cloud = hub()
    cloud.rows[Resource.DEPLOYMENTS] = [
        deployment("hub", EVIL, "failed", image=EVIL, command=EVIL, gpu_models=(EVIL,), type=EVIL)
    ]
    async with staged(cloud, view="2", size=(180, 40)) as stage:
        assert not unsafe_on(stage)
        assert EVIL in stage.text
        for key in ("d", "X", "D"):
            await stage.press(key)
            assert EVIL in stage.text
            assert not unsafe_on(stage)
            await stage.press("escape")
        assert not stage.ended()


# --- the way about ----------------------------------------------------------------------------------------------


async def test_a_deployment_opens_its_instances_its_events_and_its_description() -> None:
    async with staged(hub(), view="2", size=(180, 40)) as stage:
        await stage.press("end", "enter")
        assert stage.title.startswith("train › Instances")
        assert sorted(stage.names) == ["uuid-train-1", "uuid-train-2"]
        await stage.press("escape")
        assert stage.title.startswith("Deployments")
        assert stage.here == "uuid-train"

        # E shows the events of all its instances.
        await stage.press("end")
        assert "events" in stage.lines[-1]
        await stage.press("e")
        assert stage.title.startswith("train › Events")

        # D describes with the whole template.
        await stage.press("escape")
        await stage.press("end", "d")
        for part in (
            "3 of 4 running, 1 starting",
            "$0.90–1.50/h",
            "$6.00/h",
            "2 × RTX 5090",
            "sgp1, Singapore-B",
            "11.8–12.8",
            "8–64",
            "32.0G–256G",
            "base-image-02",
            "6006/http 6008/tcp",
            "yes, all",
            "python train.py --epochs 3",
        ):
            assert part in stage.text, part

        # A wide terminal shows more of the template.
        await stage.press("escape", "tab")
        line = stage.line_of(" train ")
        for part in ("ReplicaSet", "$0.90–1.50", "$5.20", "sgp1, Singapore-B", "11.8–12.8", "base-image-02"):
            assert part in line


# --- another number of instances --------------------------------------------------------------------------------


async def test_plus_asks_with_the_number_and_the_price_and_what_is_sent_once_shows_on_the_row() -> None:
    cloud = hub()
    async with staged(cloud, view="2") as stage:
        await stage.press("end", "plus")
        for part in (
            "Scale train in hub?",
            "● train   ReplicaSet   running 3/4 +1   2 × RTX 5090",
            "4  →  5",
            "1 more starts as soon as there is a host.",
            "Spending rises by up to $1.50/h, to at most $7.50/h.",
        ):
            assert part in stage.text, part
        assert stage.app.focused is not None
        assert stage.app.focused.id == "cancel"
        await stage.press("enter")
        assert cloud.received == []

        # More plus in one burst change the number and are sent once.
        await stage.press("end")
        await stage.burst("plus", "plus", "plus", "minus")
        assert "4  →  6" in stage.text
        await stage.burst("right", "enter", "enter", "plus")
        await stage.advance(1)
        assert cloud.received == [6]
        assert cloud.calls[Action.SCALE] == 1

        # y and n answer it as they answer other questions.
        await stage.press("end", "plus", "n")
        assert (stage.dialogs, cloud.received) == ([], [6])
        await stage.press("end", "plus", "plus", "y")
        await stage.advance(1)
        assert (stage.dialogs, cloud.received) == ([], [6, 6])

        # What is under way shows on the row.
        answer = cloud.hold(Action.SCALE)
        await stage.press("end", "plus")
        await confirm(stage)
        assert "◐ scaling…" in stage.line_of(" train ")
        answer.set()
        await stage.advance(2)
        assert "scaling" not in stage.line_of(" train ")

        # A refused scale is reported.
        cloud.errors[Action.SCALE] = ConflictError("The quota of 4 instances is used up.")
        await stage.press("end", "plus")
        await confirm(stage)
        await stage.advance(1)
        assert "The quota of 4 instances is used up." in stage.toasts


async def test_the_number_can_be_typed() -> None:
    cloud = hub()
    async with staged(cloud, view="2") as stage:
        await stage.press("end")
        for keys, number in (("1 2", 12), ("1 2 backspace", 1), ("7 plus", 8), ("minus", 3)):
            await stage.command("scale 4")
            assert "4  →  4" in stage.text
            await stage.press(*keys.split())
            await confirm(stage)
            await stage.advance(1)
            assert cloud.received == [number]
            cloud.received.clear()


async def test_what_cannot_be_scaled_or_is_no_other_number_is_refused_in_words() -> None:
    cloud = hub()
    async with staged(cloud, view="2") as stage:
        for name in ("sweep", "probe"):
            stage.table.select(Ref("hub", "deployment", f"uuid-{name}"))
            await stage.settle()
            assert "+ more" not in stage.lines[-1]
            await stage.press("plus")
            assert not stage.in_dialog
            assert f"{name}: scale of a " in stage.toasts
            await stage.command("scale 3")
            assert not stage.in_dialog

        # What is no number is refused in words.
        await stage.press("end")
        await stage.command("scale many")
        assert "many is not a number of instances" in stage.toasts
        assert not stage.in_dialog

        # The same number cannot be confirmed.
        await stage.press("end", "plus", "minus", "y")
        assert stage.dialogs == ["ScaleDialog"]
        await confirm(stage)
        assert cloud.received == []

        # Less than one is refused and the way to stop is offered.
        await stage.press("escape")
        assert not stage.in_dialog
        await stage.command("scale 0")
        assert "It cannot have less than one instance." in stage.text
        assert "Stop it instead" in stage.text
        await stage.press("y")
        assert stage.dialogs == ["ScaleDialog"]
        await confirm(stage)
        assert "Stop train in hub?" in stage.text
        await confirm(stage)
        await stage.advance(1)
        assert cloud.received == []
        assert cloud.calls[Action.STOP] == 1


# --- stop and delete --------------------------------------------------------------------------------------------


async def test_stopping_says_what_ends_with_it_and_deleting_what_runs_wants_its_name() -> None:
    cloud = hub()
    async with staged(cloud, view="2") as stage:
        await stage.press("end", "D")
        assert "Type train to confirm:" in stage.text
        await stage.press("enter")
        assert cloud.calls[Action.DELETE] == 0
        await stage.type("train")
        await stage.press("enter")
        await stage.advance(1)
        assert cloud.calls[Action.DELETE] == 1

        # Stopping a deployment says what ends with it.
        await stage.press("end", "X")
        for part in (
            "Stop train in hub?",
            "ReplicaSet   running 3/4 +1   2 × RTX 5090   $0.90–1.50/h",
            "All its instances end, and every process in them.",
        ):
            assert part in stage.text, part
        await confirm(stage)
        await stage.advance(1)
        assert cloud.calls[Action.STOP] == 1


async def test_nothing_is_changed_where_it_is_read_only_and_ssh_by_name_means_the_instance() -> None:
    cloud = hub()
    cloud.rows[Resource.INSTANCES] = [container("hub", "train", "train")]
    async with staged(cloud, view="2", read_only=True) as stage:
        for key in ("plus", "minus", "X", "D", "n"):
            await stage.press("end", key)
            assert not stage.in_dialog
        assert "hub is read-only" in stage.toasts

        # A deployment is found by its name and ssh still means the instance.
        stage.app.clear_notifications()
        assert [row.ref.kind for row in stage.app.session.find("train")] == ["container", "deployment"]
        await stage.command("ssh train")
        assert "train has no SSH address." in stage.toasts
        assert "several" not in stage.toasts


# --- why it does not start --------------------------------------------------------------------------------------


class Explainer:
    """Explains every deployment in the same way, or fails."""

    def __init__(self, error: GputuiError | None = None) -> None:
        self.error = error

    async def explain(self, row: Deployment) -> Explanation:
        if self.error is not None:
            raise self.error
        return Explanation(row.ref, Found(0), (Relaxed("with CUDA above 12.2", Found(8)),))


async def test_why_a_deployment_does_not_start_is_explained_and_is_in_its_description() -> None:
    cloud = hub()
    cloud.explainer = Explainer()
    async with staged(cloud, view="2") as stage:
        await stage.command("explain train")
        assert "Why train has 3 of 4 running, 1 starting" in stage.text
        assert "8 would fit with CUDA above 12.2" in stage.text
        await stage.press("escape")
        await stage.command("describe train")
        assert "Why it does not start" not in stage.text, "the fourth is starting"
        await stage.press("escape")
        cloud.rows[Resource.DEPLOYMENTS] = [deployment("hub", "train", running=2)]
        await stage.press("r", "d")
        _, _, reasons = stage.text.partition("Why it does not start")
        reasons, _, rest = reasons.partition("Instances")
        assert "✗ No idle GPU fits its limits now." in reasons, "in view without scrolling"
        assert "llama-1" not in rest


async def test_the_footer_has_the_key_that_explains_where_there_is_something_to_explain() -> None:
    cloud = hub()
    cloud.explainer = Explainer()
    async with staged(cloud, view="2") as stage:
        stage.table.select(Ref("hub", "deployment", "uuid-broken"))
        await stage.settle()
        assert stage.lines[-1].startswith(" enter open   W why")
        await stage.press("W")
        assert "Why broken has 0 of 4 running" in stage.text
        await stage.press("escape")
        stage.table.select(Ref("hub", "deployment", "uuid-llama"))
        await stage.settle()
        assert "why" not in stage.lines[-1]
        await stage.press("W")
        assert "llama lacks no instance" in stage.text


async def test_all_that_is_known_is_shown_where_the_stock_is_not_asked_with_the_reason_once() -> None:
    cloud = hub()
    async with staged(cloud, view="2") as stage:
        for how in ("explain", "explain broken"):  # the row under the cursor, and by its name
            await stage.command(how)
            assert "Why broken has 0 of 4 running" in stage.text
            assert "✗ The state is failed: the API reports no reason for it." in stage.text
            assert stage.text.count("The API of hub does not compare") == 1
            await stage.press("escape")
        cloud.explainer = Explainer(UnavailableError("hub: no answer."))
        await stage.command("explain train")
        assert "The stock could not be asked: hub: no answer." in stage.text


async def test_a_deployment_is_explained_in_every_view_that_has_a_row_of_it() -> None:
    cloud = hub()
    cloud.rows[Resource.DEPLOYMENTS] = [deployment("hub", "train", "failed", running=2, price=usd("2.60"))]
    train = cloud.rows[Resource.DEPLOYMENTS][0].ref
    async with staged(cloud, view="0") as stage:
        await stage.advance(5)
        for view in ("view.home", "view.instances", "waste"):
            stage.app.session.navigator.go(view.removeprefix("view."))
            await stage.settle()
            rows = [(ref, stage.table.get(ref)) for ref in stage.table.visible_refs]
            here = (ref for ref, row in rows if train in (ref, getattr(row, "about", ""), getattr(row, "parent", "")))
            stage.table.select(next(here))
            await stage.command("explain")
            assert "Why train has 2 of 4 running" in stage.text, view
            await stage.press("escape")


async def test_a_dialog_is_as_high_as_its_text_and_ends_with_its_keys() -> None:
    async with staged(hub(), view="2", size=WIDE) as stage:
        await stage.command("explain llama")
        inside = [line for line in stage.lines if line.lstrip().startswith("█")]
        assert "llama lacks no instance: 4 of 4 running" in inside[1]
        assert len(inside) < 12
        assert "esc close" in inside[-2]
        await stage.press("slash")
        assert stage.app.screen.query_one("#find").region.height > 0
        assert "esc close" in [line for line in stage.lines if line.lstrip().startswith("█")][-2]
