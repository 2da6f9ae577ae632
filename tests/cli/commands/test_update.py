"""What there is, changed from the command line: settings, names, sizes; volumes and credentials made and deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gputui.api.capabilities import Backend
from gputui.errors import InvalidError
from gputui.models import Action
from tests.cli.conftest import account_toml, write_config
from tests.storage import PASSWORD, Store, store

Run = Callable[..., tuple[int, str, str]]
Typed = Callable[[str], None]


@pytest.fixture
def yotta(clouds: dict[str, Backend], home: Path) -> Store:
    """The only account: volumes, credentials, a VM and an endpoint."""
    clouds.clear()
    fake = store()
    clouds["yotta"] = fake
    write_config(home, account_toml("yotta"))
    return fake


@pytest.fixture(autouse=True)
def _no_person(typed: Typed) -> None:
    """No person is at the terminal, until a test says so."""


# --- lists ------------------------------------------------------------------------------------------------------


def test_volumes_and_credentials_are_listed_for_people_and_for_programs(yotta: Store, run: Run) -> None:
    status, table, _ = run("get", "volumes")
    assert status == 0
    lines = [" ".join(line.split()) for line in table.splitlines()]
    assert "datasets yotta CEPH running (active) 2.0T us-east-1 2 $0.28" in "\n".join(lines)
    assert any(line.startswith("archive yotta S3 running (active) no limit 0 –") for line in lines)
    _, table, _ = run("get", "credentials")
    assert "Amazon Elastic Container Registry" in table
    _, text, _ = run("get", "volumes", "-o", "json")
    assert {row["name"]: row["mounts"] for row in json.loads(text)}["datasets"] == 2
    _, text, _ = run("get", "credentials", "-o", "json")
    assert {row["type"] for row in json.loads(text)} == {"DOCKER_HUB", "ECR"}


def test_a_volume_and_a_credential_are_described(yotta: Store, run: Run) -> None:
    assert "2.0T  (2,199,023,255,552 bytes)" in run("describe", "datasets")[1]
    assert "ECR" in run("describe", "credential/team-registry")[1]


# --- names and sizes --------------------------------------------------------------------------------------------


def test_a_vm_is_renamed_when_it_is_confirmed(yotta: Store, run: Run, typed: Typed) -> None:
    typed("y\n")

    status, out, err = run("rename", "workstation", "desk")

    assert (status, out) == (0, "yotta/vm/id-workstation: renamed\n")
    assert "Name: workstation → desk" in err
    assert "Only its name changes." in err
    assert "Rename workstation in yotta? [y/N]" in err
    assert yotta.received == [(Action.RENAME, "id-workstation", {"name": "desk"})]


@pytest.mark.parametrize("size", ["500", "500G", "500 GB"])
def test_a_volume_is_resized(size: str, yotta: Store, run: Run) -> None:
    assert run("resize", "checkpoints", size, "--yes")[:2] == (0, "yotta/volume/id-checkpoints: resized\n")
    assert yotta.received == [(Action.RESIZE, "id-checkpoints", {"sizeInGb": "500"})]


def test_a_dry_run_says_what_would_be_and_prints_the_request(yotta: Store, run: Run) -> None:
    status, out, _ = run("resize", "checkpoints", "50", "--dry-run")

    assert status == 0
    for part in (
        "Would resize:",
        "yotta/volume/id-checkpoints (checkpoints, CEPH, active, 200G, us-east-1, $0.03/h)",
        "Size: 200 GB → 50 GB",
        "It costs $0.03/h now.",
        "The volume shrinks: data that does not fit may be lost.",
        'PATCH https://yotta.example/volume\n{\n  "sizeInGb": "50"\n}',
    ):
        assert part in out
    assert yotta.received == []


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (("rename", "workstation", "desk"), 2, "not a terminal; use --yes"),
        (("rename", "works", "desk", "--yes"), 2, "works is yotta/vm/id-workstation"),
        (("rename", "workstation", "workstation", "--yes"), 0, "already has these values"),
        (("rename", "workstation", "", "--yes"), 2, "name: is missing"),
        (("rename", "docker-hub", "other", "--yes"), 1, "rename is not possible"),
        (("resize", "checkpoints", "big", "--yes"), 2, "'big' is not a size in whole GB above 0"),
        (("resize", "checkpoints", "0", "--yes"), 2, "'0' is not a size in whole GB above 0"),
        (("resize", "datasets", "500", "--yes"), 1, "mounted by 2 instances: delete or detach those first."),
        (("resize", "archive", "500", "--yes"), 1, "has no size to change: S3 storage has no limit."),
        (("resize", "scratch", "500", "--yes"), 1, "not possible while it is pending (creating)"),
        (("--read-only", "rename", "workstation", "desk", "--yes"), 2, "read-only"),
        (("update", "chat", "--set", "nosuch=1", "--yes"), 2, "nosuch: unknown field"),
        (("update", "chat", "--set", "workers=1", "--set", "workers=2", "--yes"), 2, "workers: given twice"),
        (("update", "chat", "--set", "workers=", "--yes"), 2, "workers: is missing"),
        (("update", "checkpoints", "--set", "name=x", "--yes"), 1, "update is not possible"),
    ],
)
def test_nothing_is_changed_without_a_reason(
    argv: tuple[str, ...], status: int, words: str, yotta: Store, run: Run
) -> None:
    got, _, err = run(*argv)

    assert got == status
    assert words in err
    assert yotta.received == []


# --- settings ---------------------------------------------------------------------------------------------------


def test_without_values_the_fields_are_listed_with_what_they_are_now(yotta: Store, run: Run) -> None:
    status, out, err = run("update", "chat")

    assert (status, out) == (2, "")
    assert "Change fields with --set FIELD=VALUE:" in err
    assert "NOW" in err
    assert " ".join(next(line for line in err.splitlines() if line.startswith("workers")).split()).startswith(
        "workers 2 number"
    )
    assert "MODE=fast\\nSEED=1" in err
    _, _, err = run("update", "docker-hub")
    assert "kept when not given" in next(line for line in err.splitlines() if line.startswith("password"))


def test_only_what_is_new_is_named_and_the_rest_stays(yotta: Store, run: Run, typed: Typed) -> None:
    typed("y\n")

    status, out, err = run("update", "chat", "--set", "workers=4")

    assert (status, out) == (0, "yotta/endpoint/id-chat: changed\n")
    assert "Workers: 2 → 4" in err
    assert "Name:" not in err
    assert "The new settings apply from its next start." in err
    assert "Change chat in yotta? [y/N]" in err
    assert yotta.received == [
        (
            Action.UPDATE,
            "id-chat",
            {"name": "chat", "workers": "4", "environmentVars": "MODE=fast\nSEED=1", "webhook": ""},
        )
    ]


def test_a_file_gives_values_and_the_command_line_goes_before_it(yotta: Store, run: Run, home: Path) -> None:
    file = home / "more.toml"
    file.write_text('kind = "endpoint"\n\n[values]\nworkers = 5\nwebhook = "https://example.com/a"\n', "utf-8")

    assert run("update", "chat", "-f", str(file), "--set", "workers=6", "--yes")[0] == 0
    assert yotta.received[0][2]["workers"] == "6"
    assert yotta.received[0][2]["webhook"] == "https://example.com/a"
    file.write_text('kind = "pod"\n\n[values]\nworkers = 5\n', "utf-8")
    status, _, err = run("update", "chat", "-f", str(file), "--yes")
    assert status == 2
    assert "which is no endpoint" in err


def test_what_the_server_does_not_accept_is_said(yotta: Store, run: Run) -> None:
    yotta.refused = InvalidError("yotta: workers must be at most 3.")

    status, out, err = run("update", "chat", "--set", "workers=9", "--yes")

    assert (status, out) == (1, "")
    assert "workers must be at most 3" in err


# --- secrets ----------------------------------------------------------------------------------------------------


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the password is, as a reference."""
    monkeypatch.setenv("REGISTRY_PASSWORD", PASSWORD)
    return "password=env:REGISTRY_PASSWORD"


