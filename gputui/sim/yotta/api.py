"""The Yotta API, version 2, over a simulated account: VMs, pods, volumes and credentials; the rest is serverless."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gputui.sim.http.answers import RefusedError, route, values_of

from .cloud import YottaCloud
from .entities import ALIVE, CREDENTIAL_TYPES, RUNNING, SIZED, STOPPED, STORAGE_TYPES, TERMINATED, Rental, Volume
from .requests import MAX_VOLUME, parse_pod_order, parse_vm_order, parse_volume
from .responses import credential_shape, envelope, pod_shape, types_shape, vm_shape, volume_shape
from .serverless_api import EndpointCalls
from .validation import (
    FORBIDDEN,
    HTTP_STATUS,
    LIMITED,
    NO_POD,
    NO_RECORD,
    NO_TERMINATE,
    NO_VM,
    QUIET,
    STATUS,
    UNAUTHORIZED,
    VM_STATUS,
    Call,
    Endpoints,
    Handler,
    YottaParameters,
    expect,
    page_of,
    wrong,
)

STATUS_NUMBERS = {"0": "INITIALIZING", "1": "RUNNING"}
"""The vendor's client filters pods by number; these are the two documented ones."""


class YottaApi:
    """The API of one account. ``app`` is the ASGI application; ``shifting`` shifts lists between pages."""

    def __init__(self, cloud: YottaCloud) -> None:
        self.cloud = cloud
        self._world = cloud.world
        self.shifting = False
        routes: Endpoints = [
            ("GET", "/vms/types", lambda call: types_shape(cloud.market)),
            ("POST", "/vms", self._create_vm),
            ("GET", "/vms", self._vms),
            ("GET", "/vms/{id}", lambda call: vm_shape(self._vm(call))),
            ("PATCH", "/vms/{id}", self._rename_vm),
            ("DELETE", "/vms/{id}", self._terminate_vm),
            ("POST", "/pods", self._create_pod),
            ("GET", "/pods", self._pods),
            ("GET", "/pods/{id}", lambda call: pod_shape(self._pod(call))),
            ("DELETE", "/pods/{id}", self._delete_pod),
            ("POST", "/pods/{id}/pause", self._pause),
            ("POST", "/pods/{id}/resume", self._resume),
            ("POST", "/volumes", self._create_volume),
            ("GET", "/volumes", self._volumes),
            ("GET", "/volumes/{id}", lambda call: volume_shape(cloud, self._volume(call))),
            ("DELETE", "/volumes/{id}", self._delete_volume),
            ("POST", "/volumes/{id}/name", self._rename_volume),
            ("POST", "/volumes/{id}/resize", self._resize_volume),
            ("GET", "/container-registry-auths", self._credentials),
            ("POST", "/container-registry-auths", self._create_credential),
            ("GET", "/container-registry-auths/{id}", lambda call: credential_shape(self._credential(call))),
            ("PATCH", "/container-registry-auths/{id}", self._update_credential),
            ("DELETE", "/container-registry-auths/{id}", self._delete_credential),
            *EndpointCalls(cloud, self._page).routes(),
        ]
        self.app = Starlette(routes=[self._route(*route) for route in routes])

    def _route(self, method: str, path: str, handler: Handler) -> Route:
        async def answer(request: Request) -> Response:
            self._world.advance()
            try:
                self._authorize(request)
                data = handler(Call(dict(request.path_params), await _given(request)))
            except RefusedError as refused:
                quiet = request.url.path.startswith(QUIET) and refused.code not in (UNAUTHORIZED, FORBIDDEN, LIMITED)
                status = 200 if quiet else HTTP_STATUS.get(refused.code, 400)
                again = {"retry-after": "1"} if refused.code == LIMITED else None
                return JSONResponse(envelope(None, refused.code, refused.message), status, again)
            # In a frozen world the effects of a request are immediate.
            self._world.advance()
            return JSONResponse(envelope(data))

        return route(method, "/v2" + path, answer)

    def _authorize(self, request: Request) -> None:
        key = request.headers.get("x-api-key", "")
        if not key:
            raise RefusedError(UNAUTHORIZED, "X-Api-Key is missing")
        if not hmac.compare_digest(key.encode(), self.cloud.key.encode()):
            raise RefusedError(FORBIDDEN, "X-Api-Key is not valid")

    def _page(self, entries: list[dict[str, Any]], given: YottaParameters, *names: str) -> dict[str, Any]:
        return page_of(entries, given, *names, shifting=self.shifting)

    # VMs

    def _create_vm(self, call: Call) -> Any:
        return vm_shape(self._rent(self.cloud.vms, parse_vm_order(self.cloud, call.given)))

    def _rent(self, rentals: dict[int, Rental], order: Any) -> Rental:
        rental = self.cloud.rent(rentals, order)
        if rental is None:
            where = " or ".join(order.regions) or "any region"
            raise RefusedError(STATUS, f"there are not {order.gpus} idle {order.kind.code} in {where} now")
        return rental

    def _vms(self, call: Call) -> Any:
        wanted = {status.lower() for status in call.given.names("status")}
        found = [vm_shape(vm) for vm in _newest_first(self.cloud.vms) if not wanted or vm.status in wanted]
        return self._page(found, call.given)

    def _rename_vm(self, call: Call) -> Any:
        vm = self._vm(call)
        vm.order = replace(vm.order, name=call.given.text("name"))
        return vm_shape(vm)

    def _terminate_vm(self, call: Call) -> Any:
        vm = self._vm(call)
        if vm.protected:
            raise RefusedError(NO_TERMINATE, f"this key may not terminate VM {vm.id}")
        if vm.status == TERMINATED:
            raise RefusedError(VM_STATUS, f"VM {vm.id} is terminated already")
        self.cloud.terminate(self.cloud.vms, vm)

    def _vm(self, call: Call) -> Rental:
        return call.one_of(self.cloud.vms, NO_VM, "VM not found: ")

    # Pods

    def _create_pod(self, call: Call) -> Any:
        return pod_shape(self._rent(self.cloud.pods, parse_pod_order(self.cloud, call.given)))

    def _pods(self, call: Call) -> Any:
        regions = call.given.names("regionList")
        statuses = {STATUS_NUMBERS.get(status, status.upper()) for status in call.given.names("statusList")}
        return [
            pod_shape(pod)
            for pod in _newest_first(self.cloud.pods)
            if (not regions or pod.region in regions) and (not statuses or pod.status.upper() in statuses)
        ]

    def _delete_pod(self, call: Call) -> Any:
        pod = self._pod(call)
        expect("pod", pod, *ALIVE, STOPPED)
        self.cloud.terminate(self.cloud.pods, pod)

    def _pause(self, call: Call) -> Any:
        pod = self._pod(call)
        expect("pod", pod, RUNNING)
        self.cloud.pause(pod)

    def _resume(self, call: Call) -> Any:
        pod = self._pod(call)
        expect("pod", pod, STOPPED)
        if not self.cloud.resume(pod):
            raise RefusedError(
                STATUS, f"there are not {pod.order.gpus} idle {pod.order.kind.code} in {pod.region} now"
            )

    def _pod(self, call: Call) -> Rental:
        return call.one_of(self.cloud.pods, NO_POD, "Pod not found: ")

    # Volumes

    def _create_volume(self, call: Call) -> Any:
        return volume_shape(self.cloud, self.cloud.add_volume(**parse_volume(self.cloud, call.given)))

    def _volumes(self, call: Call) -> Any:
        kind, region = call.given.choice("storageType", STORAGE_TYPES), call.given.text("region", "")
        found = [
            volume_shape(self.cloud, volume)
            for volume in _newest_first(self.cloud.volumes)
            if volume.kind == kind and region in ("", volume.region)
        ]
        return self._page(found, call.given)

    def _delete_volume(self, call: Call) -> Any:
        volume = self._unmounted(call, "active", "error")
        self.cloud.delete_volume(volume)

    def _rename_volume(self, call: Call) -> Any:
        volume = self._volume(call)
        volume.name = call.given.text("name")
        return volume_shape(self.cloud, volume)

    def _resize_volume(self, call: Call) -> Any:
        size = call.given.whole("sizeInGb", low=1, high=MAX_VOLUME)
        volume = self._volume(call)
        if volume.kind not in SIZED:
            raise RefusedError(STATUS, f"volume {volume.id} has no size: {volume.kind}")
        self.cloud.resize(self._unmounted(call, "active"), size)
        return volume_shape(self.cloud, volume)

    def _unmounted(self, call: Call, *statuses: str) -> Volume:
        volume = self._volume(call)
        if volume.status not in statuses:
            raise RefusedError(STATUS, f"volume {volume.id} is {volume.status}")
        if self.cloud.mounts(volume):
            raise RefusedError(STATUS, f"volume {volume.id} is mounted")
        return volume

    def _volume(self, call: Call) -> Volume:
        return call.one_of(self.cloud.volumes, NO_RECORD, "Record not exist: volume ")

    # Credentials

    def _credentials(self, call: Call) -> Any:
        return [credential_shape(one) for one in _newest_first(self.cloud.credentials)]

    def _create_credential(self, call: Call) -> Any:
        given = call.given
        return credential_shape(
            self.cloud.add_credential(
                given.text("name"),
                given.choice("type", CREDENTIAL_TYPES),
                given.text("username"),
                given.text("password", longest=10_000),
            )
        )

    def _update_credential(self, call: Call) -> Any:
        credential, given = self._credential(call), call.given
        credential.name = given.text("name", credential.name)
        credential.username = given.text("username", credential.username)
        credential.password = given.text("password", credential.password, longest=10_000)
        return credential_shape(credential)

    def _delete_credential(self, call: Call) -> Any:
        del self.cloud.credentials[self._credential(call).id]

    def _credential(self, call: Call) -> Any:
        return call.one_of(self.cloud.credentials, NO_RECORD, "Record not exist: credential ")


def _newest_first(things: dict[int, Any]) -> list[Any]:
    return sorted(things.values(), key=lambda thing: (-thing.created, -thing.id))


async def _given(request: Request) -> YottaParameters:
    values = await values_of(request, with_body=("POST", "PATCH"))
    return wrong("the body must be a JSON object") if values is None else YottaParameters(values)
