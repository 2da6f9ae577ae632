"""Lists cost few requests and little time, whatever the server answers."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest

from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.errors import ProtocolError
from gputui.models import Resource
from tests.api.gpuhub import server as gpuhub
from tests.api.server import Reply, Request, ScriptedServer, as_json

SIZE = 7 * 2**19
"""Enough for more than a million empty objects."""


@pytest.mark.parametrize("rows", [[], [gpuhub.deployment()], [{}], None], ids=["none", "one", "empty", "null"])
@pytest.mark.parametrize("totals", [{"max_page": 10**9}, {"max_page": 10**9, "result_total": 10**9}])
async def test_pages_that_are_only_counted_are_not_asked_for(
    server: ScriptedServer, hub: GpuhubBackend, rows: Any, totals: dict[str, object]
) -> None:
    server.on(gpuhub.DEPLOYMENTS, gpuhub.ok({"list": rows, "page_index": 1, **totals}))
    await hub.listers[Resource.DEPLOYMENTS]()
    assert len(server.asked(gpuhub.DEPLOYMENTS)) < 50


async def test_a_list_without_an_end_is_read_no_further_than_any_can_be(
    server: ScriptedServer, hub: GpuhubBackend
) -> None:
    def answer(request: Request) -> Reply:
        index = request.json["page_index"]
        rows = [gpuhub.deployment(f"u{index}"), gpuhub.deployment(f"v{index}")]
        return as_json({"code": "Success", "data": {"list": rows, "max_page": 10**9, "result_total": 10**9}})

    server.on(gpuhub.DEPLOYMENTS, answer)
    assert len(await hub.listers[Resource.DEPLOYMENTS]()) == 1000
    assert len(server.asked(gpuhub.DEPLOYMENTS)) == 500


@pytest.mark.parametrize(
    ("path", "row"),
    [
        *((gpuhub.DEPLOYMENTS, row) for row in ("{}", "null", "[]", "0", '{"uuid": 1}')),
        (gpuhub.BLACKLIST, "{}"),
        (gpuhub.BLACKLIST, "null"),
    ],
)
async def test_megabytes_of_empty_rows_are_refused_at_once(
    server: ScriptedServer, hub: GpuhubBackend, path: str, row: str
) -> None:
    """It takes a fraction of a second; reading each row took twenty."""
    resource = Resource.DEPLOYMENTS if path == gpuhub.DEPLOYMENTS else Resource.BLACKLIST
    body = '{"code": "Success", "data": [' + ",".join([row] * (SIZE // (len(row) + 1))) + "]}"
    server.on(path, Reply(200, body.encode()))
    begun = process_time()
    with pytest.raises(ProtocolError, match=r"with more than 20,000 rows|more than 1,000,000 parts"):
        await hub.listers[resource]()
    assert process_time() - begun < 1
