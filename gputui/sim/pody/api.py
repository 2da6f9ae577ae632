"""The pody HTTP API over a simulated host: routes, status codes, shapes and quirks of each release."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException

from gputui.sim.http.answers import check_docker_name, docker_error, docker_failure, docker_time
from gputui.sim.machines.containers import Image, Pod, User
from gputui.sim.machines.hardware import GIB
from gputui.sim.machines.hosts import Host, hexadecimal
from gputui.sim.shell.logins import run_captured

from .http import Endpoint, InternalError, application
from .statistics import ProcessStatistics
from .validation import COMMIT_NAME, RELEASES, check_name, container_size, expand, parse_release, size

# World seconds the real server takes; stopping waits ten for a main process that ignores SIGTERM, as bash does.
CREATE_SECONDS, START_SECONDS, STOP_SECONDS, DELETE_SECONDS, COMMIT_SECONDS = 1.5, 0.6, 10.0, 0.8, 6.0
_NO_IMAGE = "Invalid image name, please check the available images"
_UNKNOWN_IMAGE = "Image not found, please check the available images"


class PodyApi:
    """The API of one host in one release. ``app`` is the ASGI application."""

    def __init__(self, host: Host, release: str = RELEASES[-1]) -> None:
        self._host = host
        self._world = host.world
        self.release = parse_release(release)
        offered = [endpoint for endpoint in self._endpoints() if endpoint.since <= self.release < endpoint.until]
        self.app = application(offered, host.users, before=self._world.advance)

    def _endpoints(self) -> list[Endpoint]:
        info_end = (0, 3, 0)
        old = (0, 4, 0)
        processes = ProcessStatistics(self._host, self.release)
        return [
            Endpoint("GET", "/status", self._status, access="open", until=(0, 1, 10)),
            Endpoint("GET", "/version", self._version, access="open", since=(0, 1, 10)),
            Endpoint("GET", "/help", self._help),
            Endpoint("GET", "/user/info", self._user_info),
            Endpoint("GET", "/user/list", self._user_list),
            Endpoint("POST", "/user/ch-passwd", self._change_password),
            Endpoint("POST", "/pod/create", self._create),
            Endpoint("POST", "/pod/delete", self._delete),
            Endpoint("POST", "/pod/restart", self._restart),
            Endpoint("POST", "/pod/stop", self._stop),
            Endpoint("POST", "/pod/start", self._start),
            Endpoint("GET", "/pod/info", self._inspect, until=info_end),
            Endpoint("GET", "/pod/info", self._old_info, access="open", since=info_end, until=old),
            Endpoint("GET", "/pod/inspect", self._inspect, since=info_end),
            Endpoint("GET", "/pod/list", self._pod_list),
            Endpoint("GET", "/pod/listall", self._pod_list_all, access="admin"),
            Endpoint("POST", "/pod/exec", self._old_exec, until=info_end),
            Endpoint("POST", "/pod/exec", self._exec, since=info_end),
            Endpoint("POST", "/pod/commit", self._commit, since=(0, 3, 0)),
            Endpoint("GET", "/host/images", self._host_images, until=info_end),
            Endpoint("GET", "/host/images", self._old_images, since=info_end, until=old),
            Endpoint("GET", "/image/list", self._image_list, since=(0, 3, 0)),
            Endpoint("POST", "/image/delete", self._image_delete, since=(0, 3, 0)),
            Endpoint("POST", "/image/inspect", self._image_inspect, since=(0, 3, 0)),
            Endpoint("GET", "/host/gpu-ps", processes.gpu_ps, access="open"),
            Endpoint("GET", "/host/spec", self._spec, since=(0, 1, 10)),
            Endpoint("GET", "/stat/cputime", processes.cpu_time, since=(0, 2, 5)),
            Endpoint("GET", "/stat/gputime", processes.gpu_time, since=(0, 2, 5)),
            *(
                Endpoint(method, f"/user_api/{name}", _no_user_service, access="open", since=(0, 4, 0))
                for method, names in _USER_SERVICE.items()
                for name in names
            ),
        ]

    # General

    async def _status(self, caller: User) -> Any:
        return {"version": self.release}

    async def _version(self, caller: User) -> Any:
        return self.release

    async def _help(self, caller: User, path: str | None = None) -> Any:
        # A current FastAPI keeps included routers apart, so the real server sees these two routes only.
        own = "/version" if self.release >= (0, 1, 10) else "/status"
        routes: list[dict[str, Any]] = [
            {"path": "/help", "methods": ["GET"], "params": [{"name": "path", "optional": True}]},
            {"path": own, "methods": ["GET"], "params": []},
        ]
        if path is None:
            return routes
        wanted = path.split("?", maxsplit=1)[0]
        return [
            route
            for route in routes
            if route["path"] == wanted or (wanted.endswith("/") and str(route["path"]).startswith(wanted))
        ]

    async def _spec(self, caller: User) -> Any:
        return {
            "pody_version": ".".join(str(part) for part in self.release),
            "docker_version": "27.5.1",
            "nvidia_driver_version": "570.133.20",
            "nvidia_ctk_version": "NVIDIA Container Toolkit CLI version 1.17.8\ncommit: f202b80a9b9d0db00d9b1d73",
        }

    # Users

    async def _user_info(self, caller: User) -> Any:
        quota = caller.quota
        known: dict[str, Any] = {"max_pods": quota.max_pods, "gpu_count": quota.gpu_count}
        if self.release >= (0, 2, 0):
            known |= {"gpus": quota.gpus, "memory_limit": quota.memory_limit, "storage_size": quota.storage_size}
        else:
            known |= {"memory_limit": quota.memory_limit, "storage_limit": quota.storage_size}
        if self.release >= (0, 1, 15):
            known["shm_size"] = quota.shm_size
        if self.release >= (0, 3, 0):
            known |= {
                "tmpfs_size": quota.tmpfs_size,
                "commit_count": quota.commit_count,
                "commit_size_limit": quota.commit_size_limit,
            }
        return {"user": {"name": caller.name, "is_admin": caller.is_admin}, "quota": known}

    async def _user_list(self, caller: User) -> Any:
        return list(self._host.users)

    async def _change_password(self, caller: User, passwd: str) -> Any:
        caller.password = passwd
        return {"message": "Password updated"}

    # Pods

    async def _create(self, caller: User, ins: str, image: str) -> Any:
        if self.release >= (0, 3, 0):  # before, the server checked the name and ignored the outcome
            check_name(ins, "Invalid pod name")
            image = expand(image)
        checked = self.release >= (0, 1, 13)
        name = self._container(ins, caller) if checked else f"{caller.name}-{ins}"
        if name in self._host.pods and checked:
            raise HTTPException(409, f"Container {name} already exists")
        quota = caller.quota
        owner, _, instance = name.partition("-")
        if quota.max_pods != -1 and quota.max_pods <= self._host.pod_count(caller.name):
            raise HTTPException(403, "Exceed max pod limit")
        known = self._host.images.get(image)
        if known is None or not self._usable(known, caller):
            if self.release < (0, 1, 12):
                raise HTTPException(403, f"Image {image} is not allowed")
            raise HTTPException(400, _NO_IMAGE)
        check_docker_name(name)
        if name in self._host.pods:
            holder = self._host.pods[name].container_id
            reason = f'Conflict. The container name "/{name}" is already in use by container "{holder}".'
            raise docker_failure(409, f"containers/create?name={name}", reason, answered=500)
        pod = self._host.create(owner, instance, known, quota)
        await self._world.elapse(CREATE_SECONDS)
        pod = self._found(name)
        self._host.start(pod)
        return {"log": pod.log, "info": self._info(pod)}

    async def _delete(self, caller: User, ins: str) -> Any:
        pod = self._pod(caller, ins)
        await self._world.elapse(DELETE_SECONDS)
        self._host.remove(self._found(pod.name))
        return {"log": f"Container {pod.name} deleted"}

    async def _start(self, caller: User, ins: str) -> Any:
        pod = self._pod(caller, ins)
        if not pod.running:
            await self._world.elapse(START_SECONDS)
            pod = self._pod(caller, ins)
            self._host.start(pod)
        return {"log": pod.log}

    async def _stop(self, caller: User, ins: str) -> Any:
        pod = self._pod(caller, ins)
        if pod.running:
            await self._world.elapse(STOP_SECONDS)
            pod = self._pod(caller, ins)
        self._host.stop(pod)
        return {"log": pod.log}

    async def _restart(self, caller: User, ins: str) -> Any:
        pod = self._pod(caller, ins)
        await self._world.elapse(START_SECONDS + (STOP_SECONDS if pod.running else 0))
        pod = self._pod(caller, ins)
        self._host.stop(pod)
        self._host.start(pod)
        return {"log": pod.log}

    async def _inspect(self, caller: User, ins: str) -> Any:
        pod = self._pod(caller, ins)
        info = self._info(pod)
        if self.release < (0, 1, 13):
            return info
        return {"instance": pod.name.rsplit("-", maxsplit=1)[-1], **info}

    async def _old_info(self, caller: User, ins: str) -> Any:
        return {"deprecated": "Use /pod/inspect instead, will be removed in 0.4.0", "res": None}

    async def _pod_list(self, caller: User) -> Any:
        if self.release < (0, 1, 13):
            return [pod.name for pod in self._host.pods_of(caller.name)]
        return [pod.instance for pod in self._host.pods_of(caller.name)]

    async def _pod_list_all(self, caller: User) -> Any:
        return list(reversed(self._host.pods))

    async def _exec(self, caller: User, ins: str, cmd: str, timeout: int = 30) -> Any:
        name = self._container(ins, caller)
        if name not in self._host.pods and self.release >= (0, 1, 13):
            raise HTTPException(404, f"Container {name} not found")
        pod = self._found(name)
        if not pod.running:
            reason = f"container {pod.container_id} is not running"
            problem = docker_error(409, f"containers/{pod.container_id}/exec", reason)
            return {"exit_code": -1, "log": f"Docker API error: {problem}"}
        if timeout <= 0:
            return {"exit_code": -1, "log": "Timeout"}
        shell = "/bin/bash: line 1"
        status, log = await run_captured(self._host, pod, cmd, timeout=timeout, name=shell)
        return {"exit_code": status, "log": log}

    async def _old_exec(self, caller: User, ins: str, cmd: str) -> Any:
        return await self._exec(caller, ins, cmd, timeout=10)

    async def _commit(self, caller: User, ins: str, tag: str = "", msg: str = "") -> Any:
        name = self._container(ins, caller)
        if tag:
            check_name(tag, "Invalid tag name")
        quota = caller.quota
        owned = sum(self._owns(image, caller) for image in self._host.images)
        if quota.commit_count != -1 and owned >= quota.commit_count:
            reason = f"Exceed user commit limit ({quota.commit_count}), please delete some images first"
            raise HTTPException(403, reason)
        pod = self._found(name)
        written = container_size(pod)
        if written > quota.commit_size_limit:
            reason = (
                f"Container size {size(written)} exceeds user commit size limit ({size(quota.commit_size_limit)})"
            )
            raise HTTPException(403, reason)
        image_name = f"{COMMIT_NAME}:{caller.name}" + (f"-{tag}" if tag else "")
        if image_name in self._host.images:
            reason = f"Image {image_name} already exists. Please use a different name or tag."
            raise HTTPException(409, reason)
        await self._world.elapse(COMMIT_SECONDS)
        self._host.images = {
            image_name: Image(
                name=image_name,
                digest=f"sha256:{hexadecimal(self._world.rng, 64)}",
                size=written + 6 * GIB,
                created=docker_time(int(self._world.time)),
                comment=msg,
                ports=(22, 8000),
                listed=False,
            ),
            **self._host.images,
        }
        return {"image_name": image_name, "log": f"Container {name} committed to image: {image_name}"}

    # Images

    async def _host_images(self, caller: User) -> Any:
        return [image.name for image in self._host.images.values() if image.listed]

    async def _old_images(self, caller: User) -> Any:
        return {"deprecated": "Use /image/list instead, will be removed in 0.4.0", "res": None}

    async def _image_list(self, caller: User) -> Any:
        usable = [image.name for image in self._host.images.values() if self._usable(image, caller)]
        names = [name.removeprefix(f"{COMMIT_NAME}:") for name in usable]
        return sorted(names, key=lambda name: (":" in name, name))

    async def _image_delete(self, caller: User, image: str) -> Any:
        name = expand(image)
        if name not in self._host.images:
            raise HTTPException(400, _UNKNOWN_IMAGE)
        if not self._owns(name, caller):
            raise HTTPException(403, "Can only delete user commit images")
        if any(pod.running and pod.image == name for pod in self._host.pods.values()):
            raise InternalError  # docker's error reaches the server as a ValueError that is not caught
        del self._host.images[name]
        return {"log": f"Image {name} deleted"}

    async def _image_inspect(self, caller: User, image: str) -> Any:
        known = self._host.images.get(expand(image))
        if known is None:
            raise HTTPException(400, _UNKNOWN_IMAGE)
        if not self._usable(known, caller):
            raise HTTPException(403, _NO_IMAGE)
        return {
            "name": known.name,
            "id": known.digest,
            "tags": [known.name],
            "comment": known.comment,
            "size": known.size,
            "exposed_ports": {f"{port}/tcp": {} for port in known.ports},
            "created": known.created,
        }

    # Shared helpers

    def _container(self, instance: str, user: User) -> str:
        """The container a caller means; hyphens separate prefix, user and instance. This server has no prefix."""
        parts = instance.split("-")
        if self.release < (0, 1, 13):
            if len(parts) > 1 and parts[0] != user.name and not user.is_admin:
                raise HTTPException(403, "Invalid pod name")
            return instance if len(parts) > 1 else f"{user.name}-{instance}"
        if len(parts) == 1:
            return f"{user.name}-{instance}"
        if len(parts) > 3:
            raise HTTPException(400, f"Invalid pod name: {instance}")
        if len(parts) == 3 and parts[0]:
            raise HTTPException(403, "Invalid pod name, please check prefix")
        if not user.is_admin and parts[-2] != user.name:
            raise HTTPException(403, "Invalid pod name, please check the username")
        return f"{parts[-2]}-{parts[-1]}"

    def _found(self, name: str) -> Pod:
        pod = self._host.pods.get(name)
        if pod is None:
            raise docker_failure(404, f"containers/{name}/json", f"No such container: {name}")
        return pod

    def _pod(self, user: User, instance: str) -> Pod:
        return self._found(self._container(instance, user))

    def _info(self, pod: Pod) -> dict[str, Any]:
        if pod.broken:
            raise InternalError
        info: dict[str, Any] = {
            "container_id": pod.container_id[:12],
            "name": pod.name,
            "status": pod.status,
            "image": pod.image,
        }
        if self.release >= (0, 3, 0):
            info["networks"] = ["bridge"]
        info |= {
            "port_mapping": [f"{outside}:{inside}" for inside, outside in pod.host_ports.items()],
            "gpu_ids": pod.gpu_ids,
            "memory_limit": pod.memory_limit,
        }
        if self.release >= (0, 3, 0):
            info["shm_size"] = pod.shm_size
        return info

    def _owns(self, image: str, user: User) -> bool:
        return image == f"{COMMIT_NAME}:{user.name}" or image.startswith(f"{COMMIT_NAME}:{user.name}-")

    def _usable(self, image: Image, user: User) -> bool:
        return image.listed or (self.release >= (0, 3, 0) and self._owns(image.name, user))


_USER_SERVICE = {
    "POST": ("add_user", "update_user", "delete_user"),
    "GET": ("get_user", "check_user", "list_users"),
}


async def _no_user_service(caller: User) -> Any:
    raise HTTPException(501, "Remote user profile service is not enabled")