def nowhere(home: Path, *texts: str) -> bool:
    """Return whether neither these texts nor what is kept on disk has the password."""
    files = [file for file in home.rglob("*") if file.is_file()]
    assert files
    kept = any(PASSWORD.encode() in file.read_bytes() for file in files)
    return not kept and all(PASSWORD not in text for text in texts)


def test_a_credential_is_created_and_changed_and_its_password_never_shown(
    yotta: Store, run: Run, typed: Typed, home: Path, secret: str
) -> None:
    typed("y\n")
    made = run("create", "credential", "--set", "name=new", "--set", "username=alice", "--set", secret)
    typed("y\n")
    changed = run("update", "docker-hub", "--set", secret)
    dry = run("update", "docker-hub", "--set", secret, "--dry-run")
    audit = run("audit", "-o", "json")

    assert (made[0], changed[0], dry[0]) == (0, 0, 0)
    assert "Password: new password" in changed[2]
    assert "Password: new password" in dry[1]
    assert [given[2]["password"] for given in yotta.received] == [PASSWORD, PASSWORD]
    assert nowhere(home, *(text for each in (made, changed, dry, audit) for text in each[1:]))


@pytest.mark.parametrize("command", [("update", "docker-hub"), ("create", "credential", "--set", "name=x")])
def test_a_password_on_the_command_line_is_refused(command: tuple[str, ...], yotta: Store, run: Run) -> None:
    status, out, err = run(*command, "--set", f"password={PASSWORD}", "--yes")

    assert (status, out) == (2, "")
    assert "password=env:NAME" in err
    assert PASSWORD not in err
    assert yotta.received == []


# --- making and deleting ----------------------------------------------------------------------------------------


def test_a_volume_is_created(yotta: Store, run: Run) -> None:
    status, out, err = run("create", "volume", "--set", "name=new", "--yes")

    assert (status, out) == (0, "yotta/volume/id-new\n")
    assert "Volume new created." in err
    assert yotta.received == [(Action.CREATE, "volume", {"name": "new", "storageType": "CEPH", "sizeInGb": "100"})]


def test_deleting_a_volume_needs_its_name_typed(yotta: Store, run: Run, typed: Typed) -> None:
    typed("y\n")
    status, _, err = run("delete", "checkpoints")
    assert status == 1
    assert "All data on it is permanently deleted. This cannot be undone." in err
    assert "Spending falls by $0.03/h." in err
    assert yotta.received == []

    typed("checkpoints\n")
    assert run("delete", "checkpoints")[:2] == (0, "yotta/volume/id-checkpoints: deleted\n")


def test_a_mounted_volume_is_kept_and_what_has_to_go_first_is_said(yotta: Store, run: Run) -> None:
    status, out, err = run("delete", "datasets", "docker-hub", "--yes")

    assert (status, out) == (1, "yotta/credential/id-docker-hub: deleted\n")
    assert "datasets is mounted by 2 instances: delete or detach those first." in err


def test_of_several_kinds_the_consequence_of_each_is_shown(yotta: Store, run: Run) -> None:
    _, out, _ = run("delete", "checkpoints", "docker-hub", "team-registry", "--dry-run")

    assert "yotta/volume/id-checkpoints" in out
    assert "All data on it is permanently deleted." in out
    assert "yotta/credential/id-team-registry (team-registry, Amazon Elastic Container Registry)" in out
    assert "Pods and endpoints that pull their images with them can start no new instances." in out
