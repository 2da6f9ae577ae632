"""The pody client against answers as each release gives them."""

from __future__ import annotations

import asyncio

import pytest

from gputui.api import open_backend
from gputui.api.pody.backend import PodyBackend
from gputui.errors import (
    AuthError,
    ForbiddenError,
    GputuiError,
    ProtocolError,
)
from gputui.models import (
    Action,
    Phase,
    QuotaLine,
    Ref,
)
from tests.api.conftest import pody_account
from tests.api.recorded import MAIN, NEW, NOT_FOUND, OLD, by_release, script
from tests.api.server import Answer, Reply, ScriptedServer, as_json, page


def test_an_account_opens_its_kind_of_back_end() -> None:
    assert isinstance(open_backend(pody_account("http://127.0.0.1:1")), PodyBackend)


async def test_the_release_is_asked_once_for_everything(server: ScriptedServer, backend: PodyBackend) -> None:
    script(server, NEW)
    await asyncio.gather(backend.instances(), backend.images(), backend.identify())
    await backend.stop(MAIN)
    assert server.count("GET", "/version") == 1


async def test_a_server_from_before_the_version_call_is_the_oldest(
    server: ScriptedServer, backend: PodyBackend
) -> None:
    script(server, (0, 1, 9))
    server.on("/version", NOT_FOUND)
    assert len(await backend.instances()) == 2
    assert (await backend.identify()).version == "before 0.1.15"


async def test_an_update_of_the_server_is_noticed(server: ScriptedServer, backend: PodyBackend) -> None:
    script(server, OLD)
    await backend.instances()
    script(server, NEW)
    server.on("/pod/info", NOT_FOUND)
    rows = await backend.instances()
    assert all(row.problem for row in rows)
    assert [row.phase for row in await backend.instances()] == [Phase.RUNNING, Phase.RUNNING]


async def test_old_servers_offer_no_commit(server: ScriptedServer, backend: PodyBackend) -> None:
    script(server, OLD)
    rows = await backend.instances()
    assert Action.COMMIT not in backend.actions(rows[0])
    with pytest.raises(ForbiddenError, match=r"0\.3 and later"):
        await backend.commit(MAIN)
    assert server.count("POST") == 0


class TestAccount:
    @by_release
    async def test_everything_about_an_account(
        self, server: ScriptedServer, backend: PodyBackend, release: tuple[int, ...]
    ) -> None:
        script(server, release)
        info = await backend.account_info()
        assert (info.ref, info.user, info.is_admin) == (Ref("lab", "account", "lab"), "alice", False)
        assert info.version == ".".join(map(str, release))
        assert info.users == ("alice", "bob")
        assert ("nvidia ctk version", "a b") in info.host_spec
        assert info.problems == ()
        lines = {line.name: line for line in info.quota}
        assert lines["max_pods"] == QuotaLine("max_pods", 4, used=2)
        assert lines["gpu_count"] == QuotaLine("gpu_count", None)
        assert lines["memory_limit"] == QuotaLine("memory_limit", 64 * 2**30, unit="bytes")
        if release >= (0, 2, 0):
            assert lines["gpus"] == QuotaLine("gpus", None, text="0,2")
        if release >= (0, 3, 0):
            assert lines["commit_count"] == QuotaLine("commit_count", 3, used=1)
        usage = (("CPU time", "1d 02h"), ("GPU time", "0s"))
        assert info.usage == (usage if release >= (0, 2, 5) else ())

    async def test_what_fails_is_named(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        server.on("/host/spec", Reply(500, b"Internal Server Error"))
        server.on("/user/list", as_json({"detail": "no"}, 403))
        info = await backend.account_info()
        assert [problem.split(":")[0] for problem in sorted(info.problems)] == ["host", "users"]
        assert info.user == "alice"

    async def test_quota_of_unknown_kinds(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        server.on("/user/info", as_json({"user": {"name": "a"}, "quota": {"max_pods": "many", "x": [1], "fans": 3}}))
        assert (await backend.identify()).quota == (QuotaLine("max_pods", None, text="many"), QuotaLine("fans", 3))

    @pytest.mark.parametrize(
        ("path", "answer", "kind"),
        [
            ("/version", page(), ProtocolError),
            ("/version", as_json({"version": "1.2"}), ProtocolError),
            ("/version", page(404), ProtocolError),
            ("/user/info", as_json({"detail": "Invalid username or password"}, 403), AuthError),
            ("/user/info", as_json({"detail": "Not authenticated"}, 401), AuthError),
            ("/user/info", as_json({"user": "alice"}), ProtocolError),
        ],
    )
    async def test_identifying_distinguishes_another_server_from_wrong_credentials(
        self, server: ScriptedServer, backend: PodyBackend, path: str, answer: Answer, kind: type[GputuiError]
    ) -> None:
        script(server, NEW)
        server.on(path, answer)
        with pytest.raises(kind, match=r"^lab: "):
            await backend.identify()

    async def test_any_web_api_is_not_taken_for_an_old_pody(
        self, server: ScriptedServer, backend: PodyBackend
    ) -> None:
        with pytest.raises(ProtocolError, match="does not know this call"):
            await backend.identify()

    async def test_the_password_is_fetched_once(
        self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        script(server, NEW)
        monkeypatch.setenv("PODY_PASSWORD", "first")
        account = pody_account(server.url).model_copy(
            update={"password": type(pody_account(server.url).password).parse("env:PODY_PASSWORD", where="x")}
        )
        backend = PodyBackend(account)
        await backend.instances()
        monkeypatch.setenv("PODY_PASSWORD", "second")
        await backend.instances()
        assert {request.credentials for request in server.requests} == {"alice:first"}
        await backend.aclose()


@pytest.mark.parametrize(
    ("answer", "users", "admins"),
    [
        (["alice", "bob"], ("alice", "bob"), None),
        ([{"name": "alice", "is_admin": 1}, {"name": "bob", "is_admin": 0}], ("alice", "bob"), ("alice",)),
        ([["alice", True], ["bob", False]], ("alice", "bob"), ("alice",)),
        ([{"name": "alice", "is_admin": None}], ("alice",), None),
    ],
)
async def test_users_with_their_status_where_the_server_has_it(
    server: ScriptedServer,
    backend: PodyBackend,
    answer: object,
    users: tuple[str, ...],
    admins: tuple[str, ...] | None,
) -> None:
    script(server, NEW)
    server.on("/user/list", as_json(answer))
    info = await backend.account_info()
    assert (info.users, info.admins) == (users, admins)


async def test_users_that_cannot_be_read_are_counted(server: ScriptedServer, backend: PodyBackend) -> None:
    script(server, NEW)
    server.on("/user/list", as_json(["alice", {"x": 1}, 7]))
    info = await backend.account_info()
    assert info.users == ("alice",)
    assert "users: 2 cannot be read: the name should be a text" in info.problems
