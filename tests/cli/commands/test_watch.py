"""``gputui watch`` and ``gputui rules``: made, shown, listed, edited, refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from gputui.models import Form, FormField, Money, Offer, Ref, Resource, Role
from gputui.models.rules import Quiet, Watch
from gputui.rules.files import RuleFiles
from gputui.rules.journal import Entry, EntryKind, Journal
from gputui.rules.place import agent_dir
from tests.cli.conftest import account_toml, write_config
from tests.fleet.fakes import START, FakeBackend, pod

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent that starts."""
    monkeypatch.delenv("GPUTUI_AGENT")
    monkeypatch.setattr("gputui.agent.start.ensure_agent", lambda *_: None)


class Cloud(FakeBackend):
    """A cloud with a form whose fields have roles."""

    async def create_form(self, kind: str) -> Form:
        return Form(
            self.account,
            kind,
            "New pod",
            (
                FormField("name", "Name", role=Role.NAME),
                FormField("image", "Image", required=False),
                FormField("gpu", "GPU", required=False, role=Role.GPU_MODELS),
                FormField("region", "Region", required=False, role=Role.REGIONS),
                FormField("gpus", "GPUs", required=False, default="1", role=Role.GPU_COUNT),
                FormField("price_to", "Price to", required=False, role=Role.PRICE_LIMIT),
            ),
        )

    def check_create(self, kind: str, values: object) -> dict[str, str]:
        assert isinstance(values, dict)
        return {"name": "is longer than 20"} if len(values["name"]) > 20 else {}


@pytest.fixture
def hub(home: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    backend = Cloud("hub", [Resource.INSTANCES, Resource.STOCK])

    def offer(region: str, price: str) -> Offer:
        ref = Ref("hub", "offer", f"{region}/RTX 4090")
        return Offer(ref, "RTX 4090", region, idle=0, total=8, price_from=Money(Decimal(price), "USD"))

    backend.rows[Resource.STOCK] = [offer("sgp1", "1.00"), offer("sgp2", "0.90")]
    backend.rows[Resource.INSTANCES] = [pod("hub", "main", "exited")]
    monkeypatch.setattr("gputui.api.open_backend", lambda _: backend)
    write_config(home, account_toml("hub"))
    return backend


def files(home: Path) -> RuleFiles:
    return RuleFiles(agent_dir(home / "state"))


def only(home: Path) -> Watch:
    (rule,) = files(home).read().rules.values()
    assert isinstance(rule, Watch)
    return rule


def test_a_watch_is_saved_for_the_agent(run: Run, hub: Cloud, home: Path) -> None:
    status, out, _ = run("watch", "4090", "--count", "4", "--quiet", "22:00-07:00", "--notify", "webhook", "--once")
    rule = only(home)
    assert (status, out) == (0, f"{rule.id}\n")
    assert (rule.models, rule.count, rule.once, rule.grab) == (("RTX 4090",), 4, True, None)
    assert (rule.quiet, rule.notify, rule.scope) == (Quiet(1320, 420), ("webhook",), str(home / "config.toml"))


def test_a_grab_has_a_candidate_for_each_offer_and_a_name_that_fits(run: Run, hub: Cloud, home: Path) -> None:
    status, _, err = run(
        *("watch", "4090", "--grab", "pod", "--set", "name=a-long-training-run", "--set", "gpus=2"),
        *("--ceiling", "3", "--number", "2", "--hours", "8", "--budget", "50", "--yes"),
    )
    assert status == 0, err
    rule = only(home)
    assert rule.grab is not None
    first, second = rule.grab.candidates
    assert (first.regions, second.regions) == (("sgp1",), ("sgp2",))
    assert first.name == f"a-long-tr-{rule.id}-"
    assert (first.name_field, first.limit_field, first.gpus) == ("name", "price_to", 2)
    assert {one.name: one.value for one in first.values} == {"gpu": "RTX 4090", "region": "sgp1", "gpus": "2"}
    assert (rule.grab.count, rule.grab.ceiling, rule.grab.budget) == (
        2,
        Money(Decimal(3), "USD"),
        Money(Decimal(50), "USD"),
    )


@pytest.mark.parametrize("by", ["environment", "configuration"])
def test_nothing_is_saved_where_the_agent_is_turned_off_and_none_runs(
    run: Run, hub: Cloud, home: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    if by == "environment":
        monkeypatch.setenv("GPUTUI_AGENT", "off")
    else:
        write_config(home, f"[agent]\nenabled = false\n{account_toml('hub')}")
    cause = {"environment": "GPUTUI_AGENT=off is set", "configuration": "[agent] has enabled = false"}[by]
    status, out, err = run("watch", "4090")
    assert (status, out) == (1, "")
    assert cause in err
    assert "gputui agent --background" in err
    assert not files(home).read().rules
    # One that was started by hand follows it.
    monkeypatch.setattr("gputui.agent.place.Place.is_locked", lambda _: True)
    assert run("watch", "4090")[0] == 0
    assert files(home).read().rules


def test_a_dry_run_shows_what_would_be_sent_and_saves_nothing(run: Run, hub: Cloud, home: Path) -> None:
    status, out, _ = run("watch", "4090", "--grab", "pod", "--ceiling", "3", "--dry-run")
    assert status == 0
    assert "# hub sgp1 RTX 4090, limited to $3.00/h\ncreate pod pod-" in out
    assert not files(home).read().rules


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("watch",), "Name the GPU models to watch."),
        (("watch", "H100"), "None of these accounts offers H100. There are: RTX 4090."),
        (("watch", "4090", "--regions", "mars"), "offers RTX 4090 in mars. It is offered in: sgp1, sgp2."),
        (("watch", "4090", "--ceiling", "2"), "--ceiling has no effect without a grab. Add --grab TEMPLATE"),
        (("watch", "4090", "--grab", "pod"), "A grab needs a ceiling"),
        (("watch", "4090", "--grab", "car", "--ceiling", "2"), "car is neither a template nor a kind"),
        (
            ("watch", "4090", "--grab", "pod", "--ceiling", "2", "--hours", "8", "--budget", "10"),
            "The budget of $10.00 is too small for one: $16.00 is its ceiling for 8 h.",
        ),
        (("watch", "4090", "--grab", "pod", "--set", "size=2", "--ceiling", "2"), "a new pod has no field size"),
        (
            ("watch", "4090", "--grab", "pod", "--set", "image=password=hunter2", "--ceiling", "2"),
            "image is or may contain a secret, and a rule keeps none.",
        ),
        (("watch", "4090", "--on-one-machine", "4"), "does not say how many GPUs are idle on one machine"),
        (("watch", "4090", "--quiet", "25:00-1:00"), "is no time of the day"),
        (("watch", "4090", "--notify", "pigeon"), "pigeon is no way of notifications"),
        (("rules", "show"), "show needs the id of a rule."),
        (("rules", "pause", "g7k2"), "There is no rule g7k2. There are no rules."),
        (("rules", "--count", "2"), "--count belongs to edit"),
    ],
)
def test_a_refusal_names_the_cause_and_the_way_out(
    run: Run, hub: Cloud, home: Path, words: list[str], said: str
) -> None:
    status, _, err = run(*words)
    assert status != 0
    assert said in err
    assert not files(home).read().rules


