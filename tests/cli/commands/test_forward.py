"""``gputui forward``: its arguments, the list of known ports, and the lines on stderr."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from gputui.cli.commands.forward import Reports, totals
from gputui.cli.parser import parse
from gputui.errors import GputuiError, LoginError, SshError
from gputui.fleet.forwards import Link, OpenForward
from gputui.models import Instance, Resource, SSHTarget
from gputui.models.forwards import ForwardSpec
from gputui.sim.server import Running
from gputui.ssh.forwards import Forward
from tests.fleet.ssh_hosts import Hosts

Run = Callable[..., tuple[int, str, str]]


def test_several_ports_a_proxy_and_an_address_are_read() -> None:
    args = parse(["forward", "lab/main", "8888", "9000:6006", "-D", "1080", "--bind", "localhost"])
    assert (args.ports, args.socks, args.bind) == ([(0, 8888), (9000, 6006)], 1080, "127.0.0.1")
    args = parse(["forward", "lab/main", "-D"])
    assert (args.ports, args.socks) == ([], 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["0:70000"], "'0:70000' is not [LOCAL:]REMOTE, each a port up to 65535"),
        (["-D", "http"], "'http' is not a port, 0 to 65535"),
        (["--bind", "gpu1"], "'gpu1' is not an IP address"),
    ],
)
def test_what_is_no_port_and_no_address_is_named(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(["forward", "lab/main", *words])
    assert message in capsys.readouterr().err


def test_without_a_port_those_that_are_known_are_listed(world: Running, run: Run) -> None:
    status, out, _ = run("forward", "lab/main")
    assert status == 0
    assert out.splitlines()[0].split() == ["PORT", "SERVICE", "SOURCE"]
    assert "8888  Jupyter" in out


def test_ports_of_a_container_without_an_ssh_server_are_not_listed(hosts: Hosts, run: Run) -> None:
    target = SSHTarget("127.0.0.1", hosts.port, "root", enter=("docker", "28f8"))
    hosts.rows[Resource.INSTANCES] = [
        replace(cast(Instance, one), ssh=target) for one in hosts.rows[Resource.INSTANCES]
    ]
    status, out, err = run("forward", "hub/pod/a")
    assert (status, out) == (1, "")
    assert "a has no SSH server: a port of it cannot be forwarded." in err


@dataclass
class PlayedLink:
    error: GputuiError | None = None
    failed: bool = False
    connections: list[Forward] = field(default_factory=list)


def played(*specs: ForwardSpec) -> tuple[PlayedLink, list[OpenForward]]:
    link = PlayedLink()
    return link, [OpenForward(Forward(spec, "main"), cast(Link, link)) for spec in specs]


def take(reports: Reports, link: PlayedLink, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(link, name, value)
    reports.take(cast(Link, link))


def test_a_loss_is_reported_once_and_so_is_the_way_back(capsys: pytest.CaptureFixture[str]) -> None:
    link, opened = played(ForwardSpec(8888, 9000))
    reports = Reports(opened, reconnects=True)
    take(reports, link)
    for _ in range(2):
        take(reports, link, error=SshError("The connection to main was lost."))
    take(reports, link, error=None)
    opened[0].forward.error = "port 8888 of main refuses connections: does its service run?"
    for _ in range(2):
        take(reports, link)
    assert capsys.readouterr().err.splitlines() == [
        "gputui: The connection to main was lost. Connecting again …",
        "gputui: connected again.",
        "gputui: 127.0.0.1:9000: port 8888 of main refuses connections: does its service run?",
    ]
    assert not reports.ended.is_set()
    take(reports, link, error=LoginError("The password was refused."), failed=True)
    assert capsys.readouterr().err == "gputui: The password was refused.\n"
    assert reports.ended.is_set()


def test_a_loss_is_the_end_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    link, opened = played(ForwardSpec(8888))
    reports = Reports(opened, reconnects=False)
    take(reports, link, error=SshError("The connection to main was lost."))
    assert reports.ended.is_set()
    assert "Connecting again" not in capsys.readouterr().err


def test_the_traffic_of_all_is_one_line() -> None:
    _, opened = played(ForwardSpec(8888), ForwardSpec(None))
    opened[0].forward.opened, opened[0].forward.sent = 1, 512
    opened[1].forward.opened, opened[1].forward.received = 2, 3 * 2**20
    assert totals(opened) == "gputui: 3 connections, 512B sent, 3M received."
