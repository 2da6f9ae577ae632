"""Host blocks for OpenSSH's own client: names, values that are refused, and the file of known host keys."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from gputui.models import Ref
from gputui.ssh.client_config import HostBlock, host_names, key_alias, known_hosts_text
from gputui.ssh.known_hosts import HostKey

KEY = HostKey.parse("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl")


def test_a_name_is_of_the_account_and_the_id_and_of_the_name_where_that_is_unique() -> None:
    one, two, three = Ref("hub", "vm", "i-1"), Ref("hub", "vm", "i-2"), Ref("lab", "pod", "main")
    names = host_names([(one, "train"), (two, "train"), (three, "main")])
    assert names == {one: ("hub.i-1",), two: ("hub.i-2",), three: ("lab.main",)}
    assert host_names([(one, "train")]) == {one: ("hub.i-1", "hub.train")}


def test_names_are_unique_and_have_characters_of_host_names_only() -> None:
    rows = [(Ref("hub", kind, "a"), "x y\n*") for kind in ("vm", "pod")] + [(Ref("hub", "vm", "a b"), "ä")]
    names = [name for found in host_names(rows).values() for name in found]
    assert len(set(names)) == len(names)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-") for name in names)


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("address", ("-oProxyCommand=x", 22)),
        ("address", ("gpu1\nProxyCommand x", 22)),
        ("address", ("gpu1 x", 22)),
        ("address", ("%h", 22)),
        ("address", ("gpu1", 70000)),
        ("user", ("root\nLocalCommand x",)),
        ("user", ("-l",)),
        ("user", ("a b",)),
        ("option", ("HostKeyAlias", 'a"b')),
        ("paths", ("IdentityFile", [Path('/a"b')])),
        ("paths", ("IdentityFile", [Path("/${HOME}/key")])),
        ("proxy", (["gputui", "ssh", "--stdio", "a\nb"],)),
    ],
)
def test_a_value_that_could_carry_an_option_is_refused(keyword: str, values: tuple[object, ...]) -> None:
    block = HostBlock(["lab.main"], "lab/pod/main")
    with pytest.raises(ValueError, match=r"cannot be|not the name of a host"):
        getattr(block, keyword)(*values)
    assert block.lines == []


@pytest.mark.skipif(shutil.which("ssh") is None, reason="OpenSSH's client is not installed")
def test_ssh_reads_the_values_that_were_written(tmp_path: Path) -> None:
    block = HostBlock(["lab.main", "lab.other"], "lab/pod/main\nLocalCommand x", notes=["a note\nUser evil"])
    block.address("2001:db8::1", 2222)
    block.user("alice@corp")
    block.paths("IdentityFile", [Path("/home/a b/%d/key")])
    block.paths("UserKnownHostsFile", [Path("/state/a b"), Path("/c")])
    block.option("HostKeyAlias", "lab.main-1")
    block.proxy(["/opt/a b/gputui", "ssh", "--stdio", "lab/pod/it's 100%h $(x)"])
    (tmp_path / "config").write_text(block.text())

    done = subprocess.run(
        ["ssh", "-G", "-F", str(tmp_path / "config"), "lab.other"], capture_output=True, text=True, check=True
    )

    read = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())
    assert (read["hostname"], read["port"], read["user"]) == ("2001:db8::1", "2222", "alice@corp")
    assert read["identityfile"] == "/home/a b/%%d/key"
    assert read["userknownhostsfile"] == "/state/a b /c"
    assert read["proxycommand"] == "'/opt/a b/gputui' ssh --stdio 'lab/pod/it'\"'\"'s 100%%h $(x)'"
    assert "localcommand" not in read


def test_another_generation_has_another_name_for_its_key() -> None:
    ref = Ref("lab", "pod", "Main")
    aliases = {key_alias("lab.Main", host_id, ref) for host_id in (str(ref), f"{ref}#1", f"{ref}#2")}
    assert len(aliases) == 3
    assert "lab.main" in aliases


def test_keys_of_gputui_replace_those_of_their_names_and_leave_other_lines() -> None:
    before = "# mine\nlab.main ssh-rsa AAAA\nlab.other ssh-rsa BBBB\n"
    text = known_hosts_text(before, {"lab.main": [KEY]})
    assert text == f"# mine\nlab.other ssh-rsa BBBB\nlab.main ssh-ed25519 {KEY.data}\n"
    assert known_hosts_text(text, {"lab.main": [KEY]}) == text
