"""Who one is on a real server, what one may use, and the password; right, wrong and changed."""

from __future__ import annotations

import re

import pytest

from .gputui import ACCOUNT, Gputui
from .lab.pody import MAX_PODS, PASSWORD, USERNAME, PodyServer


def test_config_check_prints_release_and_identity(gputui: Gputui, server: PodyServer) -> None:
    printed = gputui.succeed("config", "check")
    assert re.search(rf"{ACCOUNT}\s+pody\s+ok\s+{re.escape(server.release.text)}\s+{USERNAME}\b", printed), printed


def test_the_quota_has_the_limit_of_pods_and_how_many_there_are(gputui: Gputui, pod: str) -> None:
    quota = {line["name"]: line for line in gputui.json("describe", ACCOUNT)["quota"]}
    assert (quota["max_pods"]["used"], quota["max_pods"]["limit"]) == (1, MAX_PODS)
    assert quota["gpu_count"]["limit"] is None
    assert quota["gpus"]["text"] == "all"


def test_the_account_is_described_with_its_users_and_host(gputui: Gputui, server: PodyServer) -> None:
    account = gputui.json("describe", ACCOUNT)
    assert (account["user"], account["is_admin"], account["users"]) == (USERNAME, False, [USERNAME])
    assert dict(account["host_spec"])["pody version"] == server.release.text
    assert account["problems"] == []


def test_a_wrong_password_is_said_to_be_wrong(gputui: Gputui) -> None:
    done = gputui.with_secrets(LAB_PASSWORD="wrong").run("get", "instances")
    assert (done.status, done.output) == (1, "")
    assert "user name or password" in done.errors.lower().replace("username", "user name")
    assert "wrong" not in done.errors.split(ACCOUNT, 1)[0]


@pytest.fixture
def other_password(gputui: Gputui) -> Gputui:
    return gputui.with_secrets(LAB_PASSWORD="an other: one&more")


def test_a_changed_password_is_the_one_that_counts(gputui: Gputui, other_password: Gputui) -> None:
    new = other_password.secrets["LAB_PASSWORD"]
    _change_password(gputui, new)
    try:
        assert gputui.run("get", "instances").status == 1
        other_password.succeed("get", "instances")
    finally:
        _change_password(other_password, PASSWORD)
    gputui.succeed("get", "instances")


def _change_password(gputui: Gputui, password: str) -> None:
    with gputui.terminal("passwd", ACCOUNT) as terminal:
        terminal.wait_for("New password")
        terminal.write(f"{password}\r")
        terminal.wait_for("again")
        terminal.write(f"{password}\r")
        assert terminal.wait_exit() == 0, terminal.text
        assert password not in terminal.text
