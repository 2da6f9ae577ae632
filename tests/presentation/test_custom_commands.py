"""Custom commands: the values of a row, quoted for the shell."""

from __future__ import annotations

import shlex

import pytest

from gputui.errors import InvalidError
from gputui.models import Deployment, Instance, Phase, Ref, SSHTarget
from gputui.models.custom_commands import CustomCommand, fields_in, quoted_fields
from gputui.presentation.custom_commands import SshWay, shell_command, values_of

EVIL = "a'; rm -rf ~ $(x) `y` \n b"
ROW = Instance(
    Ref("lab", "pod", EVIL), EVIL, Phase.RUNNING, "running", ssh=SSHTarget("10.0.0.5", port=2222, user="root")
)
WAY = SshWay(["-i", "/home/me/my keys/lab", "-p", "2222"], "root", "10.0.0.5", 2222, "ssh -p 2222 root@10.0.0.5")


def test_whatever_a_name_contains_it_stays_one_word_of_the_shell() -> None:
    line = shell_command(CustomCommand("x", "echo {name} {ref} {id}"), ROW, values_of(ROW, WAY))
    assert shlex.split(line) == ["echo", EVIL, f"lab/pod/{EVIL}", EVIL]


def test_the_options_of_ssh_are_several_words_and_those_of_rsync_are_the_argument_of_its_e() -> None:
    values = values_of(ROW, WAY)
    line = shell_command(
        CustomCommand("x", "rsync -av {rsync_args} here {address}: && scp {ssh_args} {{}}"), ROW, values
    )
    assert shlex.split(line)[:6] == [
        "rsync",
        "-av",
        "-e",
        "ssh -i '/home/me/my keys/lab' -p 2222",
        "here",
        "root@10.0.0.5:",
    ]
    assert shlex.split(line)[-5:] == ["-i", "/home/me/my keys/lab", "-p", "2222", "{}"]


def test_what_is_unknown_is_refused_by_its_field() -> None:
    row = Deployment(Ref("hub", "deployment", "d"), "train", "ReplicaSet", Phase.RUNNING, "running")
    with pytest.raises(InvalidError, match=r"of train these are not known: {host} \(the host of its SSH\)"):
        shell_command(CustomCommand("x", "ping {host} # {name}"), row, values_of(row, None))


def test_the_fields_of_a_template_are_found_with_what_is_no_field() -> None:
    assert fields_in("{name} {name} {{x}} {host!r:>3} {0}") == ["name", "host!r:>3", "0"]
    with pytest.raises(ValueError, match="expected"):
        fields_in("{name")


def test_a_container_entered_through_its_host_has_no_address_that_copies_could_go_to() -> None:
    values = values_of(ROW, WAY._replace(inside=True))
    assert not values.keys() & {"host", "address", "port", "user", "ssh_args", "rsync_args"}
    assert values["ssh"] == WAY.command
    assert "address" not in values_of(ROW, WAY._replace(user="", host="-oProxyCommand=x"))


@pytest.mark.parametrize("template", ['echo "{name}"', "sh -c 'echo {name}'", "a 'b' \"{name}", "echo \\{name}"])
def test_a_field_inside_quotes_would_end_them_and_is_found(template: str) -> None:
    assert quoted_fields(template) == ["name"]
    line = shell_command(CustomCommand("x", template), ROW, values_of(ROW, WAY))
    assert "$(x)" in line


def test_quotes_next_to_fields_are_no_quotes_around_them() -> None:
    assert quoted_fields("echo 'a b' {name} \"c's\" {ref} \\' {id}") == []
