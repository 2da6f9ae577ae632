import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gputui.cli import prompts
from gputui.cli.commands import create
from gputui.errors import ConfigError, UnknownOutcomeError
from gputui.models import Action, FieldKind, Form, FormField, Ref
from gputui.sim.server import Running
from tests.cli.cloud import Cloud
from tests.cli.conftest import Simulation

Run = Callable[..., tuple[int, str, str]]

POD = ("create", "pod", "-A", "lab", "--set", "ins=fresh", "--set", "image=lab-cuda:latest")


def test_a_pod_is_created_and_its_name_is_the_output(own_simulation: Simulation, run: Run) -> None:
    status, out, _ = run(*POD, "--yes")

    assert (status, out) == (0, "lab/pod/fresh\n")
    _, rows, _ = run("get", "instances", "-A", "lab", "-o", "json")
    assert "lab/pod/fresh" in {row["ref"] for row in json.loads(rows)}


def test_a_name_that_is_taken_is_refused(world: Running, run: Run) -> None:
    status, out, err = run(
        "create", "pod", "-A", "lab", "--set", "ins=main", "--set", "image=lab-cuda:latest", "--yes"
    )

    assert (status, out) == (1, "")
    assert "already exists" in err


def test_a_dry_run_creates_nothing(world: Running, run: Run) -> None:
    status, out, _ = run(*POD, "--dry-run")

    assert status == 0
    assert "ins=fresh" in out
    assert run("describe", "lab/pod/fresh")[0] == 1


def test_without_a_terminal_and_without_yes_nothing_is_created(world: Running, run: Run) -> None:
    assert run(*POD)[0] == 2
    assert run("describe", "lab/pod/fresh")[0] == 1


def test_without_fields_the_form_and_its_choices_are_listed(world: Running, run: Run) -> None:
    status, out, err = run("create", "pod", "-A", "lab")

    assert (status, out) == (2, "")
    assert "image" in err
    assert "lab-cuda:latest" in err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("create", "pod", "--set", "ins=x"), "several accounts"),
        (("create", "foo"), "unknown kind: foo; there are "),
        (("create", "foo", "--set", "ins=x"), "unknown kind: foo; there are "),
        (("create", "vm", "-A", "lab", "--set", "ins=x"), "no 'vm' to create"),
        (("create", "pod", "-A", "lab", "--set", "colour=red"), "colour: unknown field"),
        (("create", "pod", "-A", "lab", "--set", "ins=9lives", "--yes"), "ins: "),
        (("create", "pod", "-A", "lab", "--set", "ins"), "not NAME=VALUE"),
    ],
)
def test_a_wrong_form_is_wrong_usage(argv: tuple[str, ...], words: str, world: Running, run: Run) -> None:
    status, out, err = run(*argv)

    assert (status, out) == (2, "")
    assert words in err


def test_a_secret_field_is_asked_for_and_never_taken_from_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    form = Form("lab", "box", "New box", (FormField("name", "Name"), FormField("pw", "Password", FieldKind.SECRET)))
    monkeypatch.setattr(prompts, "interactive", lambda: True)
    monkeypatch.setattr(create, "ask_secret", lambda _question: "typed")

    assert create.form_values(form, {"name": "a"}) == {"name": "a", "pw": "typed"}
    assert "typed" not in create.shown_values(form, {"name": "a", "pw": "typed"})
    with pytest.raises(ConfigError) as caught:
        create.form_values(form, {"name": "a", "pw": "given"})
    assert "given" not in str(caught.value)


def test_a_secret_in_an_environment_is_not_shown_before_it_is_sent() -> None:
    form = Form("lab", "box", "New box", (FormField("env", "Environment", FieldKind.LINES),))

    assert create.shown_values(form, {"env": "HF_TOKEN=hf_1\nMODE=fast"}) == "env=HF_TOKEN=***\\nMODE=fast"


DEPLOYMENT = ("create", "deployment", "--set", "name=train2", "--set", "deployment_type=Job")
WHOLE = (*DEPLOYMENT, "--set", "replica_num=3", "--set", "image_uuid=image-1")


def test_a_dry_run_prints_the_request_and_asks_the_server_nothing(hub: Cloud, run: Run) -> None:
    status, out, err = run(*WHOLE, "--dry-run")

    head, _, body = out.partition("\n")
    assert (status, err) == (0, "")
    assert head == "POST https://api.example.com/api/v1/dev/deployment"
    assert json.loads(body) == {
        "name": "train2",
        "deployment_type": "Job",
        "replica_num": "3",
        "image_uuid": "image-1",
    }
    assert set(hub.calls) == {"close"}


