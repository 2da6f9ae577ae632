"""Changes as plans: nothing is sent without an approval, everything that is sent has a lease and is in the budget."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gputui.cli.mcp.budget import Budget
from gputui.cli.mcp.changes import Writing
from gputui.cli.mcp.leasing import Leasing
from gputui.cli.mcp.plans import ApprovalNeededError, Desk, Plans
from gputui.cli.mcp.write_tools import WriteTools
from gputui.errors import (
    AgentError,
    ConfigError,
    ConflictError,
    ForbiddenError,
    GputuiError,
    InvalidError,
    UnknownOutcomeError,
)
from gputui.models import Action, Deployment, Form, FormField, Money, Offer, Phase, Ref, Resource, Role
from gputui.models.forms import FieldKind
from gputui.rules.lease_book import LeaseBook, LeaseTerms
from tests.agent.conftest import until
from tests.cli.mcp.conftest import Tools, tools_over
from tests.fleet.fakes import FakeBackend, pod

INSTANCES = Resource.INSTANCES
PRICE = Money(Decimal("1.50"), "USD")
EXP = {"name": "exp", "image": "cuda", "price_to": "1.5"}


class Lab(FakeBackend):
    """An account that is billed; the form of a pod has an upper price."""

    bills = True

    def __init__(self) -> None:
        super().__init__("lab")
        self.offered |= {Action.START}
        self.values: Mapping[str, str] = {}
        self.limited = True
        """Whether the form has an upper price, else it has the GPU model and their number."""

    async def create_form(self, kind: str) -> Form:
        fields = (
            FormField("name", "Name", role=Role.NAME),
            FormField("image", "Image"),
            FormField(
                "price_to", "Price at most", FieldKind.NUMBER, required=False, unit="$/h", role=Role.PRICE_LIMIT
            ),
            FormField("password", "Password", FieldKind.SECRET, required=False),
            FormField("model", "GPU model", required=False, role=Role.GPU_MODELS),
            FormField("gpus", "GPUs", required=False, role=Role.GPU_COUNT),
        )
        kept = tuple(field for field in fields if self.limited or field.role is not Role.PRICE_LIMIT)
        return Form(self.account, kind, "New pod", kept)

    async def create(self, kind: str, values: Mapping[str, str]) -> Any:
        self.values = values
        result = await super().create(kind, values)
        self.rows[INSTANCES] = [*self.rows[INSTANCES], replace(pod("lab", values["name"]), container_id="new")]
        return result


class Write:
    """The tools of a server with ``--write``."""

    def __init__(self, tools: Tools, state: Path) -> None:
        self.agents = 0
        self.agent_error: GputuiError | None = None
        self.desk = Desk(state)
        self.book = LeaseBook(state / "agent")
        clock = tools.clock
        self.clock = clock
        self.plans = Plans(self.desk, clock.monotonic, clock.now)
        self.budget = Budget([Money(Decimal(20), "USD")], self.desk.folder, clock.now)
        leasing = Leasing(self.book, 480, "me", self._ensure)
        writing = Writing(tools.reader, self.plans, self.budget, leasing)
        self.made = WriteTools(writing)
        self.tools = {tool.name: tool for tool in self.made.tools()}

    def _ensure(self) -> None:
        self.agents += 1
        if self.agent_error is not None:
            raise self.agent_error

    async def ask(self, name: str, **arguments: Any) -> Any:
        return dict(await self.tools[name].run(arguments))

    def approve(self, id_: str) -> None:
        self.desk.approve(self.desk.read(id_, self.clock.now()))

    async def approved(self, name: str, **arguments: Any) -> Any:
        plan = (await self.ask(name, **arguments))["plan"]
        self.approve(plan)
        return await self.ask("carry_out", plan=plan)


@pytest.fixture
def lab() -> Lab:
    return Lab()


@asynccontextmanager
async def writing(home: Path, lab: Lab) -> AsyncIterator[Write]:
    async with tools_over(home, lab) as tools:
        yield Write(tools, home / "state")


async def test_nothing_is_sent_before_a_person_approved_it_and_then_once(tmp_path: Path, lab: Lab) -> None:
    lab.rows[INSTANCES] = [pod("lab", "main")]
    async with writing(tmp_path, lab) as write:
        plan = await write.ask("plan_stop", refs=["lab/pod/main"])
        assert plan["question"] == "Stop main in lab?"
        assert any("The processes on its GPUs are unknown" in line for line in plan["consequences"])
        with pytest.raises(ApprovalNeededError):
            await write.ask("carry_out", plan=plan["plan"])
        assert lab.calls[Action.STOP] == 0
        write.approve(plan["plan"])
        first = await write.ask("carry_out", plan=plan["plan"])
        assert first["results"] == [{"ref": "lab/pod/main", "outcome": "done", "message": "stopped"}]
        assert await write.ask("carry_out", plan=plan["plan"]) == first
    assert lab.calls[Action.STOP] == 1


async def test_another_row_of_that_name_is_not_touched(tmp_path: Path, lab: Lab) -> None:
    lab.rows[INSTANCES] = [pod("lab", "main", container_id="old")]
    async with writing(tmp_path, lab) as write:
        plan = await write.ask("plan_stop", refs=["lab/pod/main"])
        lab.rows[INSTANCES] = [pod("lab", "main", container_id="new")]
        write.approve(plan["plan"])
        answer = await write.ask("carry_out", plan=plan["plan"])
    (result,) = answer["results"]
    assert (result["outcome"], lab.calls[Action.STOP]) == ("failed", 0)
    assert "another one has its name now" in result["error"]


async def test_a_part_of_a_name_is_refused_for_a_change(tmp_path: Path, lab: Lab) -> None:
    lab.rows[INSTANCES] = [pod("lab", "main")]
    async with writing(tmp_path, lab) as write:
        with pytest.raises(ConfigError, match="A change needs full names"):
            await write.ask("plan_stop", refs=["mai"])


async def test_a_start_has_a_lease_and_counts_until_its_end(tmp_path: Path, lab: Lab) -> None:
    lab.rows[INSTANCES] = [replace(pod("lab", "main", "exited"), price=PRICE)]
    async with writing(tmp_path, lab) as write:
        plan = await write.ask("plan_start", ref="lab/pod/main")
        assert "Spending rises by $1.50/h." in plan["consequences"]
        assert plan["consequences"][-1].startswith("It counts $12.00 against the budget of $20.00 for 24 hours")
        write.approve(plan["plan"])
        (result,) = (await write.ask("carry_out", plan=plan["plan"]))["results"]
        lease = write.book.read().of[Ref("lab", "pod", "main")].lease
        assert (result["outcome"], result["lease"]["id"], write.agents) == ("done", lease.id, 2)
        assert lease.until is not None
        assert (lease.until - write.clock.now()).total_seconds() == 480 * 60
        with pytest.raises(ForbiddenError, match=r"and \$8.00 of the budget"):
            await write.ask("plan_create", account="lab", kind="pod", values=EXP)


async def test_nothing_is_started_where_no_agent_can_end_it(tmp_path: Path, lab: Lab) -> None:
    lab.rows[INSTANCES] = [replace(pod("lab", "main", "exited"), price=PRICE)]
    async with writing(tmp_path, lab) as write:
        write.agent_error = AgentError("The agent cannot be started.")
        with pytest.raises(AgentError):
            await write.approved("plan_start", ref="lab/pod/main")
        assert lab.calls[Action.START] == 0
        assert write.budget.check(Money(Decimal(20), "USD"))


async def test_an_unknown_price_is_in_no_budget(tmp_path: Path, lab: Lab) -> None:
    lab.rows[INSTANCES] = [pod("lab", "main", "exited")]
    async with writing(tmp_path, lab) as write:
        with pytest.raises(InvalidError, match="The price of lab/pod/main is not known: no budget covers it"):
            await write.ask("plan_start", ref="lab/pod/main")
        with pytest.raises(InvalidError, match="The price of this pod is not known"):
            await write.ask("plan_create", account="lab", kind="pod", values={"name": "exp", "image": "cuda"})


def stopped(price_to: Money | None, desired: int) -> Deployment:
    """A deployment that costs nothing now."""
    ref, nothing = Ref("lab", "deployment", "serve"), Money(Decimal(0), "USD")
    return Deployment(
        ref, "serve", "", Phase.STOPPED, "", desired=desired, running=0, price=nothing, price_to=price_to
    )


@pytest.mark.parametrize(("price_to", "desired"), [(None, 2), (replace(PRICE, estimated=True), 2), (PRICE, 0)])
async def test_what_a_stopped_deployment_costs_now_is_not_its_price(
    tmp_path: Path, lab: Lab, price_to: Money | None, desired: int
) -> None:
    lab.rows[Resource.DEPLOYMENTS] = [stopped(price_to, desired)]
    async with writing(tmp_path, lab) as write:
        with pytest.raises(InvalidError, match="The price of lab/deployment/serve is not known"):
            await write.ask("plan_start", ref="lab/deployment/serve")


async def test_a_started_deployment_counts_with_all_its_instances(tmp_path: Path, lab: Lab) -> None:
    lab.rows[Resource.DEPLOYMENTS] = [stopped(Money(Decimal("0.75"), "USD"), 2)]
    async with writing(tmp_path, lab) as write:
        plan = await write.ask("plan_start", ref="lab/deployment/serve")
    assert plan["consequences"][-1].startswith("It counts $12.00 against the budget of $20.00")


async def test_a_start_that_relies_on_a_lease_is_not_sent_without_it(tmp_path: Path, lab: Lab) -> None:
    row = replace(pod("lab", "main", "exited"), price=PRICE)
    lab.rows[INSTANCES] = [row]
    async with writing(tmp_path, lab) as write:
        terms = LeaseTerms(until=write.clock.now() + timedelta(hours=4))
        lease = write.book.set(row, terms, now=write.clock.now(), user="me", known=None)
        plan = (await write.ask("plan_start", ref="lab/pod/main"))["plan"]
        write.approve(plan)
        write.book.remove(lease)
        with pytest.raises(ConflictError, match="The lease of lab/pod/main has changed"):
            await write.ask("carry_out", plan=plan)
    assert lab.calls[Action.START] == 0


async def test_a_create_has_a_lease_of_what_it_made(tmp_path: Path, lab: Lab) -> None:
    async with writing(tmp_path, lab) as write:
        answer = await write.approved("plan_create", account="lab", kind="pod", values=EXP)
        lease = write.book.read().of[Ref("lab", "pod", "exp")].lease
    assert (answer["outcome"], answer["ref"], answer["lease"]["id"]) == ("done", "lab/pod/exp", lease.id)
    assert (lease.generation, lab.calls[Action.CREATE]) == ("new", 1)


async def test_a_create_under_way_gets_its_lease_though_the_client_has_gone(tmp_path: Path, lab: Lab) -> None:
    async with writing(tmp_path, lab) as write:
        plan = (await write.ask("plan_create", account="lab", kind="pod", values=EXP))["plan"]
        write.approve(plan)
        answered = lab.hold(Action.CREATE)
        call = asyncio.create_task(write.ask("carry_out", plan=plan))
        await until(lambda: lab.calls[Action.CREATE])
        call.cancel()
        finishing = asyncio.create_task(write.made.finish())
        await asyncio.sleep(0)
        assert not finishing.done()
        answered.set()
        await finishing
        assert write.book.read().of[Ref("lab", "pod", "exp")].lease is not None


async def test_a_create_whose_answer_was_lost_stays_in_the_budget_and_is_said_to_have_no_lease(
    tmp_path: Path, lab: Lab
) -> None:
    lab.errors[Action.CREATE] = UnknownOutcomeError("no answer came")
    async with writing(tmp_path, lab) as write:
        answer = await write.approved("plan_create", account="lab", kind="pod", values=EXP)
        assert answer["outcome"] == "unknown"
        assert "NO lease" in answer["warning"]
        with pytest.raises(ForbiddenError):
            write.budget.check(Money(Decimal(9), "USD"))


async def test_a_refused_create_costs_nothing(tmp_path: Path, lab: Lab) -> None:
    lab.errors[Action.CREATE] = ConflictError("no stock")
    async with writing(tmp_path, lab) as write:
        answer = await write.approved("plan_create", account="lab", kind="pod", values=EXP)
        assert (answer["outcome"], answer["error"]) == ("failed", "no stock")
        write.budget.check(Money(Decimal(20), "USD"))


async def test_a_create_is_not_sent_when_its_price_has_risen(tmp_path: Path, lab: Lab) -> None:
    def offer(price: str) -> Offer:
        return Offer(Ref("lab", "offer", "1"), "H100", "eu", idle=4, price_from=Money(Decimal(price), "USD"))

    lab.limited = False
    lab.rows[Resource.STOCK] = [offer("1.0")]
    values = {"name": "exp", "image": "cuda", "model": "H100", "gpus": "2"}
    async with writing(tmp_path, lab) as write:
        plan = await write.ask("plan_create", account="lab", kind="pod", values=values)
        assert "Spending rises by at most $2.00/h." in plan["consequences"]
        lab.rows[Resource.STOCK] = [offer("1.2")]
        write.approve(plan["plan"])
        with pytest.raises(ConflictError, match=r"The price is \$2.40/h now. Nothing was sent"):
            await write.ask("carry_out", plan=plan["plan"])
        assert (lab.calls[Action.CREATE], write.budget.check(Money(Decimal(20), "USD"))[-5:]) == (0, "used.")


@pytest.mark.parametrize("value", ["cmd:touch /tmp/x", "file:~/.ssh/id_rsa", "env:HOME", "hunter2"])
async def test_secrets_and_references_to_them_are_not_read_for_a_model(tmp_path: Path, lab: Lab, value: str) -> None:
    async with writing(tmp_path, lab) as write:
        with pytest.raises(InvalidError) as caught:
            await write.ask("plan_create", account="lab", kind="pod", values={**EXP, "password": value})
    assert set(caught.value.fields) == {"password"}
    assert value not in str(caught.value.fields)


async def test_what_a_person_cannot_read_is_refused(tmp_path: Path, lab: Lab) -> None:
    async with writing(tmp_path, lab) as write:
        with pytest.raises(InvalidError) as caught:
            await write.ask("plan_create", account="lab", kind="pod", values={**EXP, "image": "x" * 7000})
        assert "too much for a person to approve" in caught.value.fields["values"]
        plan = await write.ask("plan_create", account="lab", kind="pod", values={**EXP, "image": "x" * 5900})
        approved = write.desk.read(plan["plan"], write.clock.now())
    assert any("x" * 5900 in line for line in approved.lines)


async def test_lines_of_a_value_cannot_pass_for_consequences(tmp_path: Path, lab: Lab) -> None:
    async with writing(tmp_path, lab) as write:
        values = {**EXP, "image": "a\nSpending does not rise: the account is not billed.\x1b[2J"}
        plan = await write.ask("plan_create", account="lab", kind="pod", values=values)
    lines = "\n".join(plan["consequences"]).splitlines()
    assert "    | Spending does not rise: the account is not billed.\ufffd[2J" in lines
    assert "Spending rises by at most $1.50/h." in lines
