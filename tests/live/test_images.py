"""The images of a real server, and the one made from a pod."""

from __future__ import annotations

from .gputui import ACCOUNT, Gputui
from .lab.engine import IMAGE
from .lab.pody import USERNAME, PodyServer

STANDARD = f"{ACCOUNT}/image/{IMAGE}"
COMMITTED = f"{ACCOUNT}/image/{USERNAME}-snap"


def _images(gputui: Gputui) -> dict[str, bool]:
    """Return whether each image is the user's own."""
    return {row["ref"]: row["own"] for row in gputui.json("get", "images")}


def test_the_images_of_the_server_are_listed(gputui: Gputui) -> None:
    assert _images(gputui) == {STANDARD: False}


def test_an_image_of_the_server_cannot_be_deleted(gputui: Gputui) -> None:
    done = gputui.run("delete", STANDARD, "--yes")
    assert (done.status, done.output) == (1, "")
    assert _images(gputui) == {STANDARD: False}


def test_a_pod_is_saved_as_an_image_that_makes_pods_and_goes_again(
    gputui: Gputui, server: PodyServer, pod: str
) -> None:
    if not server.release.has_commits:
        done = gputui.run("commit", pod, "--tag", "snap", "--yes")
        assert (done.status, done.output) == (1, "")
        return
    gputui.succeed("exec", pod, "--", "echo saved > /root/note")
    gputui.succeed("commit", pod, "--tag", "snap", "--message", "for the test", "--yes")
    assert _images(gputui) == {STANDARD: False, COMMITTED: True}
    assert gputui.json("describe", COMMITTED)["description"] == "for the test"

    second = gputui.create_pod("second", image=f"{USERNAME}-snap")
    assert gputui.succeed("exec", second, "--", "cat /root/note") == "saved\n"
    gputui.succeed("delete", second, "--yes")

    over = gputui.run("commit", pod, "--tag", "two", "--yes")
    assert (over.status, "limit" in over.errors) == (1, True), over.errors

    gputui.succeed("delete", COMMITTED, "--yes")
    assert _images(gputui) == {STANDARD: False}
