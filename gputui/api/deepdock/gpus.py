"""The GPUs of a DeepDock host: their samples and the containers that use them, each requested once for all lists."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from gputui.api.deepdock import mapping, schema
from gputui.api.deepdock.client import DeepdockClient
from gputui.api.deepdock.gpu_series import GpuSeries, SeriesPlacer
from gputui.api.http.decoding import digested
from gputui.api.http.shared_request import SharedRequest
from gputui.errors import GputuiError, ProtocolError
from gputui.models import GpuDevice, Instance

SERIES_AGE = 0.5
"""How long one answer with samples serves, in seconds."""

_PATH = "/metrics/gpus"
_NUMBER = re.compile(r"[0-9]{1,4}")


class DeepdockGpus:
    """The GPUs. Their rows are the same objects for as long as the server's answer is the same."""

    def __init__(
        self,
        client: DeepdockClient,
        host: mapping.Host,
        containers: SharedRequest[list[Instance]],
    ) -> None:
        self._client = client
        self._host = host
        self._containers = containers
        self._shared = client.shared(self._ask, age=SERIES_AGE)
        self._placer = SeriesPlacer()
        self._body: bytes | None = None
        self._series: Mapping[int, GpuSeries] = {}
        self._rows_of: tuple[Mapping[int, GpuSeries], Mapping[int, tuple[str, ...]]] | None = None
        self._rows: list[GpuDevice] = []

    @property
    def known(self) -> frozenset[int]:
        """The numbers of the GPUs that were ever reported."""
        return frozenset(self._series)

    async def rows(self, *, whole: bool = False) -> list[GpuDevice]:
        """Return the GPUs; ``whole``: only together with the containers that use them. Raises GputuiError."""
        series, containers = await asyncio.gather(self._shared.get(), self._holders(whole=whole))
        assigned = mapping.assignments(containers, series)
        if self._rows_of is None or self._rows_of[0] is not series or self._rows_of[1] != assigned:
            self._rows, self._rows_of = mapping.to_devices(self._host, series, assigned), (series, assigned)
        return self._rows

    async def _holders(self, *, whole: bool) -> Sequence[Instance]:
        try:
            return await self._containers.get()
        except GputuiError:
            if whole:
                raise
            return ()

    async def _ask(self) -> Mapping[int, GpuSeries]:
        """Request the samples. An answer that is the same as the last one is not read again."""
        body = await self._client.transport.get(_PATH)
        now = datetime.fromtimestamp(self._client.now(), UTC)
        if body == self._body:
            self._placer.seen(now)
            return self._series
        self._series = await digested(len(body), self._read, body, now)
        self._body = body
        return self._series

    def _read(self, body: bytes, now: datetime) -> Mapping[int, GpuSeries]:
        answer = self._client.decode(schema.SERIES, body, _PATH)
        by_number = {int(key): rows for key, rows in answer.items() if _NUMBER.fullmatch(key)}
        if answer and not by_number:
            server = self._client.transport.server
            raise ProtocolError(
                f"{server}: {server.host} answers {_PATH} with something unexpected: no GPU by its number.",
                hint=server.look_at,
            )
        return self._placer.place(by_number, now=now, ahead=self._client.transport.clock.ahead)
