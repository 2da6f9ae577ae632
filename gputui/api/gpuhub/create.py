"""New deployments of GPUhub: choices for the form, the request, the search for a lost answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from gputui.api.capabilities import Creator, PreparedChange, Values
from gputui.api.common.form_values import given
from gputui.api.gpuhub.create_deployment import KIND, DeploymentForm, Dialect
from gputui.api.gpuhub.mutations import GpuhubChanges
from gputui.api.gpuhub.resources import GpuhubLists
from gputui.api.gpuhub.stock import StockReader
from gputui.errors import AccountDeniedError, GputuiError
from gputui.models import ActionResult, Form, Image, Ref
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.api.gpuhub.account import GpuhubAccount


class DeploymentCreator(Creator):
    """Creates deployments (call 2)."""

    def __init__(
        self, account: GpuhubAccount, changes: GpuhubChanges, lists: GpuhubLists, stock: StockReader
    ) -> None:
        self._account = account
        self._form = DeploymentForm(account.name, tuple(account.regions), account.currency, Dialect(account.preset))
        self._changes = changes
        self._lists = lists
        self._stock = stock

    async def form(self) -> Form:
        """Return the form with the images and GPU models, as far as the cloud reports them."""
        images: Sequence[Image] = ()
        try:
            # No form is filled in for an account that may not create one.
            await self._lists.require_permission()
        except AccountDeniedError:
            raise
        except GputuiError:
            pass
        # It can be filled in without suggestions.
        with suppress(GputuiError):
            images = await self._lists.images()
        with suppress(GputuiError):
            if not self._stock.models:
                await self._stock.read(self._account.regions, {})
        return self._form.form(gpu_models=self._stock.models, images=images)

    def prepare(self, values: Values) -> PreparedChange:
        """Check the values and build the request."""
        body, request = self._form.prepare(values, self._account.base_url)
        name = given(values, "name")

        async def send() -> ActionResult:
            try:
                return await self._changes.create(body)
            finally:
                self._lists.forget()

        async def find() -> Collection[Ref]:
            found = await self._lists.find_deployments({"name": name})
            return [deployment.ref for deployment in found if deployment.name == clean(name)]

        return PreparedChange(Ref(self._account.name, KIND, clean(name)), values, send, request, find)
