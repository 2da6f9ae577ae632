"""pody: pods on a lab's own GPU server, over its HTTP API (releases 0.1.15 to 0.4.1).

The API changed with 0.3: the release is requested once and decides the routes. All parameters travel in the query.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partialmethod
from typing import TYPE_CHECKING, Unpack

from gputui.api.capabilities import found
from gputui.api.common.account_client import Clock
from gputui.api.common.backend import HttpBackend, lists_of, require_kind
from gputui.api.common.names import SafeNames, host_label
from gputui.api.http.decoding import digested
from gputui.api.http.rows import RowCollector, attempt, read_each
from gputui.api.pody import account_info as pody_account
from gputui.api.pody import mapping, schema
from gputui.api.pody.allowed_actions import RULES, name_problem, never, pod_actions
from gputui.api.pody.client import CREATE_TIMEOUT, OLDEST, PodyClient, Release
from gputui.api.pody.create import PodCreator
from gputui.errors import (
    AuthError,
    ConflictError,
    ForbiddenError,
    GputuiError,
    InvalidError,
    NotFoundError,
    RateLimitedError,
    UnavailableError,
)
from gputui.models import (
    AccountInfo,
    Action,
    ActionResult,
    ExecResult,
    GpuDevice,
    GpuProcess,
    Image,
    Instance,
    Never,
    Offer,
    Phase,
    Ref,
    Resource,
    Row,
    gpu_label,
)
from gputui.text import clean, terminal_text

if TYPE_CHECKING:
    from gputui.api.pody.account import PodyAccount

INSPECTIONS = 8
"""How many pods are inspected at a time over a link that takes its time."""
NEAR_INSPECTIONS = 2
NEAR_SECONDS = 0.01
"""From a server that answers this fast fewer are requested at a time: more would only crowd our own loop."""
SNAPSHOT_AGE = 0.5
"""How long one answer of gpu-ps serves GPUs, processes and stock, in seconds."""
EXEC_TIMEOUT = 30.0
OLD_EXEC_TIMEOUT = 10.0
EXEC_MARGIN = 30.0

_NEW_ROUTES = (0, 3, 0)
_NEW_IMAGE_NAMES = (0, 3, 1)
_TIMED_OUT = (-1, "Timeout")
_ENGINE_REFUSED = "Docker API error: "


class PodyBackend(HttpBackend):
    """One account on one pody server.

    Refs: ``pod/<instance>``, ``gpu/<index>``, ``process/<gpu>:<pid>``, ``offer/<model>``, ``image/<name>``.
    """

    rules = RULES
    without_ssh = "The image does not map port 22: use exec instead."
    kinds = lists_of(RULES)
    own_machines = True

    def __init__(self, account: PodyAccount, **clock: Unpack[Clock]) -> None:
        self._config = account
        self._client = PodyClient(account, **clock)
        super().__init__(account, self._client)
        self._gpus = self._client.shared(self._client.gpu_processes, age=SNAPSHOT_AGE)
        self._host = host_label(account.base_url)
        self._gpu_model = gpu_label(account.gpu_model, account.gpu_memory_bytes) if account.gpu_model else None
        self._refs: dict[str, Ref] = {}
        self._names = SafeNames(account.name)
        self.creators = {"pod": PodCreator(account.name, self._client, self.images)}
        self.listers = {
            Resource.INSTANCES: self.instances,
            Resource.GPUS: self.gpus,
            Resource.PROCESSES: self.processes,
            Resource.STOCK: self.stock,
            Resource.IMAGES: self.images,
        }
        self.operations = {
            Action.START: self.start,
            Action.STOP: self.stop,
            Action.RESTART: self.restart,
            Action.DELETE: self.delete,
            Action.EXEC: self.exec,
            Action.COMMIT: self.commit,
            Action.CHANGE_PASSWORD: lambda _, password: self.change_password(password),
        }

    # Identity

    async def identify(self) -> AccountInfo:
        """Request release and identity (``/version``, ``/user/info``): proves address, server and credentials."""
        return await pody_account.identify(self._config, self._client)

    async def account_info(self) -> AccountInfo:
        """Request everything about account and host; what fails is named in ``problems``."""
        return await pody_account.describe(self._config, self._client, pods=self._pod_refs, images=self.images)

    async def change_password(self, password: str) -> ActionResult:
        """Change the user's password (``POST /user/ch-passwd``) and use the new one from now on."""
        if not password:
            raise InvalidError("The new password is empty.", fields={"password": "is empty"})
        await self._client.change("/user/ch-passwd", {"passwd": password}, what="the change of the password")
        self._client.use_password(password)
        return ActionResult("Password changed.")

    # Instances

    async def instances(self) -> Sequence[Instance]:
        """List the user's pods (``/pod/list``), each inspected. A pod that cannot be inspected keeps its row."""
        refs, unread = await self._pod_refs()
        near = self.latency is not None and self.latency < NEAR_SECONDS
        slots = asyncio.Semaphore(NEAR_INSPECTIONS if near else INSPECTIONS)

        async def inspect(ref: Ref) -> Instance | GputuiError:
            async with slots:
                return await attempt(self._inspect(ref))

        found = await asyncio.gather(*(inspect(ref) for ref in refs))
        silent = [row for row in found if isinstance(row, UnavailableError | RateLimitedError | AuthError)]
        if silent and len(silent) == len(found):
            raise silent[0]
        collected: RowCollector[Instance] = RowCollector((), unread)
        for ref, row in zip(refs, found, strict=True):
            if isinstance(row, NotFoundError):
                continue
            collected.add([self._unreadable(ref, row) if isinstance(row, GputuiError) else row])
            if isinstance(row, GputuiError):
                collected.add_blank(f"pod {ref.id} cannot be read: {row.message}")
        rows = collected.rows()
        kept = {row.ref for row in rows}
        self._refs = {name: ref for name, ref in self._refs.items() if ref in kept}
        return rows

    async def _pod_refs(self) -> tuple[list[Ref], Mapping[str, int]]:
        """List the user's pods by their short names, and count the entries that are no names.

        Releases before 0.1.15 put the user's name before them.

        The server filters Docker's names by substring, so another user's pod can appear as a second "main".
        """
        listed = await self._client.ask(schema.NAMES, "/pod/list")
        names, unread = read_each(listed, schema.read_name)
        prefix = f"{self._config.username}-"
        return list(dict.fromkeys(self._names.ref("pod", name.removeprefix(prefix)) for name in names)), unread

    async def _inspect(self, ref: Ref) -> Instance:
        path = "/pod/inspect" if await self._client.release() >= _NEW_ROUTES else "/pod/info"
        body = await self._client.get(path, {"ins": self._names.raw(ref)})
        pod, instance = await digested(len(body), self._read_pod, ref, body, path)
        if pod.name:
            self._refs[pod.name] = ref
        return self._prices.instance(await self._with_gpus(instance) if instance.gpu_indices == () else instance)

    def _read_pod(self, ref: Ref, body: bytes, path: str) -> tuple[schema.PodRow, Instance]:
        pod = self._client.decode(schema.POD, body, path)
        return pod, mapping.to_instance(ref, pod, body, base_url=self._config.base_url, gpu_model=self._gpu_model)

    async def _with_gpus(self, instance: Instance) -> Instance:
        """Say what an empty list of GPUs means: engines give it for "all" too, and the user's quota knows better."""
        everything = await attempt(self._client.allows_all_gpus())
        if isinstance(everything, GputuiError):
            return replace(instance, gpu_indices=None, gpu_count=None)
        if not everything:
            return instance
        return replace(instance, gpu_indices=None, gpu_count=None, gpu_all=True, gpu_model=self._gpu_model)

    def _unreadable(self, ref: Ref, error: GputuiError) -> Instance:
        return Instance(ref, ref.id, Phase.UNKNOWN, "unknown", host=self._host, problem=error.message)

    # GPUs, processes and stock: one answer of gpu-ps

    async def gpus(self) -> Sequence[GpuDevice]:
        """List the host's GPUs (``/host/gpu-ps``)."""
        return self._devices(await self._gpus.get())

    async def processes(self) -> Sequence[GpuProcess]:
        """List the processes on the GPUs (``/host/gpu-ps``), mapped to the account's own pods."""
        return self._processes(await self._gpus.get())

    async def stock(self) -> Sequence[Offer]:
        """List the host's GPUs as stock: those without a process are idle (``/host/gpu-ps``)."""
        offers = mapping.to_offers(
            self.account,
            self._host,
            await self._gpus.get(),
            model=self._gpu_model or "GPU",
            memory_total=self._config.gpu_memory_bytes,
        )
        return list(map(self._prices.offer, offers))

    def _devices(self, snapshot: schema.GpuSnapshot) -> list[GpuDevice]:
        return mapping.to_devices(
            self.account,
            self._host,
            snapshot,
            self._owned(snapshot),
            model=self._gpu_model,
            memory_total=self._config.gpu_memory_bytes,
        )

    def _processes(self, snapshot: schema.GpuSnapshot) -> list[GpuProcess]:
        return mapping.to_processes(self.account, self._host, snapshot, self._owned(snapshot))

    def _owned(self, snapshot: schema.GpuSnapshot) -> dict[str, Ref]:
        """Return the account's own pods among those with processes, by the server's names."""
        names = mapping.pod_names(snapshot)
        return {name: ref for name in names if (ref := self._refs.get(name) or self._guess(name))}

    def _guess(self, name: str) -> Ref | None:
        """Return the pod that a name belongs to before it was inspected: ``[prefix-]user-instance``."""
        parts = name.split("-")
        own = len(parts) in {2, 3} and parts[-2] == self._config.username
        return self._names.ref("pod", parts[-1]) if own else None

    # Images

    async def images(self) -> Sequence[Image]:
        """List the images one can create from (``/image/list``, below 0.3 ``/host/images``)."""
        release = await self._client.release()
        path = "/image/list" if release >= _NEW_ROUTES else "/host/images"
        listed = await self._client.ask(schema.NAMES, path)
        names, unread = read_each(listed, schema.read_name)
        rows = [
            mapping.to_image(self._names.ref("image", name), own=self._is_own_image(name, release)) for name in names
        ]
        return RowCollector(rows, unread).rows()

    def _is_own_image(self, name: str, release: Release) -> bool:
        """Whether the user committed it: such images are listed by their tag alone, in 0.3.0 by their full name."""
        if release < _NEW_ROUTES:
            return False
        user = self._config.username
        tag = name.rpartition(":")[2] if release < _NEW_IMAGE_NAMES else name
        return (":" not in tag) and (tag == user or tag.startswith(f"{user}-"))

    async def _inspect_image(self, ref: Ref) -> Image:
        image = found(ref, await self.images())
        if await self._client.release() < _NEW_ROUTES:
            return image
        body = await self._client.transport.post("/image/inspect", {"image": self._names.raw(ref)})
        details = self._client.decode(schema.IMAGE, body, "/image/inspect")
        return image if details is None else mapping.with_inspection(image, details, body)

    async def fetch(self, ref: Ref) -> Row:
        """Fetch one row with its JSON; raises NotFoundError."""
        match ref.kind:
            case "pod":
                return await self._inspect(ref)
            case "image":
                return await self._inspect_image(ref)
            case "gpu" if ref.id.isdecimal():
                return found(ref, self._devices(await self._client.gpu_processes(ref.id)))
            case "process" if (gpu := ref.id.partition(":")[0]).isdecimal():
                return found(ref, self._processes(await self._client.gpu_processes(gpu)))
        return await super().fetch(ref)

    # Actions

    def never(self, row: Row, action: Action) -> Never | None:
        """Return why the action can never apply to this row, on this release of the server."""
        return never(row, action, commits=self._commits) or super().never(row, action)

    @property
    def _commits(self) -> bool:
        return (self._client.known_release or OLDEST) >= _NEW_ROUTES

    def actions(self, row: Row) -> frozenset[Action]:
        """Return what can be done to this row in the state it is in, on this release of the server."""
        match row:
            case Instance():
                return pod_actions(row) - (frozenset() if self._commits else {Action.COMMIT})
            case Image() if not row.own:
                return frozenset()
            case _:
                return super().actions(row)

    async def delete(self, ref: Ref) -> ActionResult:
        """Delete a pod (``POST /pod/delete``) or an image of the user's own (``POST /image/delete``)."""
        if ref.kind != "image":
            return await self._act(ref, "delete", "deleted")
        if not self._is_own_image(ref.id, await self._client.release()):
            raise ForbiddenError(
                f"{ref} is not an image of yours.", hint="Only images made by commit can be deleted."
            )
        await self._client.change(
            "/image/delete", {"image": self._names.raw(ref)}, what=f"the deletion of image {ref.id}"
        )
        return ActionResult(f"Image {ref.id} deleted.")

    async def exec(self, ref: Ref, command: str, *, timeout: float | None = None) -> ExecResult:
        """Run a shell command as root (``POST /pod/exec``). Below 0.3 the server's limit is always 10 s."""
        require_kind(ref, "pod")
        timed = await self._client.release() >= _NEW_ROUTES
        limit = (EXEC_TIMEOUT if timeout is None else max(1, math.ceil(timeout))) if timed else OLD_EXEC_TIMEOUT
        params: dict[str, str | int] = {"ins": self._names.raw(ref), "cmd": command}
        if timed:
            params["timeout"] = int(limit)
        what = f"the command for pod {ref.id}"
        body = await self._client.transport.post("/pod/exec", params, what=what, timeout=limit + EXEC_MARGIN)
        answer = await digested(len(body), self._client.decode, schema.EXEC, body, "/pod/exec", what=what)
        if (answer.exit_code, answer.log) == _TIMED_OUT:
            return ExecResult(None, "", timed_out=True)
        if answer.exit_code == -1 and answer.log.startswith(_ENGINE_REFUSED):
            # The command was not run: the server hands the engine's refusal over as if it were the output.
            raise ConflictError(f"{ref} runs no commands now: {clean(answer.log.removeprefix(_ENGINE_REFUSED))}")
        return ExecResult(answer.exit_code, await digested(len(body), terminal_text, answer.log))

    async def commit(self, ref: Ref, *, tag: str = "", message: str = "") -> ActionResult:
        """Save a pod as an image of the user's (``POST /pod/commit``, from 0.3)."""
        require_kind(ref, "pod")
        if await self._client.release() < _NEW_ROUTES:
            raise ForbiddenError(f"{self.account}: this server cannot commit pods; 0.3 and later can.")
        problem = name_problem(tag) if tag else None
        if problem:
            raise InvalidError(f"The tag {problem}.", fields={"tag": problem})
        params = {
            "ins": self._names.raw(ref),
            **({"tag": tag} if tag else {}),
            **({"msg": message} if message else {}),
        }
        what = f"the commit of pod {ref.id}"
        body = await self._client.transport.post(
            "/pod/commit", params, what=what, timeout=CREATE_TIMEOUT, creates=True
        )
        name = clean(self._client.decode(schema.COMMIT, body, "/pod/commit", what=what).image_name)
        listed = name if await self._client.release() < _NEW_IMAGE_NAMES else name.rpartition(":")[2]
        return ActionResult(f"Pod {ref.id} saved as image {listed}.", created=Ref(self.account, "image", listed))

    async def _act(self, ref: Ref, verb: str, done: str) -> ActionResult:
        """Start, stop or restart a pod (``POST /pod/{verb}``), or delete it."""
        require_kind(ref, "pod")
        what = f"the {verb} of pod {ref.id}"
        log = await self._client.change(f"/pod/{verb}", {"ins": self._names.raw(ref)}, what=what)
        return ActionResult(f"Pod {ref.id} {done}.", output=log)

    start = partialmethod(_act, verb="start", done="started")
    stop = partialmethod(_act, verb="stop", done="stopped")  # takes 10 s where its processes do not listen
    restart = partialmethod(_act, verb="restart", done="restarted")