def test_what_is_sent_is_what_the_dry_run_showed(hub: Cloud, run: Run) -> None:
    shown = json.loads(run(*DEPLOYMENT, "--set", "replica_num=3", "--dry-run")[1].partition("\n")[2])
    status, out, _ = run(*DEPLOYMENT, "--set", "replica_num=3", "--yes")

    assert (status, out) == (0, "hub/deployment/new-uuid\n")
    assert hub.created == [shown]
    assert shown["image_uuid"] == "image-1"


def test_the_fields_are_listed_with_units_choices_and_what_they_belong_to(hub: Cloud, run: Run) -> None:
    status, out, err = run("create", "deployment")

    assert (status, out) == (2, "")
    lines = err.splitlines()
    (replicas,) = [line for line in lines if line.startswith("replica_num ")]
    assert replicas.endswith("Replicas [only with deployment_type ReplicaSet or Job]")
    assert any(line.startswith("memory_size_from ") and "number (GB)" in line for line in lines)
    assert "  image-1  PyTorch" in lines


@pytest.mark.parametrize("mode", ["--dry-run", "--yes"])
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (("name=x", "colour=red"), "colour: unknown field"),
        (("deployment_type=Job", "replica_num=1", "image_uuid=image-1"), "name: is missing"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(
    mode: str, fields: tuple[str, ...], words: str, hub: Cloud, run: Run
) -> None:
    status, out, err = run("create", "deployment", *(word for field in fields for word in ("--set", field)), mode)

    assert (status, out) == (2, "")
    assert words in err
    assert hub.created == []


def test_an_unknown_outcome_is_four_and_says_where_to_look(
    hub: Cloud, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gputui.fleet.mutations._CHECK_PAUSES", (0.0,))
    hub.errors[Action.CREATE] = UnknownOutcomeError("hub: the answer never came.")
    hub.found = [Ref("hub", "deployment", "a"), Ref("hub", "deployment", "b")]

    status, out, err = run(*WHOLE, "--yes")

    assert (status, out) == (4, "")
    assert "gputui get deployments -A hub" in err
    assert len(hub.created) == 1


def test_what_it_costs_and_a_namesake_are_said_before(hub: Cloud, run: Run, typed: Callable[[str], None]) -> None:
    typed("n\n")

    status, _, err = run("create", "deployment", "--set", "name=train", *WHOLE[4:])

    assert status == 1
    assert "There is a deployment train already" in err
    assert hub.created == []


def test_a_file_has_the_fields_and_what_is_set_goes_before(hub: Cloud, home: Path, run: Run) -> None:
    file = home / "job.toml"
    file.write_text(
        'kind = "deployment"\n[values]\nname = "a"\n'
        'deployment_type = "Job"\nreplica_num = 3\nimage_uuid = "image-2"\n'
    )

    status, out, _ = run("create", "deployment", "-f", str(file), "--set", "name=b", "--yes")

    assert (status, out) == (0, "hub/deployment/new-uuid\n")
    assert hub.created == [{"name": "b", "deployment_type": "Job", "replica_num": "3", "image_uuid": "image-2"}]


def test_a_template_is_saved_and_found_by_its_name(hub: Cloud, run: Run) -> None:
    status, _, err = run(*WHOLE, "--dry-run", "--save-template", "small-job")
    run("create", "deployment", "-f", "small-job", "--set", "name=again", "--yes")

    assert status == 0
    assert "small-job.toml" in err
    assert hub.created == [{"name": "again", "deployment_type": "Job", "replica_num": "3", "image_uuid": "image-1"}]
    assert run(*WHOLE, "--dry-run", "--save-template", "small-job")[0] == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('kind = "volume"\n[values]\nname = "a"\n', "is for a volume"),
        ("kind = ", "correct the line"),
    ],
)
def test_a_file_that_does_not_fit_is_wrong_usage(text: str, words: str, hub: Cloud, home: Path, run: Run) -> None:
    file = home / "wrong.toml"
    file.write_text(text)

    status, _, err = run("create", "deployment", "-f", str(file), "--yes")

    assert (status, hub.created) == (2, [])
    assert words in err


def test_a_template_that_is_not_there_is_said(hub: Cloud, run: Run) -> None:
    status, _, err = run("create", "deployment", "-f", "nothing", "--yes")

    assert status == 2
    assert "There is no template nothing." in err
