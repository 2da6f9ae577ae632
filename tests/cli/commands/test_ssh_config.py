"""``gputui ssh-config``: blocks of instances as ssh reads them, and what is left out."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from gputui.api.capabilities import Backend
from gputui.cli.commands import ssh_config
from gputui.config.paths import known_hosts_path
from gputui.errors import ConfigError
from gputui.models import Instance, Ref, Resource, Secret, SSHTarget
from gputui.ssh.known_hosts import HostKey, KnownHosts
from tests.cli.cloud import Cloud
from tests.cli.conftest import account_toml, write_config

Run = Callable[..., tuple[int, str, str]]
KEY = HostKey.parse("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl")

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="OpenSSH's client is not installed")


@pytest.fixture(autouse=True)
def user_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home))


def give(hub: Cloud, *targets: SSHTarget | None) -> list[Instance]:
    """Give the first instances these addresses, and leave out the others."""
    rows = [row for row in hub.rows[Resource.INSTANCES] if isinstance(row, Instance)]
    given = [replace(row, ssh=target) for row, target in zip(rows, targets, strict=False)]
    hub.rows[Resource.INSTANCES] = given
    return given


def as_ssh_reads(home: Path, text: str, host: str) -> dict[str, str]:
    (home / "gputui.conf").write_text(text)
    command = ["ssh", "-G", "-F", str(home / "gputui.conf"), host]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(line.partition(" ")[::2] for line in done.stdout.splitlines())


def test_a_fixed_port_is_written_and_a_changing_one_is_asked_for_at_each_login(
    hub: Cloud, home: Path, run: Run
) -> None:
    write_config(home, account_toml("hub") + 'ssh = { key = "~/key", jump = "ops@gate:2200" }\n')
    vm, pod = give(hub, SSHTarget("10.0.0.9", 22, "root", Secret("pw-1")), SSHTarget("10.0.0.8", 31022, "root"))
    KnownHosts(known_hosts_path(home / "state")).remember(str(vm.ref), "10.0.0.9", 22, KEY)

    status, text, _ = run("ssh-config")

    assert status == 0
    assert "pw-1" not in text
    read = as_ssh_reads(home, text, f"hub.{vm.ref.id}")
    assert (read["hostname"], read["user"], read["proxyjump"]) == ("10.0.0.9", "root", "gputui-jump.hub")
    assert read["identityfile"] == str(home / "key")
    assert "proxycommand" not in read
    known = Path(read["userknownhostsfile"])
    assert f"{read['hostkeyalias']} ssh-ed25519 {KEY.data}\n" in known.read_text()
    jump = as_ssh_reads(home, text, "gputui-jump.hub")
    assert (jump["hostname"], jump["port"], jump["user"]) == ("gate", "2200", "ops")
    changing = as_ssh_reads(home, text, f"hub.{pod.ref.id}")
    assert changing["proxycommand"].endswith(f"ssh --stdio {pod.ref}")
    assert "31022" not in text


def test_the_command_finds_configuration_and_state_from_any_directory(
    hub: Cloud, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pod,) = give(hub, SSHTarget("10.0.0.8", 31022, "root"))
    monkeypatch.setenv("GPUTUI_CONFIG", "~/config.toml")
    monkeypatch.setenv("GPUTUI_STATE_DIR", "~/state")
    text = run("ssh-config")[1]
    command = as_ssh_reads(home, text, f"hub.{pod.ref.id}")["proxycommand"]
    assert command.startswith(f"env GPUTUI_STATE_DIR={home / 'state'} ")
    assert f" --config {home / 'config.toml'} ssh" in command


def test_what_a_server_may_not_name_is_left_out_with_a_comment(hub: Cloud, home: Path, run: Run) -> None:
    first, second = give(hub, SSHTarget("x\nProxyCommand touch /x", 22, "root"), SSHTarget("10.0.0.8", 22, "root"))

    status, text, err = run("ssh-config")

    assert status == 3
    assert f"{first.ref}: left out: its address is not the name of a host" in err
    assert f"# {first.ref}: left out" in text
    assert "ProxyCommand" not in text
    assert as_ssh_reads(home, text, f"hub.{second.ref.id}")["hostname"] == "10.0.0.8"


def test_no_name_of_an_instance_ends_the_comment_about_it(hub: Cloud, home: Path, run: Run) -> None:
    address = SSHTarget("10.0.0.8", 22, "root", enter=("docker", "7f3a"))
    rows = give(hub, address, SSHTarget("x y", 22, "root"))
    hostile = "x\nHost *\n    ProxyCommand touch /x"
    hub.rows[Resource.INSTANCES] = [
        replace(row, ref=Ref("hub", row.ref.kind, f"{hostile}{row.ref.id}")) for row in rows
    ]
    text = run("ssh-config")[1]
    assert [line for line in text.splitlines() if line and not line.startswith("#")] == []


def test_a_named_instance_without_an_address_is_a_failure(hub: Cloud, run: Run) -> None:
    (row,) = give(hub, None)
    status, text, err = run("ssh-config", str(row.ref))
    assert status == 1
    assert f"{row.ref} has no SSH address now." in err
    assert "Host " not in text


def test_a_host_of_one_s_own_has_what_the_user_s_configuration_has(hub: Cloud, home: Path, run: Run) -> None:
    (home / ".ssh").mkdir()
    (home / ".ssh" / "config").write_text(
        "Host gpu01\n  HostName 10.0.0.9\n  Port 2222\n  User ops\n  ProxyJump gate\n  IdentityFile ~/own\n"
        "  UserKnownHostsFile /a /b\n  GlobalKnownHostsFile none\n  StrictHostKeyChecking yes\n"
        "Host gpu02\n  ProxyCommand nc %h %p\nHost round\n  ProxyJump round\n"
    )
    (home / ".ssh" / "config").chmod(0o600)
    one, two, circle = give(hub, *(SSHTarget(name, 22, "", alias=name) for name in ("gpu01", "gpu02", "round")))

    status, text, err = run("ssh-config")

    assert status == 3
    assert f"{circle.ref}: ProxyJump goes in a circle: round → round." in err
    assert "ProxyJump round" not in text
    read = as_ssh_reads(home, text, f"hub.{one.ref.id}")
    assert (read["hostname"], read["port"], read["user"], read["proxyjump"]) == ("10.0.0.9", "2222", "ops", "gate")
    assert read["identityfile"] == str(home / "own")
    assert (read["userknownhostsfile"], read["globalknownhostsfile"]) == ("/a /b", "none")
    assert read["stricthostkeychecking"] == "true"
    assert as_ssh_reads(home, text, f"hub.{two.ref.id}")["proxycommand"].endswith(f"ssh --stdio {two.ref}")


@pytest.fixture
def lab(clouds: dict[str, Backend]) -> Cloud:
    """A second account."""
    return cast(Cloud, clouds.setdefault("lab", Cloud("lab")))


def test_an_account_that_does_not_answer_is_not_waited_for_and_keeps_its_blocks_in_the_file(
    hub: Cloud, lab: Cloud, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(home, account_toml("hub", "lab") + 'ssh = { jump = "gate" }\n')
    file = home / "gputui.conf"
    (old,) = give(hub, SSHTarget("10.0.0.8", 22, "root"))
    (silent,) = give(lab, SSHTarget("10.0.0.9", 22, "root"))
    assert run("ssh-config", "--write", str(file)) == (0, "", "")
    before = as_ssh_reads(home, file.read_text(), f"lab.{silent.ref.id}")

    lab.holds[Resource.INSTANCES] = asyncio.Event()
    monkeypatch.setattr(ssh_config, "_PATIENCE_SECONDS", 0.2)
    hub.rows[Resource.INSTANCES] = [replace(old, ref=Ref("hub", "vm", "new"), name="new")]
    status, text, err = run("ssh-config", "--write", str(file))

    assert (status, text) == (3, "")
    assert "lab did not answer within" in err
    written = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"hub.{old.ref.id}" not in written
    assert "Host hub.new\n" in written
    assert as_ssh_reads(home, written, f"lab.{silent.ref.id}") == before
    assert before["proxyjump"] == "gputui-jump.lab"
    assert written.count("Host gputui-jump.lab\n") == 1


def test_a_file_that_gputui_has_not_written_is_not_replaced(hub: Cloud, home: Path, run: Run) -> None:
    give(hub, SSHTarget("10.0.0.8", 22, "root"))
    (home / "config").write_text("Host mine\n")
    status, _, err = run("ssh-config", "--write", str(home / "config"))
    assert status == 2
    assert "was not written by gputui, and is not replaced" in err
    assert (home / "config").read_text() == "Host mine\n"


def test_hosts_of_the_configuration_are_written_without_a_look_at_them(
    hub: Cloud, lab: Cloud, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = give(hub, SSHTarget("10.0.0.8", 22, "root"))

    async def named() -> list[Instance]:
        return [row]

    monkeypatch.setattr(hub, "named_instances", named)
    status, text, _ = run("ssh-config")
    assert status == 0
    assert f"Host hub.{row.ref.id}" in text
    assert not hub.calls[Resource.INSTANCES]

    async def damaged() -> list[Instance]:
        raise ConfigError("/home/me/.ssh/config line 3: a quote is not closed.")

    write_config(home, account_toml("hub", "lab"))
    give(lab, SSHTarget("10.0.0.9", 22, "root"))
    monkeypatch.setattr(hub, "named_instances", damaged)
    status, text, err = run("ssh-config")
    assert status == 2
    assert "line 3: a quote is not closed" in err
    assert "Host lab." in text
