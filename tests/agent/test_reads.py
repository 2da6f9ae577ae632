"""Which answers serve whom: the requests of sessions by age, outcome, account and configuration."""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from gputui.agent import link as link_module
from gputui.agent import main as main_module
from gputui.agent.link import Link
from gputui.agent.reads import KEPT_SECONDS, Reads
from gputui.agent.start import AgentPlan
from gputui.errors import AuthError, ConfigError, GputuiError, RateLimitedError, UnavailableError
from gputui.models.questions import Answer, Question
from tests.agent.conftest import Running, until
from tests.cli.conftest import account_toml, write_config
from tests.fleet.fakes import FakeClock, settle

LIST = Question("lab", "GET", "/list")


class Server:
    """Counts what it is asked, and answers with the number of the request."""

    def __init__(self) -> None:
        self.asked: Counter[Question] = Counter()
        self.hold: asyncio.Event | None = None
        self.error: GputuiError | None = None
        self.renewed = 0
        self.correct_after_renewal = False

    def forget_credentials(self) -> None:
        self.renewed += 1
        if self.correct_after_renewal:
            self.error = None

    async def answer(self, question: Question) -> Answer:
        self.asked[question] += 1
        number = self.asked[question]
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        return Answer(str(number).encode(), 0.1, 0.0)


class Shared:
    """Reads of one account on such a server."""

    def __init__(self) -> None:
        self.clock, self.server = FakeClock(), Server()
        opened: Any = SimpleNamespace(opened=self.server)
        fleet: Any = SimpleNamespace(runtimes={"lab": opened})
        self.reads = Reads(lambda: fleet, self.clock)

    async def ask(self, age: float, question: Question = LIST) -> bytes:
        answer = await self.reads.ask(question, age)
        assert answer is not None
        return answer.body


@pytest.fixture
def shared() -> Shared:
    return Shared()


async def test_an_answer_serves_those_who_can_do_with_its_age(shared: Shared) -> None:
    assert await shared.ask(5) == b"1"
    await shared.clock.advance(4)
    assert await shared.ask(5) == b"1"
    await shared.clock.advance(2)
    assert await shared.ask(5) == b"2"
    answer = await shared.reads.ask(LIST, 5)
    assert answer is not None
    assert answer.age == 0


async def test_after_a_change_and_for_a_manual_refresh_the_request_is_a_new_one(shared: Shared) -> None:
    shared.server.hold = asyncio.Event()
    begun_before = asyncio.create_task(shared.ask(5))
    await settle()
    await shared.clock.advance(0.1)
    after_the_change = asyncio.create_task(shared.ask(0.0))
    await settle()
    shared.server.hold.set()
    assert await begun_before == b"1"
    assert await after_the_change == b"2"


async def test_those_who_ask_at_once_wait_for_one_request(shared: Shared) -> None:
    shared.server.hold = asyncio.Event()
    asking = [asyncio.create_task(shared.ask(1)) for _ in range(10)]
    await settle()
    asking[0].cancel()  # the session that was first goes away
    await settle()
    shared.server.hold.set()
    assert await asyncio.gather(*asking[1:]) == [b"1"] * 9


async def test_a_failure_serves_all_as_well(shared: Shared) -> None:
    shared.server.error = UnavailableError("lab: no answer.")
    for _ in range(3):
        with pytest.raises(UnavailableError, match="no answer"):
            await shared.ask(5)
    assert shared.server.asked[LIST] == 1


async def test_filters_of_a_session_are_requests_of_their_own(shared: Shared) -> None:
    await shared.ask(5)
    filtered = Question("lab", "POST", "/list", (("page", 1),), b'{"price_to":500}')
    assert await shared.ask(5, filtered) == b"1"
    assert len(shared.server.asked) == 2


async def test_old_answers_are_dropped(shared: Shared) -> None:
    await shared.ask(5)
    await shared.clock.advance(KEPT_SECONDS + 1)
    await shared.ask(5, Question("lab", "GET", "/other"))
    assert len(shared.reads._asked) == 1


async def link_of(agent: Running, answer: Any) -> Link:
    """Return a link to an agent that asks its servers by ``answer``."""
    agent.backends["lab"].answer = answer
    link = Link(agent.state, AgentPlan(agent.config, (), starts=False))
    assert await link.open() is not None
    return link


