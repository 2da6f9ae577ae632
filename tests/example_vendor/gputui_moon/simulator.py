"""The moon in the simulator, written from its API."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from gputui.sim.http.faults import ApiFaults
from gputui.sim.machines.world import World
from gputui.sim.vendors import SIZES, SimulatedAccount, SimulatedVendor

TOKEN = "regolith"


class Crater:
    """The rovers of one account and their API."""

    def __init__(self) -> None:
        self.rovers = {"ada": {"name": "ada", "state": "driving", "image": "lunar:1"}}
        self.log = [{"number": number, "text": f"dust on wheel {number}"} for number in (1, 2, 3)]
        self.app = Starlette(
            routes=[
                Route("/rovers", self._list),
                Route("/images", self._images),
                Route("/rovers", self._create, methods=["POST"]),
                Route("/rovers/{name}/log", self._log),
                Route("/rovers/{name}/{verb}", self._change, methods=["POST"]),
            ]
        )

    async def _list(self, request: Request) -> Response:
        return JSONResponse(list(self.rovers.values()))

    async def _images(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"detail": "no such token"}, 401)
        return JSONResponse(["lunar:1", "lunar:2"])

    async def _log(self, request: Request) -> Response:
        return JSONResponse(self.log)

    async def _create(self, request: Request) -> Response:
        wanted = await request.json()
        self.rovers[wanted["name"]] = rover = {**wanted, "state": "driving"}
        return JSONResponse(rover)

    async def _change(self, request: Request) -> Response:
        rover = self.rovers[request.path_params["name"]]
        rover["state"] = "driving" if request.path_params["verb"] == "start" else "parked"
        return JSONResponse(rover)


class MoonFaults(ApiFaults):
    """Faults of this API: errors in its format are the usual ones."""

    def unauthorized(self, scope: Scope) -> tuple[int, bytes] | None:
        """401 for everything."""
        return 401, self.error_body("no such token")

    def garbage(self, scope: Scope, data: Any) -> Any:
        """Rows of another type."""
        return [None, *data] if isinstance(data, list) else data


class MoonSimulator(SimulatedVendor):
    """One crater, whatever the size of the world."""

    kind = "moon"
    sizes = dict.fromkeys(SIZES, ("tycho",))

    def build(self, world: World, plan: str, seed: int) -> SimulatedAccount:
        """A crater and its API."""
        crater = Crater()
        return SimulatedAccount(plan, crater.app, MoonFaults(), {"kind": self.kind, "token": TOKEN}, crater)
