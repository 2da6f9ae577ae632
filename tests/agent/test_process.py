"""The agent as a process: started in the background, twice at once, asked and stopped by commands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gputui.agent.place import Place
from gputui.agent.start import ask_agent, ensure_agent, spawn, stop_agent
from gputui.config.loader import load_config, ssh_login
from gputui.errors import AgentError
from tests.cli.conftest import account_toml, write_config

PROGRAM = (sys.executable, "-m", "gputui", "agent")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GPUTUI_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("GPUTUI_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("GPUTUI_AGENT")
    return tmp_path


def test_two_that_start_at_once_are_one_and_a_signal_ends_it(home: Path) -> None:
    write_config(home, account_toml("lab"))
    state = home / "state"
    with subprocess.Popen(PROGRAM) as first, subprocess.Popen(PROGRAM) as second:
        try:
            while (status := ask_agent(state, "status")) is None:
                assert first.poll() is None or second.poll() is None
            others = [one for one in (first, second) if one.pid != status["pid"]]
            assert {one.wait(10) for one in others} == {0}
            os.kill(status["pid"], signal.SIGTERM)
            assert {one.wait(10) for one in (first, second)} == {0}
        finally:
            first.kill()
            second.kill()
    assert ask_agent(state, "status") is None
    assert "ending: SIGTERM" in Place(state).log.read_text()
    assert stop_agent(state) is None


def test_an_agent_that_cannot_start_says_why(home: Path) -> None:
    config = write_config(home, "[accounts.lab]\nkind = 'nothing'\n")
    with pytest.raises(AgentError, match=r"ended at its start: \S.*kind.*\. The log is "):
        ensure_agent(PROGRAM, home / "state", config)


def test_the_agent_keeps_no_descriptor_of_the_shell_that_started_it(tmp_path: Path) -> None:
    reading, writing = os.pipe()  # as "exec 9>lock; flock 9" leaves one open
    os.set_inheritable(writing, True)
    place = Place(tmp_path / "state")
    pid = spawn([sys.executable, "-S", "-c", f"import os; os.write({writing}, b'kept')"], place)
    os.waitpid(pid, 0)
    os.close(writing)
    assert os.read(reading, 10) == b""
    os.close(reading)
    assert "Bad file descriptor" in place.output.read_text()


def test_services_do_not_import_the_libraries_of_ssh_before_a_login() -> None:
    check = "from gputui.agent.services import factories as f; f(); import sys; sys.exit('asyncssh' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_it_leaves_the_directory_in_which_it_was_started(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its paths may be relative; those in the configuration begin at that file."""
    (home / "keys").mkdir()
    program = home / "keys" / "token"
    program.write_text("#!/bin/sh\necho secret-of-the-lab\n")
    program.chmod(0o700)
    write_config(
        home,
        "[accounts.lab]\nkind = 'pody'\nusername = 'me'\npassword = 'cmd:keys/token'\nbase_url = 'http://127.0.0.1:9'\n",
    )
    started = home / "started"
    started.mkdir()
    monkeypatch.chdir(started)
    monkeypatch.setenv("GPUTUI_CONFIG", "../config.toml")
    monkeypatch.setenv("GPUTUI_STATE_DIR", "../state")
    ensure_agent(PROGRAM, Path("../state"), Path("../config.toml").absolute())
    try:
        status = ask_agent(home / "state", "status")
        assert Path(f"/proc/{status['pid']}/cwd").readlink() == home / "state" / "agent"
        assert status["accounts"], status
        assert "did not start" not in Place(home / "state").log.read_text()
    finally:
        stop_agent(home / "state")


def test_paths_in_the_configuration_begin_at_that_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "[accounts.lab]\nkind = 'pody'\nusername = 'me'\npassword = 'cmd:./token'\nbase_url = 'http://127.0.0.1:9'\n"
    )
    more = "[accounts.lab.ssh]\nkey = 'keys/id'\nconfig = '~/ssh'\n[notify]\ncommand = ['./tell', './arg']\n"
    config = write_config(home, text + more)
    (home / "token").write_text("#!/bin/sh\necho secret-of-the-lab\n")
    (home / "token").chmod(0o700)
    monkeypatch.chdir("/")
    found = load_config(config)
    account = found.accounts["lab"]
    assert ssh_login(account).key == str(home / "keys/id")
    assert ssh_login(account).config == Path("~/ssh").expanduser()
    assert found.notify.command == [str(home / "tell"), "./arg"]
    assert account.password.resolve().reveal() == "secret-of-the-lab"  # type: ignore[attr-defined]
