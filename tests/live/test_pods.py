"""A pod's life on a real server, through the command line: created, seen, used, stopped, started, deleted."""

from __future__ import annotations

from .gputui import ACCOUNT, Gputui
from .lab.engine import IMAGE
from .lab.pody import PodyServer


def test_a_created_pod_is_listed_with_image_state_and_ssh_port(gputui: Gputui, server: PodyServer, pod: str) -> None:
    row = gputui.instance(pod)
    assert (row["phase"], row["status"], row["image"]) == ("running", "running", IMAGE)
    assert row["ssh"]["port"] in server.pod_ports
    assert [port["instance_port"] for port in row["ports"]] == [22]
    assert row["problem"] is None


def test_a_pod_that_may_use_every_gpu_says_so(gputui: Gputui, pod: str) -> None:
    assert gputui.instance(pod)["gpu_all"] is True


def test_exec_returns_output_and_exit_status_of_the_command(gputui: Gputui, pod: str) -> None:
    done = gputui.run("exec", pod, "--", "echo out; echo err >&2; id -un; exit 3")
    assert (done.status, done.output) == (3, "out\nerr\nroot\n")


def test_exec_keeps_arguments_as_they_are(gputui: Gputui, pod: str) -> None:
    assert gputui.succeed("exec", pod, "--", "echo", "it's", '"$HOME"', r"a\b  c") == 'it\'s "$HOME" a\\b  c\n'


def test_a_pod_is_stopped_started_restarted_and_deleted(gputui: Gputui) -> None:
    ref = gputui.create_pod("life")
    gputui.succeed("stop", ref, "--yes")
    stopped = gputui.instance(ref)
    assert (stopped["phase"], stopped["status"], stopped["ports"], stopped["ssh"]) == ("stopped", "exited", [], None)
    refused = gputui.run("exec", ref, "--", "true")
    assert (refused.status, refused.output) == (1, "")
    assert "not possible while it is exited" in refused.errors

    gputui.succeed("start", ref, "--yes")
    started = gputui.instance(ref)
    assert (started["phase"], started["container_id"]) == ("running", stopped["container_id"])
    gputui.succeed("exec", ref, "--", "touch=/tmp/here; echo yes > $touch")

    gputui.succeed("restart", ref, "--yes")
    assert gputui.succeed("exec", ref, "--", "cat /tmp/here") == "yes\n"

    gputui.succeed("delete", ref, "--yes")
    assert ref not in [row["ref"] for row in gputui.json("get", "instances")]
    done = [(entry["action"], entry["outcome"]) for entry in gputui.json("audit") if entry["action"] != "exec"]
    assert done == [(action, "done") for action in ("create", "stop", "start", "restart", "delete")]


def test_a_second_pod_of_the_same_name_is_refused_with_the_servers_reason(gputui: Gputui, pod: str) -> None:
    done = gputui.run("create", "pod", "--set", "ins=main", "--set", f"image={IMAGE}", "--yes")
    assert (done.status, done.output) == (1, "")
    assert "already exists" in done.errors


def test_a_pod_that_is_gone_is_not_found(gputui: Gputui) -> None:
    done = gputui.run("delete", f"{ACCOUNT}/pod/never", "--yes")
    assert (done.status, done.output) == (1, "")
    assert "never" in done.errors