def test_rules_are_listed_shown_edited_paused_and_deleted(run: Run, hub: Cloud, home: Path) -> None:
    run("watch", "4090", "--grab", "pod", "--ceiling", "3", "--yes")
    id_ = only(home).id
    status, out, err = run("rules")
    assert f"{id_}  waiting  create 1 × pod in hub on RTX 4090 for at most $3.00/h (2 candidates)" in out
    assert (status, "no agent runs" in err) == (1, True)

    assert run("rules", "edit", id_, "--ceiling", "2.50", "--number", "3", "--note", "night")[0] == 0
    assert run("rules", "pause", id_)[0] == 0
    rule = only(home)
    assert rule.grab is not None
    assert (rule.grab.ceiling.amount, rule.grab.count, rule.note) == (Decimal("2.50"), 3, "night")
    assert (rule.paused, rule.revision) == (True, 3)

    (row,) = json.loads(run("rules", "show", id_, "-o", "json")[1])
    assert (row["id"], row["state"], row["wanted"], row["rule"]["grab"]["count"]) == (id_, "paused", 3, 3)
    assert run("rules", "delete", id_, "--yes")[:2] == (0, f"{id_}\n")
    assert not files(home).read().rules


def test_a_read_only_command_makes_and_changes_no_rule(run: Run, hub: Cloud, home: Path) -> None:
    _, id_, _ = run("watch", "RTX 4090", "-A", "hub")
    for words in (["watch", "A100"], *(["rules", what, id_.strip()] for what in ("pause", "resume", "delete"))):
        status, out, err = run("--read-only", *words)
        assert (status, out) == (2, "")
        assert "No rule is created or changed" in err
    assert run("--read-only", "rules")[0] in (0, 1)
    assert len(RuleFiles(agent_dir(home / "state")).read().rules) == 1


def test_a_rule_with_an_open_request_is_not_deleted_by_accident(run: Run, hub: Cloud, home: Path) -> None:
    run("watch", "4090", "--grab", "pod", "--ceiling", "3", "--yes")
    id_ = only(home).id
    journal = Journal(agent_dir(home / "state"), Entry)
    journal.append(id_, Entry(EntryKind.INTENT, START, 1, "hub", "pod", name="pod-1"))
    status, _, err = run("rules", "delete", id_)
    assert status == 1
    assert f"The rule {id_} still follows pod-1. Pause it" in err
    assert run("rules", "delete", id_, "--force")[0] == 0


def test_a_damaged_rule_is_named_and_the_others_are_listed(run: Run, hub: Cloud, home: Path) -> None:
    run("watch", "4090")
    bad = files(home).directory / "rules" / "bad2.json"
    bad.write_text("{")
    status, out, err = run("rules")
    assert "notify when 1 × RTX 4090 idle" in out
    assert (status, f"{bad}: it is damaged" in err) == (1, True)
    (good,) = [path for path in bad.parent.glob("*.json") if path != bad]
    good.unlink()
    for command in ("rules", "lease"):
        status, out, err = run(command)
        assert (status, out, f"{bad}: it is damaged" in err, "There are no" in err) == (1, "", True, False)
