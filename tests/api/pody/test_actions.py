"""Actions on pods: each request once, its outcome, and the login."""

from __future__ import annotations

import threading

import pytest

from gputui import text
from gputui.api.pody import backend as pody_backend
from gputui.api.pody.backend import PodyBackend
from gputui.errors import (
    AuthError,
    ConflictError,
    ForbiddenError,
    GputuiError,
    InvalidError,
    NotFoundError,
    SshError,
    UnknownOutcomeError,
)
from gputui.models import (
    ExecResult,
    Ref,
    SSHTarget,
)
from tests.api.creating import problems
from tests.api.recorded import MAIN, NEW, OLD, by_release, pod, script
from tests.api.server import Reset, ScriptedServer, as_json, page


class TestActions:
    @by_release
    @pytest.mark.parametrize(
        ("verb", "done"),
        [("start", "started"), ("stop", "stopped"), ("restart", "restarted"), ("delete", "deleted")],
    )
    async def test_a_pod_is_acted_on_once(
        self, server: ScriptedServer, backend: PodyBackend, release: tuple[int, ...], verb: str, done: str
    ) -> None:
        script(server, release)
        result = await getattr(backend, verb)(MAIN)
        assert result.message == f"Pod main {done}."
        (request,) = server.asked(f"/pod/{verb}")
        assert (request.method, request.params) == ("POST", {"ins": "main"})
        assert request.credentials == "alice:wonderland"

    @pytest.mark.parametrize("verb", ["start", "stop", "restart"])
    async def test_what_the_pod_wrote_comes_with_the_outcome(
        self, server: ScriptedServer, backend: PodyBackend, verb: str
    ) -> None:
        script(server, NEW)
        log = "\n".join(f"line {number}" for number in range(40)) + "\r\n\x1b[31msshd: \x1b[0mready\x07\r\n"
        server.on(f"/pod/{verb}", as_json({"log": log}))
        lines = (await getattr(backend, verb)(MAIN)).output.splitlines()
        assert lines == [*(f"line {number}" for number in range(21, 40)), "sshd: ready\ufffd"]

    async def test_a_lost_answer_is_an_unknown_outcome(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        server.on("/pod/stop", Reset())
        with pytest.raises(UnknownOutcomeError, match="the stop of pod main was sent, but"):
            await backend.stop(MAIN)
        assert server.count("POST") == 1

    async def test_what_is_no_pod_is_not_sent(self, server: ScriptedServer, backend: PodyBackend) -> None:
        with pytest.raises(InvalidError, match="is not a pod"):
            await backend.stop(Ref("lab", "gpu", "0"))
        assert server.requests == []

    async def test_create(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        result = await backend.creators["pod"].prepare({"ins": "new", "image": "lab-cuda:latest"}).send()
        assert result.created == Ref("lab", "pod", "new")
        (request,) = server.asked("/pod/create")
        assert request.params == {"ins": "new", "image": "lab-cuda:latest"}

    async def test_the_form_has_the_servers_images(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        form = await backend.creators["pod"].form()
        assert [field.name for field in form.fields] == ["ins", "image"]
        assert form.fields[1].choices == ("alice-mine", "lab-cuda:latest")

    @pytest.mark.parametrize("name", ["", "a" * 21, "my-pod", "1st", "a b", "_x", "x_", "größe", "a:b"])
    async def test_a_name_the_server_would_refuse_is_not_sent(
        self, server: ScriptedServer, backend: PodyBackend, name: str
    ) -> None:
        values = {"ins": name, "image": "ubuntu:22.04"}
        assert set(problems(backend, "pod", values)) == {"ins"}
        with pytest.raises(InvalidError) as caught:
            await backend.creators["pod"].prepare(values).send()
        assert set(caught.value.fields) == {"ins"}
        assert server.requests == []

    def test_a_pod_needs_an_image(self, backend: PodyBackend) -> None:
        assert problems(backend, "pod", {"ins": "main"}) == {"image": "required"}
        assert problems(backend, "pod", {}) == {"ins": "required", "image": "required"}
        assert problems(backend, "pod", {"ins": "train_a2", "image": "ubuntu:22.04"}) == {}

    async def test_commit(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        result = await backend.commit(MAIN, tag="v2", message="with apex")
        assert result.created == Ref("lab", "image", "alice-v2")
        assert server.asked("/pod/commit")[0].params == {"ins": "main", "tag": "v2", "msg": "with apex"}
        with pytest.raises(InvalidError, match="The tag may contain letters"):
            await backend.commit(MAIN, tag="v.2")
        assert server.count("POST") == 1

    @pytest.mark.parametrize(
        ("release", "timeout", "sent"),
        [(OLD, 99.0, None), ((0, 3, 4), None, "30"), (NEW, 0.2, "1"), (NEW, 90.5, "91")],
    )
    async def test_exec_sends_a_time_limit_where_the_server_takes_one(
        self,
        server: ScriptedServer,
        backend: PodyBackend,
        release: tuple[int, ...],
        timeout: float | None,
        sent: str | None,
    ) -> None:
        script(server, release)
        command = "echo 'a & b' #?=%"
        assert await backend.exec(MAIN, command, timeout=timeout) == ExecResult(0, "hello\n")
        params = {"ins": "main", "cmd": command} | ({"timeout": sent} if sent else {})
        assert server.asked("/pod/exec")[0].params == params

    async def test_long_output_is_read_in_a_thread(
        self, server: ScriptedServer, backend: PodyBackend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        where: list[bool] = []
        plain = text.terminal_text

        def noted(log: str) -> str:
            where.append(threading.current_thread() is threading.main_thread())
            return plain(log)

        monkeypatch.setattr(pody_backend, "terminal_text", noted)
        script(server, NEW)
        server.on(
            "/pod/exec",
            as_json({"exit_code": 0, "log": "short\n"}),
            as_json({"exit_code": 0, "log": "\r" * 100_000}),
        )
        await backend.exec(MAIN, "x")
        assert (await backend.exec(MAIN, "x")).output == "\n" * 100_000
        assert where == [True, False]

    async def test_the_output_of_a_command_is_cleaned(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        log = "\x1b[1;32mok\x1b[0m\r\n10%\r20%\r\n\x1b]0;title\x07a\tb\u202e\x9b\r\n"
        server.on("/pod/exec", as_json({"exit_code": 2, "log": log}), as_json({"exit_code": -1, "log": "Timeout"}))
        assert await backend.exec(MAIN, "x") == ExecResult(2, "ok\n10%\n20%\na    b\ufffd\ufffd\n")
        assert await backend.exec(MAIN, "sleep 99") == ExecResult(None, "", timed_out=True)

    async def test_an_unreadable_answer_to_a_command_is_an_unknown_outcome(
        self, server: ScriptedServer, backend: PodyBackend
    ) -> None:
        script(server, NEW)
        server.on("/pod/exec", page())
        with pytest.raises(UnknownOutcomeError, match="a web page instead of JSON"):
            await backend.exec(MAIN, "x")

    async def test_a_new_password_is_used_from_then_on(self, server: ScriptedServer, backend: PodyBackend) -> None:
        script(server, NEW)
        await backend.change_password("s3cret & more")
        await backend.images()
        (change,) = server.asked("/user/ch-passwd")
        assert change.params == {"passwd": "s3cret & more"}
        assert server.asked("/image/list")[0].credentials == "alice:s3cret & more"
        with pytest.raises(InvalidError, match="empty"):
            await backend.change_password("")

    @pytest.mark.parametrize(
        ("status", "detail", "kind", "message"),
        [
            (403, "Invalid username or password", AuthError, "wrong user name or password"),
            (403, "Exceed max pod limit", ForbiddenError, "Exceed max pod limit"),
            (409, "Container alice-x already exists", ConflictError, "already exists"),
            (400, "Invalid image name, please check", InvalidError, "Invalid image name"),
            (
                404,
                '404 Client Error for http+docker://localhost/v1.51/x: Not Found ("No such container: alice-x")',
                NotFoundError,
                "lab: No such container: alice-x (HTTP 404).",
            ),
            (
                500,
                '500 Server Error for http+docker://localhost/v1.51/x: Oops ("could not select device driver")',
                UnknownOutcomeError,
                "was sent, but the server reports: could not select device driver (HTTP 500).",
            ),
            (504, "Request timed out", UnknownOutcomeError, "a server on the way gave up"),
            (
                502,
                '502 Server Error for http+docker://localhost/v1.51/x: Bad Gateway ("no answer")',
                UnknownOutcomeError,
                "the creation of pod x was sent, but a server on the way gave up",
            ),
        ],
    )
    async def test_a_refusal_is_reported_in_words(
        self,
        server: ScriptedServer,
        backend: PodyBackend,
        status: int,
        detail: str,
        kind: type[GputuiError],
        message: str,
    ) -> None:
        script(server, NEW)
        server.on("/pod/create", as_json({"detail": detail}, status))
        with pytest.raises(kind) as caught:
            await backend.creators["pod"].prepare({"ins": "x", "image": "ubuntu:22.04"}).send()
        assert message in caught.value.message
        assert "docker://" not in caught.value.message


class TestLogin:
    async def test_the_target_is_the_servers_host_and_the_mapped_port(
        self, server: ScriptedServer, backend: PodyBackend
    ) -> None:
        script(server, NEW)
        assert await backend.ssh_target(MAIN) == SSHTarget("127.0.0.1", 23092, "root", generation="28f8f5af3c0c")

    async def test_without_an_sshd_it_says_why(self, server: ScriptedServer, backend: PodyBackend) -> None:
        ports = ["x:y", "99999:22", "0:22", "8080:80"]
        script(server, NEW, {"main": pod(port_mapping=ports), "off": pod("off", status="exited")})
        with pytest.raises(SshError, match="no SSH address"):
            await backend.ssh_target(MAIN)
        with pytest.raises(SshError, match=r"does not run \(it is exited\)"):
            await backend.ssh_target(Ref("lab", "pod", "off"))
        with pytest.raises(NotFoundError):
            await backend.ssh_target(Ref("lab", "pod", "gone"))
