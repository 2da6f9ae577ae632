"""New container instances: the form, the request, the search after a lost answer (call 1).

The fields have the names of the call's parameters. The name is required here, though not by the call: a create whose
answer was lost is looked for by it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING

from gputui.api.capabilities import Creator, PreparedChange, Values
from gputui.api.common.form_values import Body, FormValues, checked, choice_field, within
from gputui.api.gpuhub.client import GpuhubClient
from gputui.api.gpuhub.fields import CUDA_VALUES, read_cuda
from gputui.api.gpuhub.images import PUBLIC_IMAGES
from gputui.api.gpuhub.pro.lists import ProLists
from gputui.api.gpuhub.pro.mapping import KIND
from gputui.api.gpuhub.pro.specs import CREATE_REGIONS, SPECS
from gputui.api.gpuhub.resources import GpuhubLists
from gputui.api.http.rows import attempt
from gputui.errors import GputuiError
from gputui.models import ActionResult, FieldKind, Form, FormField, Image, Ref, Role
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.api.gpuhub.account import GpuhubAccount

_UNKNOWN = "is no parameter of an instance"
MOST_GPUS, MOST_DISK, LONGEST_NAME = 4, 500, 80


def instance_form(account: str, images: Sequence[Image] = ()) -> Form:
    """Return the form. ``images`` are the account's own."""
    public = {image.uuid: f"{image.framework}: {image.description}" for image in PUBLIC_IMAGES}
    own = {image.ref.id: image.name for image in images if image.ref.id not in public}
    return Form(
        account=account,
        kind=KIND,
        title=f"New instance in {account}",
        fields=(
            FormField(
                "instance_name",
                "Name",
                section="Instance",
                help="your choice; finds the instance if the request gets no answer",
                role=Role.NAME,
                read=checked(lambda text: f"is longer than {LONGEST_NAME}" if len(text) > LONGEST_NAME else None),
            ),
            choice_field(
                "gpu_spec_uuid",
                "Spec",
                {spec.uuid: spec.label for spec in SPECS},
                ids=True,
                help="others than these are sent as they are",
                role=Role.MACHINE_TYPE,
                read=checked(lambda text: "is not the id of a spec" if text.split() != [text] else None),
            ),
            FormField(
                "req_gpu_amount",
                "GPUs",
                FieldKind.NUMBER,
                default="1",
                role=Role.GPU_COUNT,
                read=within(1, MOST_GPUS, f"must be 1 to {MOST_GPUS}"),
            ),
            FormField(
                "expand_system_disk_by_gb",
                "Extra disk",
                FieldKind.NUMBER,
                default="0",
                unit="GB",
                help="on top of the system disk of 30 GiB; it may cost something while the instance is off",
                read=within(0, MOST_DISK, f"must be 0 to {MOST_DISK}"),
            ),
            choice_field(
                "image_uuid",
                "Image",
                own | public,
                ids=True,
                section="Image",
                role=Role.IMAGE_ID,
                read=checked(lambda text: "is not the uuid of an image" if text.split() != [text] else None),
            ),
            FormField(
                "start_command",
                "Start command",
                FieldKind.LINES,
                required=False,
                help="runs at each start; the instance runs even where it fails",
            ),
            FormField(
                "cuda_v_from",
                "CUDA from",
                FieldKind.CHOICE,
                default="11.8",
                choices=tuple(CUDA_VALUES),
                open_choices=True,
                help="the version that the host's driver supports at least",
                section="Where",
                read=read_cuda,
            ),
            FormField(
                "data_center_list",
                "Regions",
                FieldKind.MULTI,
                required=False,
                choices=CREATE_REGIONS,
                open_choices=True,
                help="anywhere when empty, which finds the most hosts",
                role=Role.REGIONS,
            ),
        ),
        note="The stock of deployments promises no instance. It starts, and costs money, as soon as it exists.",
    )


class ProCreator(Creator):
    """Creates container instances (call 1)."""

    def __init__(
        self, account: GpuhubAccount, client: GpuhubClient, lists: GpuhubLists, instances: ProLists, root: str
    ) -> None:
        self._account = account
        self._client = client
        self._lists = lists
        self._instances = instances
        self._path = f"{root}/create"

    async def form(self) -> Form:
        """Return the form with the account's images, as far as the cloud reports them."""
        images = await attempt(self._lists.images())
        return instance_form(self._account.name, () if isinstance(images, GputuiError) else images)

    def prepare(self, values: Values) -> PreparedChange:
        """Read the values and build the request."""
        given = FormValues(instance_form(self._account.name).fields, values, _UNKNOWN)
        given.require(self._account.name)
        body: Body = given.body()
        name = given.text("instance_name")

        async def send() -> ActionResult:
            what = f"the creation of instance {clean(name)}"
            data = await self._client.change("POST", self._path, body, what=what, creates=True)
            created = Ref(self._account.name, KIND, clean(data)) if isinstance(data, str) and data else None
            return ActionResult(f"Instance {clean(name)} is created; it starts.", created=created)

        async def find() -> Collection[Ref]:
            return await self._instances.named(clean(name))

        request = partial(given.shown, "POST", f"{self._account.base_url}{self._path}", body)
        return PreparedChange(Ref(self._account.name, KIND, clean(name)), values, send, request, find)
