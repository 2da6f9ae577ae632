"""The simulated shell over a real SSH connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh
import httpx
import pytest

from gputui.sim.server import Running, running_simulator
from tests.sim.conftest import Sims

CONNECTION_TIMEOUT = 10


def port_of(sim: Running, instance: str, account: str = "lab") -> int:
    return sim.world.hosts[account].pods[f"alice-{instance}"].host_ports[22]


@asynccontextmanager
async def connected(
    port: int, password: str = "podpass", **options: object
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    # Tests of the server do not care who it is; the client's own tests do.
    settings: dict[str, object] = {"username": "root", "password": password, "known_hosts": None, "config": None}
    async with asyncssh.connect("127.0.0.1", port, **{**settings, "client_keys": None, **options}) as connection:
        yield connection


class Pty:
    """A shell on a pseudo-terminal: type, and wait for what must appear."""

    def __init__(self, process: asyncssh.SSHClientProcess[str]) -> None:
        self.process = process
        self.seen = ""

    async def expect(self, text: str) -> str:
        """Read until the text has come; what came up to and with it."""
        async with asyncio.timeout(CONNECTION_TIMEOUT):
            while text not in self.seen:
                data = await self.process.stdout.read(65536)
                assert data, f"ended before {text!r}: {self.seen[-300:]!r}"
                self.seen += data
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def type(self, keys: str) -> None:
        self.process.stdin.write(keys)


@asynccontextmanager
async def shell(port: int, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pty]:
    async with connected(port) as connection:
        process = connection.create_process(term_type="xterm-256color", term_size=size, encoding="utf-8")
        async with process as pty:
            yield Pty(pty)


@pytest.fixture
async def sim(sims: Sims) -> Running:
    return await sims.start(ssh=True)


@pytest.mark.parametrize(
    ("command", "status", "output"),
    [
        ("whoami", 0, "root\n"),
        ("hostname", 0, "main\n"),
        ("echo $HOME '$HOME' \"$USER x\"", 0, "/root $HOME root x\n"),
        ("A=7; echo $A; false; echo $?", 0, "7\n1\n"),
        ("CMD=whoami; $CMD; $UNSET; echo end", 0, "root\nend\n"),
        ("true && echo yes || echo no", 0, "yes\n"),
        ("false && echo yes || echo no", 0, "no\n"),
        ("exit 42", 42, ""),
        ("exit 300", 44, ""),
        ("bash -c 'exit 5'", 5, ""),
        ("nope", 127, "bash: line 1: nope: command not found\n"),
        ("cat /missing", 1, "cat: /missing: No such file or directory\n"),
        ("cat < /missing", 1, "bash: line 1: /missing: No such file or directory\n"),
        ("echo hi > /proc/draft", 1, "bash: line 1: /proc/draft: Permission denied\n"),
        ("ls; cat /etc/hostname", 0, "notes.txt\ntrain.py\nmain\n"),
        ("ls | head -n 1", 0, "notes.txt\n"),
        ("seq 3; seq 5 6", 0, "1\n2\n3\n5\n6\n"),
        ("cd /workspace/data && pwd", 0, "/workspace/data\n"),
        ("stty size", 1, "stty: 'standard input': Inappropriate ioctl for device\n"),
        ("echo 'unclosed", 2, "bash: line 1: unexpected EOF while looking for matching `''\n"),
        ("nvidia-smi --query-gpu=index --format=csv,noheader", 0, "0\n"),
        ("echo $NVIDIA_VISIBLE_DEVICES", 0, "0\n"),
    ],
)
async def test_a_command_ends_with_its_output_and_status(
    sim: Running, command: str, status: int, output: str
) -> None:
    async with connected(port_of(sim, "main")) as connection:
        result = await connection.run(command, stderr=asyncssh.STDOUT)
    assert result.exit_status == status
    assert result.stdout == output


async def test_a_script_comes_on_the_input_and_errors_on_their_own_stream(sim: Running) -> None:
    script = 'f() {\necho "$1"\n}\nread line\nthe line\nf "$line"\nls /nope\nexec sh -s\necho inner; exit 3\n'
    async with connected(port_of(sim, "main")) as connection:
        result = await connection.run("sh -s", input=script)
    assert (result.exit_status, result.stdout) == (3, "the line\ninner\n")
    assert result.stderr == "ls: cannot access '/nope': No such file or directory\n"


async def test_pods_are_distinguished_by_their_ports(sim: Running) -> None:
    for instance in ("main", "train_a", "vllm_llama"):
        async with connected(port_of(sim, instance)) as connection:
            assert (await connection.run("hostname")).stdout == f"{instance}\n"


async def test_the_shared_port_reaches_the_host(sim: Running) -> None:
    assert sim.ssh_port is not None
    async with connected(sim.ssh_port) as connection:
        assert (await connection.run("hostname")).stdout == "lab\n"


async def test_only_the_password_opens(sim: Running) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        async with connected(port_of(sim, "main"), password="wrong"):
            pass


async def test_a_prompt_echo_and_exit_status(sim: Running) -> None:
    async with shell(port_of(sim, "main")) as pty:
        await pty.expect("root@main:~# ")
        pty.type("cd /workspace\r")
        assert await pty.expect("root@main:/workspace# ") == "cd /workspace\r\nroot@main:/workspace# "
        pty.type("exit 7\r")
        await pty.process.wait()
        assert pty.process.exit_status == 7


async def test_lines_can_be_edited_and_recalled(sim: Running) -> None:
    async with shell(port_of(sim, "main")) as pty:
        await pty.expect("# ")
        pty.type("echo onX\x7fe\r")
        await pty.expect("\r\none\r\n")
        pty.type("\x1b[A two\r")
        await pty.expect("\r\none two\r\n")
        pty.type("echo wide 日本x\x7f\r")
        await pty.expect("\r\nwide 日本\r\n")


async def test_the_window_size_follows_the_client(sim: Running) -> None:
    async with shell(port_of(sim, "main"), size=(100, 30)) as pty:
        await pty.expect("# ")
        pty.type("stty size; echo $TERM\r")
        await pty.expect("\r\n30 100\r\nxterm-256color\r\n")
        pty.process.change_terminal_size(132, 43)
        pty.type("stty size\r")
        await pty.expect("\r\n43 132\r\n")


async def test_a_full_screen_program_redraws_and_leaves_the_screen(sim: Running) -> None:
    async with shell(port_of(sim, "main"), size=(80, 24)) as pty:
        await pty.expect("# ")
        pty.type("htop\r")
        await pty.expect("\x1b[?1049h")
        await pty.expect("80x24)")
        pty.process.change_terminal_size(90, 20)
        await pty.expect("90x20)")
        pty.type("\x03")
        await pty.expect("\x1b[?1049l")
        await pty.expect("root@main:~# ")


async def test_ctrl_c_ends_the_command_and_keeps_the_shell(sim: Running) -> None:
    async with shell(port_of(sim, "main")) as pty:
        await pty.expect("# ")
        pty.type("yes\r")
        await pty.expect("y\r\ny\r\n")
        pty.type("\x03")
        await pty.expect("^C\r\nroot@main:~# ")
        pty.type("echo $?\r")
        await pty.expect("\r\n130\r\n")
        pty.type("half a line\x03")
        await pty.expect("^C\r\nroot@main:~# ")


async def test_ctrl_d_logs_out(sim: Running) -> None:
    async with shell(port_of(sim, "main")) as pty:
        await pty.expect("# ")
        pty.type("\x04")
        await pty.expect("logout\r\n")
        await pty.process.wait()
        assert pty.process.exit_status == 0


async def test_megabytes_arrive_whole(sim: Running) -> None:
    async with connected(port_of(sim, "main")) as connection:
        result = await connection.run("seq 1 1000000", encoding=None)
    output = result.stdout
    assert isinstance(output, bytes)
    assert len(output) == 6_888_896
    assert output.endswith(b"\n999999\n1000000\n")


async def test_a_stopped_pod_cuts_its_sessions_and_refuses(sims: Sims, sim: Running) -> None:
    client = await sims.client(sim)
    port = port_of(sim, "main")
    async with shell(port) as pty:
        await pty.expect("# ")
        await client.post("/pod/stop", params={"ins": "main"})
        with pytest.raises((asyncssh.Error, OSError, AssertionError)):
            await pty.expect("never")
    with pytest.raises(ConnectionRefusedError):
        async with connected(port):
            pass
    await client.post("/pod/start", params={"ins": "main"})
    assert port_of(sim, "main") == port
    async with connected(port) as connection:
        assert (await connection.run("true")).exit_status == 0


async def test_a_created_pod_can_be_logged_into(sims: Sims, sim: Running) -> None:
    client = await sims.client(sim)
    made = await client.post("/pod/create", params={"ins": "fresh", "image": "lab-cuda:latest"})
    port = int(made.json()["info"]["port_mapping"][0].split(":")[0])
    async with connected(port) as connection:
        assert (await connection.run("hostname")).stdout == "fresh\n"


async def test_each_container_has_a_host_key_of_its_own(sim: Running) -> None:
    assert sim.ssh is not None
    port = port_of(sim, "main")
    first = await asyncssh.get_server_host_key("127.0.0.1", port)
    other = await asyncssh.get_server_host_key("127.0.0.1", port_of(sim, "train_a"))
    sim.ssh.change_host_key(sim.world.hosts["lab"].pods["alice-main"])
    changed = await asyncssh.get_server_host_key("127.0.0.1", port)
    assert first and other and changed
    assert len({key.public_data for key in (first, other, changed)}) == 3


async def test_service_ports_can_be_forwarded_and_nothing_else(sim: Running) -> None:
    async with connected(port_of(sim, "main")) as connection:
        listener = await connection.forward_local_port("127.0.0.1", 0, "localhost", 6006)
        async with httpx.AsyncClient(trust_env=False, verify=False) as client:
            page = await client.get(f"http://127.0.0.1:{listener.get_port()}/")
        assert page.text == "<!DOCTYPE html><title>main</title><h1>main, port 6006</h1>\n"
        for host, port in (("localhost", 22), ("127.0.0.1", sim.sites["lab"].port), ("10.0.0.1", 6006)):
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_connection(host, port)


async def test_a_known_public_key_opens() -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    public = key.export_public_key().decode()
    async with running_simulator(speed=0, authorized_key=public) as sim:
        async with connected(port_of(sim, "main"), password="", client_keys=[key]) as connection:
            assert (await connection.run("whoami")).stdout == "root\n"
        stranger = asyncssh.generate_private_key("ssh-ed25519")
        with pytest.raises(asyncssh.PermissionDenied):
            async with connected(port_of(sim, "main"), password="", client_keys=[stranger]):
                pass