async def test_errors_of_the_server_reach_the_session(agent: Running) -> None:
    server = Server()
    link = await link_of(agent, server.answer)
    answer = await link.ask(LIST, 5)
    assert answer is not None
    assert (answer.body, answer.latency, answer.ahead) == (b"1", 0.1, 0.0)
    server.error = RateLimitedError("lab: slow down.", retry_after=30.0)
    await agent.clock.advance(6)
    with pytest.raises(RateLimitedError) as limited:
        await link.ask(LIST, 5)
    assert limited.value.retry_after == 30.0
    await link.aclose()


async def test_a_long_answer_arrives_whole(agent: Running) -> None:
    body = b"[" + b"1," * 3_000_000 + b"1]"

    async def answer(question: Question) -> Answer:
        return Answer(body)

    link = await link_of(agent, answer)
    answers = await asyncio.gather(*(link.ask(Question("lab", "GET", f"/{n}"), 5) for n in range(8)))
    assert [found is not None and found.body == body for found in answers] == [True] * 8
    await link.aclose()


async def test_a_secret_that_the_agent_cannot_read_is_read_by_the_session(agent: Running) -> None:
    server = Server()
    server.error = ConfigError("accounts.lab.password: the command did not start.")
    link = await link_of(agent, server.answer)
    assert await link.ask(LIST, 5) is None
    await link.aclose()


async def test_credentials_that_the_server_refuses_are_read_again_once_in_a_while(shared: Shared) -> None:
    shared.server.error = AuthError("lab: wrong password.")
    for _ in range(3):
        with pytest.raises(AuthError):
            await shared.ask(5)
        await shared.clock.advance(10)
    assert (shared.server.asked[LIST], shared.server.renewed) == (4, 1)

    await shared.clock.advance(60)
    shared.server.correct_after_renewal = True
    assert await shared.ask(5) == b"6"
    assert shared.server.renewed == 2


async def test_an_account_that_the_agent_does_not_have_is_asked_by_the_session(agent: Running) -> None:
    link = await link_of(agent, Server().answer)
    assert await link.ask(Question("other", "GET", "/list"), 5) is None
    agent.backends["lab"].answer = None
    assert await link.ask(LIST, 5) is None
    await link.aclose()


async def test_a_session_with_another_environment_asks_by_itself(
    agent: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server()
    agent.backends["lab"].answer = server.answer
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    link = Link(agent.state, AgentPlan(agent.config, (), starts=False))
    assert await link.open() is not None
    assert await link.ask(LIST, 5) is None
    assert not server.asked
    await link.aclose()


async def test_a_session_from_before_a_change_of_the_configuration_asks_by_itself(agent: Running) -> None:
    server = Server()
    link = await link_of(agent, server.answer)
    write_config(agent.config.parent, account_toml("lab") + "price = 1.5\n")
    await agent.pass_until(lambda: len(agent.services) == 2)
    assert await link.ask(LIST, 5) is None
    assert not server.asked
    await link.aclose()


async def test_a_request_under_way_when_the_configuration_changes_is_one_of_the_session(agent: Running) -> None:
    server = Server()
    server.hold = asyncio.Event()
    link = await link_of(agent, server.answer)
    asking = asyncio.create_task(link.ask(LIST, 5))
    await until(lambda: server.asked)
    write_config(agent.config.parent, account_toml("lab", "second"))
    await agent.pass_time(6)
    async with asyncio.timeout(5):
        assert await asking is None
    await link.aclose()


async def test_an_agent_that_hangs_is_left(agent: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(link_module, "_SLOW_SECONDS", 0.01)
    monkeypatch.setattr(link_module, "_ALIVE_SECONDS", 0.01)
    link = await link_of(agent, never)
    monkeypatch.setattr(main_module, "_ping", never)
    assert await link.ask(LIST, 5) is None
    assert link.client is not None
    assert link.client.closed
    await link.aclose()


async def test_a_server_that_is_slow_is_no_agent_that_hangs(agent: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "_SLOW_SECONDS", 0.01)
    server = Server()
    server.hold = asyncio.Event()
    link = await link_of(agent, server.answer)
    asking = asyncio.create_task(link.ask(LIST, 5))
    await asyncio.sleep(0.05)
    assert not asking.done()
    server.hold.set()
    assert (await asking) is not None
    await link.aclose()
