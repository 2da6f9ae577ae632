"""New pods of a pody server: the form, the checks, the request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from gputui.api.capabilities import Creator, PreparedChange, Values
from gputui.api.common.form_values import REQUIRED, refuse
from gputui.api.pody.allowed_actions import name_problem
from gputui.api.pody.client import CREATE_TIMEOUT, PodyClient
from gputui.models import ActionResult, FieldKind, Form, FormField, Image, Ref, Role
from gputui.text import clean


class PodCreator(Creator):
    """Creates a pod and starts it (``POST /pod/create``)."""

    previews = False

    def __init__(self, account: str, client: PodyClient, images: Callable[[], Awaitable[Sequence[Image]]]) -> None:
        self._account = account
        self._client = client
        self._images = images

    async def form(self) -> Form:
        """Return the form with the server's images."""
        images = tuple(image.ref.id for image in await self._images())
        return Form(
            account=self._account,
            kind="pod",
            title=f"New pod in {self._account}",
            fields=(
                FormField(
                    "ins", "Name", help="1 to 20 letters, digits and underscores, a letter first", role=Role.NAME
                ),
                FormField("image", "Image", FieldKind.CHOICE, choices=images, role=Role.IMAGE),
            ),
            note="" if images else "The server has no image to create from.",
        )

    def prepare(self, values: Values) -> PreparedChange:
        """Check name and image."""
        problems: dict[str, str | None] = {
            clean(field): "is no parameter of a new pod" for field in values if field not in ("ins", "image")
        }
        name = values.get("ins", "")
        problems |= {"ins": name_problem(name) if name else REQUIRED}
        problems |= {"image": None if values.get("image") else REQUIRED}
        refuse(self._account, {field: problem for field, problem in problems.items() if problem})
        ref = Ref(self._account, "pod", name)

        async def send() -> ActionResult:
            params = {"ins": name, "image": values["image"]}
            what = f"the creation of pod {name}"
            await self._client.change("/pod/create", params, what=what, timeout=CREATE_TIMEOUT, creates=True)
            return ActionResult(f"Pod {name} created.", created=ref)

        return PreparedChange(ref, values, send)
