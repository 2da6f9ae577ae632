"""The changes of deployments, containers and container instances, as far as a cloud has calls for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gputui.api.common.backend import require_kind
from gputui.api.gpuhub.pro.mapping import KIND as INSTANCE
from gputui.api.gpuhub.resources import BLACKLIST, DEPLOYMENT
from gputui.errors import InvalidError
from gputui.formatting import format_minutes
from gputui.models import LONGEST_BLOCK, Action, ActionResult, Ref

if TYPE_CHECKING:
    from gputui.api.capabilities import Operation
    from gputui.api.gpuhub.client import GpuhubClient
    from gputui.api.gpuhub.pro.instances import ProInstances
    from gputui.api.gpuhub.resources import GpuhubLists


class GpuhubChanges:
    """The changes of one account. ``pro`` are its container instances, None on a cloud without them."""

    def __init__(self, client: GpuhubClient, lists: GpuhubLists, pro: ProInstances | None) -> None:
        self._client = client
        self._lists = lists
        self._pro = pro

    def operations(self) -> Mapping[Action, Operation]:
        """Return the operation of each action."""
        of_deployments: dict[Action, Operation] = {
            Action.STOP: self.stop,
            Action.SCALE: self.scale,
            Action.BLOCK: self.block,
            Action.DELETE: self.delete,
        }
        return (
            of_deployments
            if self._pro is None
            else {**of_deployments, Action.START: self.start, Action.COMMIT: self.commit}
        )

    async def stop(
        self, ref: Ref, *, decrease_replicas: bool = False, no_cache: bool = False, command: str = ""
    ) -> ActionResult:
        """Stop a deployment with all its containers (call 5), or one container (call 9), which has options.

        Or power a container instance off.

        A container is started in place of one that is stopped unless ``decrease_replicas`` takes one from the desired
        count; ``no_cache`` keeps the stopped one from being used again; ``command`` runs before the end, for five
        seconds at most.
        """
        plain = () if decrease_replicas or no_cache or command else ("deployment", INSTANCE)
        require_kind(ref, "container", *plain)
        if ref.kind == INSTANCE:
            return await self._instances(ref).changes.power_off(ref)
        body: dict[str, object]
        if ref.kind == "deployment":
            # The document and public clients have different keys: both are sent.
            body = {"deployment_uuid": ref.id, "operate": "stop", "operation": "stop"}
            return await self._change(ref, "PUT", "/operate", body, f"the stop of {ref.kind} {ref.id}", "stopped")
        body = {"deployment_container_uuid": ref.id}
        if decrease_replicas:
            body["decrease_one_replica_num"] = True
        if no_cache:
            body["no_cache"] = True
        if command:
            body["cmd_before_shutdown"] = command
        return await self._change(ref, "PUT", "/container/stop", body, f"the stop of container {ref.id}", "stopped")

    async def start(self, ref: Ref) -> ActionResult:
        """Power a container instance on."""
        require_kind(ref, INSTANCE)
        return await self._instances(ref).changes.power_on(ref)

    async def commit(self, ref: Ref, *, tag: str, stop_first: bool = False) -> ActionResult:
        """Save a container instance as an image of the name ``tag``; ``stop_first`` powers it off first."""
        require_kind(ref, INSTANCE)
        return await self._instances(ref).changes.save(ref, tag, stop_first=stop_first)

    async def scale(self, ref: Ref, replicas: int) -> ActionResult:
        """Set the number of replicas (call 4); replica sets only."""
        require_kind(ref, "deployment")
        if replicas < 1:
            problem = "must be at least 1; stop the deployment to have none"
            raise InvalidError(f"{ref}: replicas {problem}.", fields={"replicas": problem})
        body = {"deployment_uuid": ref.id, "replica_num": replicas}
        what = f"the scaling of deployment {ref.id} to {replicas}"
        return await self._change(ref, "PUT", "/replica_num", body, what, f"scaled to {replicas}")

    async def block(self, ref: Ref, *, minutes: int, comment: str = "") -> ActionResult:
        """Block the host of a container (call 10), at most for 30 days."""
        require_kind(ref, "container")
        if not 1 <= minutes <= LONGEST_BLOCK:
            problem = "must be at least 1m and at most 30d"
            raise InvalidError(f"{ref}: the time {problem}.", fields={"minutes": problem})
        host = self._lists.host_of(ref)
        body: dict[str, object] = {"deployment_container_uuid": ref.id, "expire_in_minutes": minutes}
        if comment.strip():
            body["comment"] = comment.strip()
        await self._client.change("POST", BLACKLIST, body, what=f"the blacklisting of host {host}")
        return ActionResult(f"Host {host} is blocked for {format_minutes(minutes)}.")

    async def delete(self, ref: Ref, *, stop_first: bool = False) -> ActionResult:
        """Delete a deployment with all its containers (call 6); one that runs is stopped first.

        Or release a container instance with its disk; ``stop_first`` powers it off first.
        """
        if ref.kind == INSTANCE:
            return await self._instances(ref).changes.release(ref, stop_first=stop_first)
        require_kind(ref, "deployment")
        what = f"the deletion of deployment {ref.id}"
        return await self._change(ref, "DELETE", "", {"deployment_uuid": ref.id}, what, "deleted")

    async def _change(
        self, ref: Ref, method: str, path: str, body: dict[str, object], what: str, done: str
    ) -> ActionResult:
        """Send a change; its deployment is requested again afterwards, whatever the outcome."""
        try:
            await self._client.change(method, f"{DEPLOYMENT}{path}", body, what=what)
        finally:
            self._lists.forget(ref if ref.kind == "deployment" else self._lists.parent_of(ref))
        return ActionResult(f"{ref.kind.capitalize()} {ref.id} {done}.")

    def _instances(self, ref: Ref) -> ProInstances:
        if self._pro is None:
            raise InvalidError(f"{ref.account} has no container instances.")
        return self._pro
