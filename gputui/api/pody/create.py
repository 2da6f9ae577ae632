"""New pods of a pody server: the form and the request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from gputui.api.capabilities import Creator, PreparedChange, Values
from gputui.api.common.form_values import FormValues, checked, read_line
from gputui.api.pody.allowed_actions import name_problem
from gputui.api.pody.client import CREATE_TIMEOUT, PodyClient
from gputui.models import ActionResult, FieldKind, Form, FormField, Image, Ref, Role


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
        note = "" if images else "The server has no image to create from."
        return Form(self._account, "pod", f"New pod in {self._account}", pod_fields(images), note)

    def prepare(self, values: Values) -> PreparedChange:
        """Read the values."""
        given = FormValues(pod_fields(), values, "is no parameter of a new pod")
        given.require(self._account)
        params = {name: str(value) for name, value in given.body().items()}
        ref = Ref(self._account, "pod", params["ins"])

        async def send() -> ActionResult:
            what = f"the creation of pod {ref.id}"
            await self._client.change("/pod/create", params, what=what, timeout=CREATE_TIMEOUT, creates=True)
            return ActionResult(f"Pod {ref.id} created.", created=ref)

        return PreparedChange(ref, values, send)


def pod_fields(images: tuple[str, ...] = ()) -> tuple[FormField, ...]:
    """Return the fields of a pod, with the images of the server."""
    name = "1 to 20 letters, digits and underscores, a letter first"
    return (
        FormField("ins", "Name", help=name, role=Role.NAME, read=checked(name_problem)),
        FormField("image", "Image", FieldKind.CHOICE, choices=images, role=Role.IMAGE, read=read_line),
    )
