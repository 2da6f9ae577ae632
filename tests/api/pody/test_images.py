"""Images of a pody host, by release of the server."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gputui.api.pody.backend import PodyBackend
from gputui.errors import (
    ForbiddenError,
    ProtocolError,
)
from gputui.models import (
    Action,
    Image,
    PartialRows,
    Ref,
)
from tests.api.recorded import NEW, OLD, script
from tests.api.server import ScriptedServer, as_json


class TestImages:
    async def test_old_and_new_servers(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        mine, public = await backend.images()
        assert mine == Image(Ref("lab", "image", "alice-mine"), name="alice-mine", own=True)
        assert public == Image(Ref("lab", "image", "lab-cuda:latest"), name="lab-cuda", tag="latest")
        assert backend.actions(mine) == {Action.DELETE}
        assert not backend.actions(public)

    async def test_below_0_3_nothing_is_ones_own(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, OLD)
        assert [image.own for image in await backend.images()] == [False, False]

    async def test_entries_that_are_no_names_are_counted_as_missing(
        self, server: ScriptedServer, backend: PodyBackend
    ) -> None:
        script(server, NEW)
        server.on("/image/list", as_json([None, 42, {"name": "x"}, "ubuntu:22.04"]))
        images = await backend.images()
        assert [image.name for image in images] == ["ubuntu"]
        assert isinstance(images, PartialRows)
        assert images.problem == "3 rows cannot be read: the name should be a text"
        server.on("/pod/list", as_json(["main", None]))
        pods = await backend.instances()
        assert isinstance(pods, PartialRows)
        assert pods.problem == "1 row cannot be read: the name should be a text"
        server.on("/image/list", as_json([{"name": "x"}]))
        with pytest.raises(ProtocolError, match=r"/image/list .* an unexpected type"):
            await backend.images()

    async def test_detail(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        image = await backend.fetch(Ref("lab", "image", "alice-mine"))
        assert isinstance(image, Image)
        assert (image.size, image.description, image.digest) == (9_000_000_000, "with apex", "sha256:0123")
        assert image.created_at == datetime(2026, 11, 2, 9, 41, 7, 318204, tzinfo=UTC)
        assert image.own
        assert server.asked("/image/inspect")[0].params == {"image": "alice-mine"}

    async def test_what_docker_does_not_know_is_left_out(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        unknown = {
            "id": "x",
            "comment": "N/A",
            "size": "N/A",
            "exposed_ports": "N/A",
            "created": "0001-01-01T00:00:00Z",
        }
        server.on("/image/inspect", as_json(unknown))
        image = await backend.fetch(Ref("lab", "image", "alice-mine"))
        assert isinstance(image, Image)
        assert (image.size, image.description, image.created_at) == (None, "", None)

    async def test_deletion_is_for_own_images(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        assert (await backend.delete(Ref("lab", "image", "alice-mine"))).message == "Image alice-mine deleted."
        with pytest.raises(ForbiddenError, match="not an image of yours"):
            await backend.delete(Ref("lab", "image", "lab-cuda:latest"))
        assert [request.params for request in server.asked("/image/delete")] == [{"image": "alice-mine"}]
