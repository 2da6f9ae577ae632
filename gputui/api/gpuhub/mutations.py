"""Changes on GPUhub. Each request is sent once, and is named in the error where no answer comes."""

from __future__ import annotations

from gputui.api.gpuhub.client import GpuhubClient
from gputui.errors import InvalidError
from gputui.formatting import format_minutes
from gputui.models import LONGEST_BLOCK, ActionResult, Ref, StopOptions

DEPLOYMENT = "/api/v1/dev/deployment"


class GpuhubChanges:
    """The calls 4 to 6, 9 and 10."""

    def __init__(self, client: GpuhubClient) -> None:
        self._client = client

    async def scale(self, ref: Ref, replicas: int) -> ActionResult:
        """Change the desired number of replicas (call 4)."""
        body = {"deployment_uuid": ref.id, "replica_num": replicas}
        what = f"the scaling of deployment {ref.id} to {replicas}"
        await self._client.change("PUT", f"{DEPLOYMENT}/replica_num", body, what=what)
        return ActionResult(f"Deployment {ref.id} scaled to {replicas}.")

    async def stop_deployment(self, ref: Ref) -> ActionResult:
        """Stop a deployment (call 5). The document calls the key one thing and clients send another: both go out."""
        body = {"deployment_uuid": ref.id, "operate": "stop", "operation": "stop"}
        await self._client.change("PUT", f"{DEPLOYMENT}/operate", body, what=f"the stop of deployment {ref.id}")
        return ActionResult(f"Deployment {ref.id} stopped.")

    async def delete_deployment(self, ref: Ref) -> ActionResult:
        """Delete a deployment (call 6)."""
        body = {"deployment_uuid": ref.id}
        await self._client.change("DELETE", DEPLOYMENT, body, what=f"the deletion of deployment {ref.id}")
        return ActionResult(f"Deployment {ref.id} deleted.")

    async def stop_container(self, ref: Ref, options: StopOptions) -> ActionResult:
        """Stop a container (call 9)."""
        body: dict[str, object] = {"deployment_container_uuid": ref.id}
        if options.decrease_replicas:
            body["decrease_one_replica_num"] = True
        if options.no_cache:
            body["no_cache"] = True
        if options.command.strip():
            body["cmd_before_shutdown"] = options.command
        await self._client.change("PUT", f"{DEPLOYMENT}/container/stop", body, what=f"the stop of container {ref.id}")
        return ActionResult(f"Container {ref.id} stopped.")

    async def block(self, ref: Ref, *, minutes: int, comment: str, host: str) -> ActionResult:
        """Keep the host of a container out (call 10); ``host`` is for the message."""
        if not 1 <= minutes <= LONGEST_BLOCK:
            problem = "must be at least 1m and at most 30d"
            raise InvalidError(f"{ref}: the time {problem}.", fields={"minutes": problem})
        body: dict[str, object] = {"deployment_container_uuid": ref.id, "expire_in_minutes": minutes}
        if comment.strip():
            body["comment"] = comment.strip()
        await self._client.change("POST", f"{DEPLOYMENT}/blacklist", body, what=f"the blacklisting of host {host}")
        return ActionResult(f"Host {host} is blocked for {format_minutes(minutes)}.")
