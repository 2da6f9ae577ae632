"""The forwards of a fleet: one link an instance, opened again after a loss, and ended with the last forward."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace

import pytest

from gputui.errors import HostKeyError, LoginError, SshError
from gputui.fleet.forwards import Forwards
from gputui.models import Change, Instance, Phase, PortMapping, Ref, Row, SSHTarget
from gputui.models.forwards import ForwardSpec, ForwardState
from tests.fleet.fakes import FakeClock, settle

TARGET = SSHTarget("192.0.2.1", 22, "root")
TRAIN = Instance(Ref("lab", "pod", "train"), "train", Phase.RUNNING, "running", ssh=TARGET)


@dataclass
class Connection:
    """A connection that ends when a test says so."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def closed(self) -> bool:
        return self.ended.is_set()

    async def wait_closed(self) -> None:
        await self.ended.wait()


class Lab:
    """The instance as it is, its connections, and why there is none."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.row: Row | None = TRAIN
        self.error: Exception | None = None
        self.busy: asyncio.Event | None = None
        self.hosts: list[str] = []
        self.connections: list[Connection] = []
        self.leases = 0
        self.forwards = Forwards(self.lease, lambda ref: self.row, self.clock)  # type: ignore[arg-type]  # played

    @asynccontextmanager
    async def lease(self, instance: Instance) -> AsyncIterator[Connection]:
        assert instance.ssh is not None
        self.hosts.append(instance.ssh.host)
        if self.busy is not None:
            await self.busy.wait()
        if self.error is not None:
            raise self.error
        connection = Connection()
        self.connections.append(connection)
        self.leases += 1
        try:
            yield connection
        finally:
            self.leases -= 1

    async def open(self, *specs: ForwardSpec) -> None:
        await self.forwards.open(TRAIN, specs or [ForwardSpec(8888)], nullcontext())

    def drop(self) -> None:
        self.connections[-1].ended.set()

    @property
    def states(self) -> list[ForwardState]:
        return [one.row().state for one in self.forwards.all]

    @property
    def problem(self) -> str:
        return self.forwards.all[0].row().problem


@pytest.fixture
async def lab() -> AsyncIterator[Lab]:
    lab = Lab()
    yield lab
    await lab.forwards.aclose()
    assert lab.leases == 0


async def test_a_lost_link_is_opened_again_at_the_present_address_with_longer_pauses(lab: Lab) -> None:
    await lab.open(ForwardSpec(8888), ForwardSpec(None))
    ports = [one.forward.local_port for one in lab.forwards.all]
    assert (lab.leases, lab.states) == (1, [ForwardState.OPEN] * 2)

    lab.error = SshError("192.0.2.1 refused the connection.")
    lab.drop()
    await lab.clock.advance()
    assert lab.problem == "The connection to train was lost."
    await lab.clock.advance(1)
    assert lab.problem == "192.0.2.1 refused the connection."
    assert lab.states == [ForwardState.WAITING] * 2
    await lab.clock.advance(2 + 4 + 8 + 16 + 32 + 60)
    assert len(lab.hosts) == 1 + 7

    # It was started again elsewhere.
    lab.row, lab.error = replace(TRAIN, ssh=replace(TARGET, host="192.0.2.2")), None
    await lab.clock.advance(60)
    assert lab.hosts[-1] == "192.0.2.2"
    assert lab.states == [ForwardState.OPEN] * 2
    assert lab.problem == ""
    assert [one.forward.local_port for one in lab.forwards.all] == ports

    # Another loss begins with a short pause.
    lab.drop()
    await lab.clock.advance(1)
    assert lab.states == [ForwardState.OPEN] * 2


@pytest.mark.parametrize("error", [HostKeyError("Its host key changed."), LoginError("It asks for a password.")])
async def test_what_only_the_user_can_solve_is_not_tried_again_until_it_is_asked_for(
    lab: Lab, error: Exception
) -> None:
    await lab.open()
    lab.error = error
    lab.drop()
    await lab.clock.advance(600)
    assert (lab.states, lab.problem, len(lab.hosts)) == ([ForwardState.FAILED], str(error), 2)

    [forward] = lab.forwards.all
    with pytest.raises(type(error)):
        await lab.forwards.reconnect(forward, nullcontext())
    lab.error = None
    await lab.forwards.reconnect(forward, nullcontext())
    assert (lab.states, lab.problem) == ([ForwardState.OPEN], "")
    await lab.forwards.reconnect(forward, nullcontext())
    assert len(lab.hosts) == 4


async def test_the_connection_is_given_back_with_the_last_forward_and_the_ports_are_freed(lab: Lab) -> None:
    await lab.open()
    await lab.open(ForwardSpec(6006))
    assert lab.leases == 1
    first, second = lab.forwards.all
    await lab.forwards.stop(first)
    assert (lab.leases, lab.states) == (1, [ForwardState.OPEN])
    await lab.forwards.stop(second)
    assert (lab.leases, lab.forwards.all) == (0, [])
    for one in (first, second):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", one.forward.local_port)


async def test_an_attempt_that_is_under_way_answers_whoever_asks_for_one(lab: Lab) -> None:
    await lab.open()
    lab.busy, lab.error = asyncio.Event(), LoginError("It asks for a password.")
    lab.drop()
    await lab.clock.advance(1)
    [forward] = lab.forwards.all
    asked = asyncio.ensure_future(lab.forwards.reconnect(forward, nullcontext()))
    await settle()
    lab.busy.set()
    with pytest.raises(LoginError):
        await asked
    await lab.clock.advance(600)
    assert len(lab.hosts) == 2


async def test_a_forward_is_served_though_the_last_other_one_is_stopped_before_its_login_is_left(lab: Lab) -> None:
    await lab.open()
    [first] = lab.forwards.all

    @asynccontextmanager
    async def login() -> AsyncIterator[None]:
        yield
        await lab.forwards.stop(first)

    await lab.forwards.open(TRAIN, [ForwardSpec(6006)], login())
    assert (lab.leases, lab.states) == (1, [ForwardState.OPEN])


async def test_forwards_are_opened_all_or_none_and_a_taken_port_before_any_login(lab: Lab) -> None:
    await lab.open()
    taken = lab.forwards.all[0].forward.local_port
    login = Login()
    with pytest.raises(SshError, match="in use"):
        await lab.forwards.open(TRAIN, [ForwardSpec(80), ForwardSpec(80, taken)], login)
    assert not login.entered
    assert len(lab.forwards.all) == 1
    await lab.forwards.stop(lab.forwards.all[0])

    lab.error = SshError("192.0.2.1 refused the connection.")
    with pytest.raises(SshError, match="refused the connection"):
        await lab.open(ForwardSpec(80))
    assert lab.forwards.all == []
    await lab.clock.advance(60)
    assert len(lab.hosts) == 2


class Login(nullcontext[None]):
    """A login that was made or not."""

    entered = False

    async def __aenter__(self) -> None:
        self.entered = True


async def test_a_link_does_not_wait_for_its_next_attempt_once_the_instance_is_listed_as_started(lab: Lab) -> None:
    await lab.open()
    stopped = replace(TRAIN, phase=Phase.STOPPED, ssh=None)
    lab.forwards.take(Change(updated=(stopped,)))
    lab.error = SshError("lab/pod/train does not run.")
    lab.drop()
    await lab.clock.advance(600)
    attempts = len(lab.hosts)
    lab.forwards.take(Change(updated=(stopped,)))
    await lab.clock.advance()
    assert len(lab.hosts) == attempts

    lab.row, lab.error = replace(TRAIN, ssh=replace(TARGET, port=23007)), None
    lab.forwards.take(Change(updated=(lab.row,)))
    await lab.clock.advance()
    assert lab.states == [ForwardState.OPEN]


async def test_listeners_learn_of_each_loss_and_return(lab: Lab) -> None:
    await lab.open()
    seen: list[bool] = []
    lab.forwards.listeners.add(lambda link: seen.append(link.error is None))
    lab.drop()
    await settle()
    await lab.clock.advance(1)
    assert seen == [False, True]


@pytest.mark.parametrize("host", [Ref("lab", "host", "gpu7"), None])
async def test_a_container_is_refused_with_the_way_over_its_host(lab: Lab, host: Ref | None) -> None:
    target = replace(TARGET, enter=("docker", "28f8"), host_row=host)
    with pytest.raises(SshError, match="train has no SSH server") as caught:
        await lab.forwards.open(replace(TRAIN, ssh=target), [ForwardSpec(8888)], nullcontext())
    assert f"forward to that port of {host or 'its host'}." in caught.value.hint
    published = replace(TRAIN, ssh=target, ports=(PortMapping(18888, 8888), PortMapping(53, 53, "udp")))
    with pytest.raises(SshError, match=re.escape("The host publishes 18888 (its 8888): forward to that port of")):
        await lab.forwards.open(published, [ForwardSpec(8888)], nullcontext())


async def test_they_are_named_with_both_ends(lab: Lab) -> None:
    await lab.open(ForwardSpec(8888), ForwardSpec(None))
    port, proxy = (one.forward.local_port for one in lab.forwards.all)
    texts = [one.row().text for one in lab.forwards.all]
    assert texts == [f"127.0.0.1:{port} → 8888 in train", f"127.0.0.1:{proxy} → SOCKS5 in train"]
