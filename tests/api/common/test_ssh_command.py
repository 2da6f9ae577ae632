"""The SSH commands that GPUhub hands out, in the forms they come in."""

from __future__ import annotations

import pytest

from gputui.api.common.ssh_command import ssh_target
from gputui.models import Secret, SSHTarget


@pytest.mark.parametrize(
    ("command", "host", "port", "user"),
    [
        ("ssh -p 21305 root@region-1.example.com", "region-1.example.com", 21305, "root"),
        ("ssh -p21305 root@region-1.example.com", "region-1.example.com", 21305, "root"),
        ("ssh root@region-1.example.com", "region-1.example.com", 22, "root"),
        ("ssh region-1.example.com", "region-1.example.com", 22, "root"),
        ("ssh root@region-1.example.com -p 21305", "region-1.example.com", 21305, "root"),
        ("ssh root@region-1.example.com 21305", "region-1.example.com", 21305, "root"),
        ("ssh root@region-1.example.com port 21305", "region-1.example.com", 21305, "root"),
        ("ssh root@region-1.example.com:21305", "region-1.example.com", 21305, "root"),
        ("ssh ssh://root@region-1.example.com:21305", "region-1.example.com", 21305, "root"),
        ("ssh -o StrictHostKeyChecking=no -l bob -p 5 10.0.0.7", "10.0.0.7", 5, "bob"),
        ("ssh -o Port=77 -i ~/.ssh/id root@h", "h", 77, "root"),
        ("ssh -oPort=77 root@h", "h", 77, "root"),
        ("ssh -CNgvp 12 -L 6006:127.0.0.1:6006 root@h", "h", 12, "root"),
        ("/usr/bin/ssh -p 12 root@h", "h", 12, "root"),
        ("  ssh  -p \"12\"  'root@h' ", "h", 12, "root"),
        ("root@h -p 12", "h", 12, "root"),
        ("ssh -p 12 root@[2001:db8::1]", "2001:db8::1", 12, "root"),
        ("ssh -p 12 root@2001:db8::1", "2001:db8::1", 12, "root"),
    ],
)
def test_a_command_is_taken_apart(command: str, host: str, port: int, user: str) -> None:
    password = Secret("hunter2")
    assert ssh_target(command, password, generation="u") == SSHTarget(host, port, user, password, "u")


@pytest.mark.parametrize(
    "command",
    [
        "",
        "ssh",
        "ssh -p",
        "ssh -p 21305",
        "ssh -p 0 root@h",
        "ssh -p 65536 root@h",
        "ssh -p x root@h",
        "ssh -p ٣ root@h",
        "ssh -p 12 root@",
        "ssh -p 12 @h",
        "ssh -p 12 root@-oProxyCommand=evil",
        "ssh -p 12 -oProxyCommand=evil",
        "ssh -p 12 root@h;evil",
        "ssh -p 12 root@h\x1b[2J",
        "ssh -p 12 ro;ot@h",
        "ssh -p 12 'root@h",
        "not ready yet, please wait",
    ],
)
def test_what_names_no_host_is_no_target(command: str) -> None:
    assert ssh_target(command) is None


@pytest.mark.parametrize(
    "command",
    [
        "ssh -o ProxyCommand=evil -p 12 root@h 'rm -rf /'",
        "ssh -o 'ProxyCommand=nc -X connect %h %p' -p 12 root@h",
        'ssh -o "ProxyCommand nc evil 22" -o "Port 12" root@h',
        "ssh -F 'my config' -J gw -E log -p 12 root@h",
    ],
)
def test_what_a_command_would_run_is_left_out(command: str) -> None:
    assert ssh_target(command) == SSHTarget("h", 12, "root")
