"""Changes of container instances: powering on and off, releasing, saving as an image.

The API answers that it accepted a request, not that it was done, and powering off what is starting is accepted and
has no effect: powering off and releasing are verified by the status afterwards. No change is sent again after an
answer that was lost; a second request to power off is sent only where the first one was answered and had no effect.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

from gputui.api.gpuhub.client import GpuhubClient
from gputui.api.gpuhub.pro.lists import ProLists
from gputui.api.gpuhub.pro.mapping import is_released, phase_of
from gputui.errors import (
    ConflictError,
    GputuiError,
    InvalidError,
    NotFoundError,
    UnknownOutcomeError,
)
from gputui.models import Action, ActionResult, Phase, Ref
from gputui.text import clean

PAUSE = 3.0
"""The seconds between two looks at a status."""
MOST_WAIT = 240.0
"""How long a status may take to change, in seconds."""
NO_EFFECT = 12.0
"""After how many seconds an accepted power-off that changed nothing has had no effect."""

Step = Callable[[Ref, Action], None]
"""Notes which part of a change of several steps is under way."""


class ProChanges:
    """The changes of one account's instances."""

    def __init__(
        self,
        client: GpuhubClient,
        lists: ProLists,
        root: str,
        *,
        sleep: Callable[[float], Awaitable[None]],
        step: Step,
    ) -> None:
        self._client = client
        self._lists = lists
        self._root = root
        self._sleep = sleep
        self._step = step

    async def power_on(self, ref: Ref) -> ActionResult:
        """Power an instance on (call 5), on the host where it was; raises NoStockError while that is full."""
        done = f"Instance {ref.id} is powered on; it starts."
        body: dict[str, object] = {"payload": "gpu"}
        aimed = (Phase.PENDING, Phase.RUNNING)
        return await self._change(ref, "power_on", body, "the start of", done, aimed)

    async def power_off(self, ref: Ref) -> ActionResult:
        """Power an instance off (call 6), and verify that it ends; once more where that had no effect."""
        return await self._power_off(ref, until=(Phase.STOPPING, Phase.STOPPED))

    async def release(self, ref: Ref, *, stop_first: bool = False) -> ActionResult:
        """Release an instance with its disk (call 7), and verify it; ``stop_first`` powers it off before."""
        await self._ensure_off(ref, Action.DELETE, stop_first=stop_first)
        done = f"Instance {ref.id} is released."
        result = await self._change(ref, "release", {}, "the release of", done, aimed=None)
        await self._wait(ref, None, NO_EFFECT, "is still there though its release was accepted")
        return result

    async def save(self, ref: Ref, name: str, *, stop_first: bool = False) -> ActionResult:
        """Save an instance that is off as an image (call 8); ``stop_first`` powers it off before."""
        if not name.strip() or clean(name) != name:
            hint = "Nothing was sent. On the command line: --tag NAME."
            raise InvalidError(f"{ref}: an image needs a name.", hint=hint, fields={"tag": "is not a name"})
        await self._ensure_off(ref, Action.COMMIT, stop_first=stop_first)
        what = f"the saving of instance {ref.id}"
        data = await self._client.change(
            "POST", f"{self._root}/image/save", {"instance_uuid": ref.id, "image_name": name.strip()}, what=what
        )
        uuid = data.get("image_uuid") if isinstance(data, dict) else None
        image = Ref(ref.account, "image", clean(uuid)) if isinstance(uuid, str) and uuid else None
        return ActionResult(f"Image {clean(name.strip())} is being saved from instance {ref.id}.", created=image)

    async def _ensure_off(self, ref: Ref, action: Action, *, stop_first: bool) -> None:
        """Power an instance off where that is allowed, and wait until it is off; raises ConflictError."""
        status = await self._lists.status(ref)
        phase = phase_of(status)
        if phase is Phase.STOPPED or (phase is Phase.FAILED and not stop_first):
            return  # whether what has failed counts as off, the API decides
        if not stop_first:
            verb = "released" if action is Action.DELETE else "saved"
            raise ConflictError(
                f"{ref} can be {verb} only when it is off; it is {clean(status)}.", hint="Stop it first."
            )
        self._step(ref, Action.STOP)
        if phase is not Phase.STOPPING:
            await self._power_off(ref, until=(Phase.STOPPED,))
        else:
            await self._wait(ref, (Phase.STOPPED,), MOST_WAIT, "is still not off")
        self._step(ref, action)

    async def _power_off(self, ref: Ref, *, until: tuple[Phase, ...]) -> ActionResult:
        ending = (Phase.STOPPING, Phase.STOPPED)
        done = f"Instance {ref.id} is being powered off."
        result = await self._change(ref, "power_off", {}, "the powering off of", done, ending)
        if await self._reached(ref, ending, NO_EFFECT) is None:
            # Accepted while it was starting, which has no effect: ask once more when it runs.
            status = await self._wait(ref, (Phase.RUNNING, *ending), MOST_WAIT, "does not start and does not end")
            if phase_of(status) is Phase.RUNNING:
                with suppress(ConflictError):  # it is being powered off already, which the first request has done
                    result = await self._change(ref, "power_off", {}, "the powering off of", done, ending)
        await self._wait(ref, until, MOST_WAIT, "still runs though its power-off was accepted: it is billed")
        return result

    async def _change(
        self,
        ref: Ref,
        call: str,
        body: dict[str, object],
        noun: str,
        done: str,
        aimed: tuple[Phase, ...] | None,
    ) -> ActionResult:
        """Send a change once; after a lost answer its outcome is read from the status, ``aimed`` None for gone."""
        what = f"{noun} instance {ref.id}"
        try:
            await self._client.change("POST", f"{self._root}/{call}", {"instance_uuid": ref.id, **body}, what=what)
        except UnknownOutcomeError:
            if await self._reached(ref, aimed, NO_EFFECT) is None:
                raise
            return ActionResult(f"No success was reported. {done}")
        finally:
            self._lists.forget(ref)
        return ActionResult(done)

    async def _wait(self, ref: Ref, phases: tuple[Phase, ...] | None, seconds: float, problem: str) -> str:
        status = await self._reached(ref, phases, seconds)
        if status is None:
            raise UnknownOutcomeError(
                f"{ref} {problem} after {seconds:.0f} s.", hint="Look at its state; on the cloud's web page as well."
            )
        return status

    async def _reached(self, ref: Ref, phases: tuple[Phase, ...] | None, seconds: float) -> str | None:
        """Return the status once it is one of these phases, or '' or a word for it once it is released, for None.

        None after so many seconds. A status that cannot be read is asked for again.
        """
        for _ in range(max(1, round(seconds / PAUSE))):
            try:
                status = await self._lists.status(ref)
            except NotFoundError:
                if phases is None:
                    return ""
                raise
            except GputuiError:
                status = ""
            if is_released(status) if phases is None else status and phase_of(status) in phases:
                return status
            await self._sleep(PAUSE)
        if phases is None:
            # Whether the status of one that is released can be asked for is not documented: the list is certain.
            with suppress(GputuiError):
                return None if await self._lists.has(ref) else ""
        return None
