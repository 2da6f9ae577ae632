import json
from collections.abc import Callable

import pytest

from gputui.cli import create
from gputui.errors import ConfigError
from gputui.models import FieldKind, Form, FormField
from gputui.sim.server import Running
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
        (("create", "vm", "-A", "lab", "--set", "ins=x"), "no 'vm' to create"),
        (("create", "pod", "-A", "lab", "--set", "colour=red"), "colour: is no field"),
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
    monkeypatch.setattr(create, "interactive", lambda: True)
    monkeypatch.setattr(create, "ask_secret", lambda _question: "typed")

    assert create.form_values(form, {"name": "a"}) == {"name": "a", "pw": "typed"}
    assert "typed" not in create.shown_values(form, {"name": "a", "pw": "typed"})
    with pytest.raises(ConfigError) as caught:
        create.form_values(form, {"name": "a", "pw": "given"})
    assert "given" not in str(caught.value)
