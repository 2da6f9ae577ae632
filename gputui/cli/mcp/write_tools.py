"""The tools that prepare changes, and the one that carries out what a person approved."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from pydantic import Field

from gputui.cli.mcp import changes, creating
from gputui.cli.mcp.changes import Writing, answer_of
from gputui.cli.mcp.plans import PlanState
from gputui.cli.mcp.tool import Answer, Arguments, Tool
from gputui.fleet.clock import within
from gputui.redaction import as_failure

FINISH_SECONDS = 120.0
"""How long the server stays for requests under way when the client has gone, in seconds."""
_REF = "account/kind/id as in `ref` of a row, in full."


class FormArguments(Arguments):
    """Arguments of ``create_form``."""

    account: str
    kind: str = Field(description="As in `can_create` of accounts: deployment, instance, pod, vm, endpoint, …")


class CreateArguments(FormArguments):
    """Arguments of ``plan_create``."""

    values: dict[str, str] = Field(description="Values by the names of the fields of create_form, as text.")


class OneArguments(Arguments):
    """Arguments of a plan for one row."""

    ref: str = Field(description=_REF)


class ScaleArguments(OneArguments):
    """Arguments of ``plan_scale``."""

    replicas: int = Field(ge=0, le=1000, description="The desired number of instances.")


class SeveralArguments(Arguments):
    """Arguments of a plan for some rows."""

    refs: list[str] = Field(min_length=1, max_length=20, description=f"Each {_REF}")


class PlanArguments(Arguments):
    """Arguments of ``carry_out``."""

    plan: str = Field(description="The id of a plan.")


class WriteTools:
    """The tools of a server that was started with ``--write``."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._under_way: set[asyncio.Task[Answer]] = set()

    async def finish(self) -> None:
        """Wait for plans that are being carried out: what was created gets its lease though the client has gone."""
        if self._under_way:
            await within(self._writing.fleet.clock, FINISH_SECONDS, asyncio.wait(set(self._under_way)))

    def tools(self) -> Sequence[Tool[Any]]:
        """Return them."""
        return (
            Tool("create_form", "The fields of what can be created in an account.", FormArguments, self.form),
            Tool(
                "plan_create",
                "Prepare the creation of an instance or deployment. Nothing is sent. It gets a lease, and its cost "
                "until the lease ends counts against the budget.",
                CreateArguments,
                self.create,
            ),
            Tool(
                "plan_start",
                "Prepare the start of an instance or deployment with a lease, within the budget. Nothing is sent.",
                OneArguments,
                self.start,
            ),
            Tool(
                "plan_stop", "Prepare to stop instances or deployments. Nothing is sent.", SeveralArguments, self.stop
            ),
            Tool(
                "plan_scale",
                "Prepare another number of instances of a deployment. Nothing is sent. For more it needs a lease.",
                ScaleArguments,
                self.scale,
            ),
            Tool(
                "plan_release",
                "Prepare to delete instances or deployments with their disks, permanently. Nothing is sent.",
                SeveralArguments,
                self.release,
            ),
            Tool(
                "carry_out",
                "Carry out a plan, once, after the person approved it. Call it again for the outcome.",
                PlanArguments,
                self.carry_out,
                changes=True,
            ),
        )

    async def form(self, given: FormArguments) -> Answer:
        """Return the fields of a form."""
        return await creating.form_answer(self._writing, given.account, given.kind)

    async def create(self, given: CreateArguments) -> Answer:
        """Prepare a create."""
        return answer_of(await creating.create(self._writing, given.account, given.kind, given.values))

    async def start(self, given: OneArguments) -> Answer:
        """Prepare a start."""
        return answer_of(await changes.start(self._writing, given.ref))

    async def stop(self, given: SeveralArguments) -> Answer:
        """Prepare a stop."""
        return answer_of(await changes.stop(self._writing, given.refs))

    async def scale(self, given: ScaleArguments) -> Answer:
        """Prepare another number of instances."""
        return answer_of(await changes.scale(self._writing, given.ref, given.replicas))

    async def release(self, given: SeveralArguments) -> Answer:
        """Prepare a deletion."""
        return answer_of(await changes.release(self._writing, given.refs))

    async def carry_out(self, given: PlanArguments) -> Answer:
        """Carry out a plan; raises ApprovalNeededError where no person has approved it.

        It continues where the client ends the call: a request that was sent cannot be taken back.
        """
        plans = self._writing.plans
        plan = plans.get(given.plan)
        if plan.state is PlanState.BEGUN:
            return plan.outcome or {"plan": plan.id, "outcome": "under way", "next": "Call carry_out again."}
        plans.begin(plan)

        async def work() -> Answer:
            try:
                plan.outcome = await plan.carry_out()
            except Exception as error:
                failure = as_failure(error, f"the plan {plan.id}")
                plan.outcome = {"plan": plan.id, "outcome": "failed", "error": str(failure)}
                raise
            finally:
                self._writing.reader.note_change()
            return plan.outcome

        task = asyncio.create_task(work(), name=f"plan {plan.id}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)
