"""The stock of GPUhub's regions: one request each, all at once; a region that fails keeps its last rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from gputui.api.gpuhub import mapping
from gputui.api.gpuhub.client import GpuhubClient
from gputui.api.http.rows import LastRows, RowCollector, attempt, derived, each_changed
from gputui.errors import GputuiError, ProtocolError, RateLimitedError
from gputui.models import Offer

PATH = "/api/v1/dev/machine/region/gpu_stock"
PRIVATE_PATH = "/api/v1/dev/machine/gpu_stock"


class StockReader:
    """Requests the stock and keeps the last rows of each region."""

    def __init__(self, client: GpuhubClient, scope: mapping.Scope, complete: Callable[[Offer], Offer]) -> None:
        """``complete`` adds to each offer what the answer does not have."""
        self._complete = complete
        self._client = client
        self._scope = scope
        self._last: LastRows[Offer] = LastRows()

    @property
    def models(self) -> tuple[str, ...]:
        """The vendor's names of the GPU models that were seen in the stock."""
        return tuple(sorted({offer.vendor_name for offer in self._last}))

    def forget(self) -> None:
        """Do not show what regions last had: it was the answer to another request."""
        self._last.retain()

    async def read(self, regions: Sequence[str], parameters: Mapping[str, object]) -> list[Offer]:
        """Request the stock of these regions, or of a private cloud as a whole where none is named (call 12).

        Raises GputuiError only when every region failed.
        """
        if not regions:
            return _of_models(await self._read_private(), parameters.get("gpu_name_set"))
        found = await asyncio.gather(*(attempt(self._read(region, parameters)) for region in regions))
        errors = [result for result in found if isinstance(result, GputuiError)]
        if len(errors) == len(regions):
            raise next((error for error in errors if isinstance(error, RateLimitedError)), errors[0])
        offers: RowCollector[Offer] = RowCollector()
        for region, result in zip(regions, found, strict=True):
            stand_in = Offer(self._scope.ref("offer", f"{region}/"), "", region)
            offers.add(self._last.update(region, result, f"the stock of {region}", stand_in))
        return offers.rows()

    async def read_region(
        self, region: str, parameters: Mapping[str, object] = MappingProxyType({})
    ) -> Sequence[Offer]:
        """Request the stock of one region, all of it without parameters; raises GputuiError."""
        return await self._read(region, parameters)

    async def _read(self, region: str, parameters: Mapping[str, object]) -> Sequence[Offer]:
        return self._offers(
            region, await self._client.ask(PATH, method="POST", json={"region_sign": region, **parameters}), PATH
        )

    async def _read_private(self) -> list[Offer]:
        offers = self._offers(self._scope.account, await self._client.ask(PRIVATE_PATH), PRIVATE_PATH)
        self._last.keep(self._scope.account, offers)
        return offers

    def _offers(self, region: str, data: object, path: str) -> list[Offer]:
        try:
            return each_changed(mapping.to_offers(self._scope, region, data), self._complete)
        except ValueError as error:
            raise ProtocolError(f"{self._client.server}: {path} answers something unexpected: {error}.") from None


def _of_models(offers: list[Offer], models: object) -> list[Offer]:
    """Return the offers of these models: the call of a private cloud takes no filter."""
    if not isinstance(models, list):
        return offers
    return derived((offer for offer in offers if offer.vendor_name in models), offers)
