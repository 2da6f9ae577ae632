"""The DeepDock API over a simulated host: images, containers, the host and its GPUs."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from pydantic import BaseModel, StrictInt
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gputui.sim.http.answers import check_docker_name, docker_failure, route
from gputui.sim.http.fastapi import Handler, answer_of, application, arguments, declared
from gputui.sim.machines.containers import Pod

from .gpu_series import Sample
from .host import DockHost, image_id
from .registry import MissingError, find, whole
from .responses import SHORT_ID, container_shape, host_shape, image_shape, series_json, size_mb, ssh_port

# Durations of operations in world seconds.
CREATE_SECONDS, START_SECONDS, STOP_SECONDS, DELETE_SECONDS = 2.0, 0.8, 3.0, 0.6
PRESENT_SECONDS, REMOVE_SECONDS, CUT_SECONDS, FULL_SECONDS = 1.2, 0.8, 2.0, 20.0
_RUNNING = ("running", "paused", "restarting")
"""States in which Docker removes a container only by force."""
_NO_SPACE = "failed to register layer: write /usr/local/cuda/lib64/libcublasLt.so.12: no space left on device"


class Creation(BaseModel):
    """The body of a new container."""

    name: str
    image: str
    user_name: str
    password: str
    env: dict[str, str] | None = None
    gpu_ids: list[StrictInt] | None = None


class Pull(BaseModel):
    """The body of a pull."""

    repo_tag: str


class DeepdockApi:
    """The API of one host. ``app`` is the ASGI application.

    ``header`` is a name and a value that every request must have. The other attributes are faults: ``empty``, a host
    without contents; ``reports_ports``, whether SSH ports are in the answers; ``full_disk``, a pull fails for lack of
    space; ``breaks_pulls``, the connection of a pull breaks and the pull continues; ``missing_gpus``, how many of the
    last GPUs are missing; ``distort`` changes the samples of each GPU. Call :meth:`changed` after the last two.
    """

    def __init__(self, host: DockHost, header: tuple[str, str] | None = None) -> None:
        self.host = host
        self._world = host.world
        self._header = header
        self._rendered = b""
        self.empty = self.full_disk = self.breaks_pulls = False
        self.reports_ports = True
        self.missing_gpus = 0
        self.distort: Callable[[int, Sequence[Sample]], Sequence[Sample]] | None = None
        routes = [
            self._route("GET", "/images", self._images),
            self._route("POST", "/images", self._pull),
            self._route("DELETE", "/images/{ref:path}", self._remove_image),
            self._route("GET", "/containers", self._containers),
            self._route("POST", "/containers/create", self._create),
            self._route("POST", "/containers/{name:path}/start", self._start),
            self._route("POST", "/containers/{name:path}/stop", self._stop),
            self._route("POST", "/containers/{name:path}/restart", self._restart),
            self._route("DELETE", "/containers/{name:path}", self._delete),
            self._route("GET", "/metrics", self._metrics),
            self._route("GET", "/metrics/gpus", self._gpu_metrics),
        ]
        self.app: ASGIApp = _Dated(application(routes), self.now)

    def now(self) -> datetime:
        """The time of the host's clock, in UTC."""
        return datetime.fromtimestamp(self._world.time + self.host.machine.skew, UTC)

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        parameters = declared(handler)

        async def answer(request: Request) -> Response:
            self._world.advance()
            self._authorize(request)
            response = answer_of(await handler(**await arguments(parameters, request)))
            # In a frozen world the effects of a request are immediate.
            self._world.advance()
            return response

        return route(method, path, answer)

    def _authorize(self, request: Request) -> None:
        if self._header is None:
            return
        name, value = self._header
        if not hmac.compare_digest(request.headers.get(name, "").encode(), value.encode()):
            raise HTTPException(403, "Not authenticated")

    # Images

    async def _images(self) -> Any:
        images = [] if self.empty else [image_shape(image) for image in self.host.images.values()]
        return {"count": len(images), "images": images}

    async def _pull(self, body: Pull) -> Any:
        tag = whole(body.repo_tag)
        if self.host.image(tag) is None:
            await self._fetch(tag)
            if self.breaks_pulls:
                return _CutOff()
        else:
            await self._world.elapse(PRESENT_SECONDS)
        image = self.host.image(tag)
        if image is None:
            raise HTTPException(404, f"Image '{tag}' not found")
        return {
            "message": f"Image '{tag}' pulled successfully.",
            "id": image_id(image),
            "tags": [tag],
            "size_mb": size_mb(image),
        }

    async def _fetch(self, tag: str) -> None:
        """Wait for a pull; it continues without a waiting request."""
        try:
            find(tag)
        except MissingError as error:
            raise _pull_failure(404, tag, str(error)) from error
        if self.full_disk:
            await self._world.elapse(FULL_SECONDS)
            raise _pull_failure(500, tag, _NO_SPACE)
        left = self.host.pull(tag)
        if self.breaks_pulls:
            await self._world.elapse(min(left / 2, CUT_SECONDS))
            return
        await self._world.elapse(left)
        # A clock that wakes a little early must not lose an image.
        self.host.arrive(tag)

    async def _remove_image(self, ref: str) -> Any:
        if not self.host.images_of(ref):
            raise HTTPException(404, f"Image '{ref}' not found")
        await self._world.elapse(REMOVE_SECONDS)
        for image in self.host.images_of(ref):
            self.host.drop_image(image)
        return {"message": f"Image '{ref}' removed successfully."}

    # Containers

    async def _containers(self) -> Any:
        pods = [] if self.empty else reversed(self.host.pods.values())
        shapes = [container_shape(self.host, pod, tells_port=self.reports_ports) for pod in pods]
        return {"containers": shapes}

    async def _create(self, body: Creation) -> Any:
        name, gpus = body.name, body.gpu_ids or []
        check_docker_name(name)
        if name in self.host.pods:
            raise HTTPException(409, f"Container '{name}' already exists")
        image = self.host.image(body.image)
        if image is None:
            raise docker_failure(404, "containers/create", f"No such image: {body.image}")
        for index in gpus:
            if not 0 <= index < len(self.host.gpus):
                raise HTTPException(404, f"GPU {index} not found")
        user, password, env = body.user_name, body.password, body.env or {}
        pod = self.host.make(name, image.name, user=user, password=password, gpu_ids=gpus, env=env)
        await self._world.elapse(CREATE_SECONDS)
        if self.host.pods.get(name) is pod:
            self.host.start(pod)
        shape = {"message": "container created", "id": pod.container_id[:SHORT_ID], "name": name}
        return shape | {"ssh-port": ssh_port(pod) if self.reports_ports else None}

    async def _start(self, name: str) -> Any:
        pod = self._pod(name)
        if pod.status == "paused":
            path = f"containers/{pod.container_id}/start"
            reason = "cannot start a paused container, try unpause instead"
            raise docker_failure(500, path, reason)
        if not pod.running:
            await self._world.elapse(START_SECONDS)
            self.host.start(self._pod(name))
        return {"message": f"container '{pod.name}' started"}

    async def _stop(self, name: str) -> Any:
        pod = self._pod(name)
        if pod.status in _RUNNING:
            await self._world.elapse(STOP_SECONDS)
            self.host.stop(self._pod(name))
        return {"message": f"container '{pod.name}' stopped"}

    async def _restart(self, name: str) -> Any:
        pod = self._pod(name)
        await self._world.elapse(START_SECONDS + (STOP_SECONDS if pod.running else 0))
        pod = self._pod(name)
        self.host.stop(pod)
        self.host.start(pod)
        return {"message": f"container '{pod.name}' restarted"}

    async def _delete(self, name: str, force: bool = False) -> Any:
        pod = self._pod(name)
        if pod.status in _RUNNING and not force:
            reason = (
                f'cannot remove container "/{pod.name}": container is {pod.status}: '
                "stop the container before removing or force remove"
            )
            path = f"containers/{pod.container_id}?v=False&link=False&force=False"
            raise docker_failure(409, path, reason)
        await self._world.elapse(DELETE_SECONDS)
        self.host.remove(self._pod(name))
        return {"message": f"container '{pod.name}' removed"}

    def _pod(self, name: str) -> Pod:
        pod = self.host.pods.get(name)
        if pod is None:
            raise HTTPException(404, f"Container '{name}' not found")
        return pod

    # Host and GPUs

    async def _metrics(self) -> Any:
        return host_shape(self.host, len(self._gpus_there()))

    async def _gpu_metrics(self) -> Any:
        now = self._world.time
        moved = [series.catch_up(now) for series in self.host.series]
        if any(moved) or not self._rendered:
            self._rendered = self._render()
        return Response(self._rendered, media_type="application/json")

    def changed(self) -> None:
        """Discard cached answers after a change of a fault."""
        self._rendered = b""

    def _render(self) -> bytes:
        distort = self.distort or (lambda index, samples: samples)
        return series_json(
            (index, [sample.text for sample in distort(index, self.host.series[index].samples)])
            for index in self._gpus_there()
        )

    def _gpus_there(self) -> range:
        return range(0 if self.empty else len(self.host.gpus) - self.missing_gpus)


def _pull_failure(status: int, tag: str, reason: str) -> HTTPException:
    repository, _, version = tag.rpartition(":")
    return docker_failure(status, f"images/create?tag={version}&fromImage={repository}", reason)


class _Dated:
    """ASGI middleware that sets ``Date`` to the host's clock, as the web server does."""

    def __init__(self, app: ASGIApp, now: Callable[[], datetime]) -> None:
        self._app = app
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self._now(), usegmt=True).encode()
                message = {**message, "headers": [*message["headers"], (b"date", date)]}
            await send(message)

        await self._app(scope, receive, dated)


class _CutOff(Response):
    """An answer whose connection breaks before it is whole."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"200")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"message": ', "more_body": True})
