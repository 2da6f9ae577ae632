"""The settings of a host, compared with those that OpenSSH's own client prints for the same configuration."""

from __future__ import annotations

import os
import pwd
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gputui import openssh_config
from gputui.ssh import canonical_names
from gputui.ssh.resolution import resolve

from .openssh import program

CONFIG = """
IdentityFile ~/.ssh/early # for all
Include {folder}/extra*
Host gpu0? !gpu09
  HostName %h.rack.example
  User "alice"
  Port=2222
  ProxyJump gw1,bob@gw2:2200
  IdentityFile /keys/%n-%r
Host web* gpu09
  ProxyCommand nc -x "a b" %h %p
  ServerAliveInterval 1m
  IdentitiesOnly yes
  StrictHostKeyChecking accept-new
Match originalhost "gpu02,web1" exec "test %p = 2222 -o %n = web1"
  UserKnownHostsFile /known/%n /known/second
  HostKeyAlias rack
Match host *.rack.example !user bob
  ServerAliveCountMax 9
  CertificateFile /keys/cert
Match final host gpu01.rack.example
  HashKnownHosts yes
Match all
  ConnectTimeout 1m30s
  User carol
  ProxyJump none
"""
EXTRA = "Host extra web1\n  Port 2201\n  PasswordAuthentication no\n"

SYSTEM = """
Include ssh_config.d/*.conf
Host gpu* other
  User all
  Port 2299
  IdentityFile /keys/system
  GlobalKnownHostsFile /known/all /known/more
Match final host *.rack.example
  ConnectTimeout 7
Host *
  HashKnownHosts yes
"""
HOSTS = """127.0.0.1 localhost
10.1.2.3 gpu01.rack.example.
10.1.2.4 rack7.b.example gpu02.rack.example.
10.1.2.5 gpu03
10.1.2.6 web
"""
CANONICAL = """
Host gpu0*
  CanonicalizeHostname yes
Host gpu07
  HostName gpu01
Host gpu08 gpu09
  ProxyJump gw
Host gpu09
  CanonicalizeHostname always
  HostName GPU01
Host *
  CanonicalDomains a.example rack.example
  CanonicalizePermittedCNAMEs *.rack.example:*.b.example
Match canonical host *.b.example
  User dave
"""

NAMES = ("gpu01", "gpu02", "web", "a.b.c", "10.0.0.9")
PATTERNS = ("gpu*", "gpu0?", "!gpu02", "*", "web", "a.*", "!*", "Gpu01", "10.0.*", "we?", '"gpu01"', "'web'")
CONDITIONS = (
    *("final", "host gpu*,web", "!host web,!gpu01,*", "originalhost a.*", "user alice", "!user b*", "localuser root"),
    *(
        "exec true",
        "!exec false",
        'exec "test %n = gpu01"',
        'exec "test %p = 22"',
        'exec "test %r = alice -o %h = web"',
    ),
)
ALONE = ("all", "final all")
"""Conditions that OpenSSH accepts alone."""
VALUES = {
    "HostName": ("%h.rack", "10.1.1.1", "x%%y"),
    "port": ("22", "2222"),
    "User": ("alice", '"bob"', "'carol'"),
    "ProxyJump": ("gw", "none", "a@gw:22,h2"),
    "ProxyCommand": ("nc %h %p", "none", 'sh -c "nc %h"', "nc 'a b' # x"),
    "IdentityFile": ("/k/%n", '"/k/a b"', "/k/c"),
    "UserKnownHostsFile": ("/a /b", "none", '"/a b" /c'),
    "GlobalKnownHostsFile": ("/g", "none", '"/g h" /i'),
    "ServerAliveInterval": ("5", "1m", "2m30s", "0"),
    "StrictHostKeyChecking": ("yes", "accept-new", "ask"),
    "HostKeyAlias": ("rack",),
}
TO_THE_END = ("ProxyCommand", "ProxyJump")
"""Keywords whose value is the rest of the line."""


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Write the configuration, and the file ``extra`` that it may include."""
    program("ssh", "openssh-client")
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".ssh"
    folder.mkdir(mode=0o700)

    def write(text: str, extra: str) -> None:
        # ssh has the home directory of the password database, whatever HOME is.
        text = text.replace("{folder}", str(folder)).replace("~", str(tmp_path))
        for name, content in (("config", text), ("extra", extra)):
            (folder / name).write_text(content)
            (folder / name).chmod(0o600)

    return write


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that both read as that of the system, and the hosts of its name service."""
    if os.geteuid() != 0:
        pytest.fail("these tests put other files in the place of the system's: run them as root", pytrace=False)
    folder = tmp_path / "system"
    (folder / "ssh_config.d").mkdir(parents=True)
    (folder / "ssh_config").touch()
    (tmp_path / "hosts").write_text(HOSTS)
    names = {line.split()[-1]: line.split()[1].rstrip(".") for line in HOSTS.splitlines()}
    monkeypatch.setattr(openssh_config, "SYSTEM_PATH", folder / "ssh_config")
    monkeypatch.setattr(canonical_names, "in_dns", lambda family: names.get)
    return folder


def of_ssh(folder: Path, alias: str, system: Path | None = None) -> dict[str, object]:
    """The settings that ``ssh -G`` prints, with the tokens expanded that it prints as they are.

    With ``system`` it reads no file that is named, but the user's and that of the system, in a mount namespace.
    """
    command = ["ssh", "-T", "-G", alias]
    if system is None:
        command[1:1] = ["-F", str(folder / ".ssh" / "config")]
    else:
        places = {folder: pwd.getpwuid(os.getuid()).pw_dir, system: "/etc/ssh", folder / "hosts": "/etc/hosts"}
        mounts = "".join(f"mount --bind {path} {place} && " for path, place in places.items())
        command = ["unshare", "--mount", "sh", "-c", f'{mounts}exec "$@"', "sh", *command]
    shown = subprocess.check_output(command, text=True)
    found: dict[str, list[str]] = {}
    for line in shown.splitlines():
        keyword, _, value = line.partition(" ")
        found.setdefault(keyword, []).append(value)

    def one(keyword: str) -> str:
        value = found.get(keyword, ["none"])[0]
        for token, meaning in (("%h", one("hostname") if "%h" in value else ""), ("%p", found["port"][0])):
            value = value.replace(token, meaning)
        return value.replace("%n", alias).replace("%r", found["user"][0])

    strict = {"true": "yes", "false": "no"}
    return {
        **{name: one(name) for name in ("hostname", "port", "user", "proxyjump", "proxycommand", "hostkeyalias")},
        **{name: one(name) for name in ("serveraliveinterval", "serveralivecountmax", "connecttimeout")},
        **{name: one(name) for name in ("userknownhostsfile", "globalknownhostsfile")},
        # ssh has a file twice where both the user and the system name it.
        "identityfile": [
            path.replace("%n", alias).replace("%r", one("user")) for path in dict.fromkeys(found["identityfile"])
        ],
        "certificatefile": found.get("certificatefile", []),
        "stricthostkeychecking": strict.get(one("stricthostkeychecking"), one("stricthostkeychecking")),
        **{name: one(name) == "yes" for name in ("identitiesonly", "hashknownhosts", "passwordauthentication")},
    }


def of_gputui(alias: str, theirs: dict[str, object]) -> dict[str, object]:
    """The same from the resolution; a default that ssh prints in its own words is taken from ``theirs``."""
    found = resolve(alias)
    default = Path.home() / ".ssh" / "known_hosts"
    return {
        "hostname": found.host,
        "port": str(found.port),
        "user": found.user,
        "proxyjump": ",".join(found.jumps) or "none",
        "proxycommand": found.proxy_command or "none",
        "hostkeyalias": found.host_key_alias or "none",
        "serveraliveinterval": str(found.keepalive or 0),
        "serveralivecountmax": str(found.keepalive_count or 3),
        "connecttimeout": "none" if found.connect_timeout is None else str(found.connect_timeout),
        "userknownhostsfile": theirs["userknownhostsfile"]
        if found.known_hosts[:1] == (default,)
        else " ".join(map(str, found.known_hosts)) or "none",
        "globalknownhostsfile": " ".join(map(str, found.global_known_hosts)) or "none",
        "identityfile": theirs["identityfile"]
        if found.identity_files is None
        else [str(path) for path in found.identity_files],
        "certificatefile": [str(path) for path in found.certificates],
        "stricthostkeychecking": str(found.new_keys or "ask"),
        "identitiesonly": found.identities_only,
        "hashknownhosts": bool(found.hashes_known_hosts),
        "passwordauthentication": "password" not in found.methods_off,
    }


@pytest.mark.parametrize("alias", ["gpu01", "gpu02", "gpu09", "web1", "other", "extra", "10.0.0.9"])
def test_the_settings_of_a_host_are_those_that_ssh_prints(
    configure: Callable[[str, str], None], tmp_path: Path, alias: str
) -> None:
    configure(CONFIG, EXTRA)
    theirs = of_ssh(tmp_path, alias)
    assert of_gputui(alias, theirs) == theirs


@pytest.mark.parametrize("alias", ["gpu01", "gpu02", "web1", "other", "site"])
def test_the_file_of_the_system_counts_as_it_does_to_ssh(
    configure: Callable[[str, str], None], tmp_path: Path, system: Path, alias: str
) -> None:
    configure(CONFIG, EXTRA)
    (system / "ssh_config").write_text(SYSTEM)
    (system / "ssh_config.d" / "10.conf").write_text("Host other site\n  HostName %h.site\nHost gpu02\n  Port 1\n")
    theirs = of_ssh(tmp_path, alias, system)
    assert of_gputui(alias, theirs) == theirs


@pytest.mark.parametrize("alias", ["gpu01", "gpu02", "gpu03", "gpu07", "gpu08", "gpu09", "web", "0::1", "127.1"])
def test_a_canonical_name_is_that_of_ssh(
    configure: Callable[[str, str], None], tmp_path: Path, system: Path, alias: str
) -> None:
    configure(CANONICAL, "")
    theirs = of_ssh(tmp_path, alias, system)
    assert of_gputui(alias, theirs) == theirs


def some_line(chance: random.Random) -> str:
    kind = chance.choice(["Host", "Match", "Include", *VALUES])
    separator = chance.choice([" ", " ", "=", " = ", "\t"])
    end = "" if kind in TO_THE_END else chance.choice(["", "", "", " # c", " #c 'x", "   "])
    indent = chance.choice(["", "  "])
    match kind:
        case "Host":
            return f"{indent}Host{separator}{' '.join(chance.choices(PATTERNS, k=chance.randint(1, 3)))}{end}"
        case "Match":
            several = " ".join(chance.sample(CONDITIONS, k=chance.randint(1, 2)))
            return f"{indent}Match {chance.choice([several, several, *ALONE])}{end}"
        case "Include":
            return f"{indent}Include {{folder}}/extra*{end}"
    return f"{indent}{kind}{separator}{chance.choice(VALUES[kind])}{end}"


@pytest.mark.parametrize("seed", range(3))
def test_any_files_of_user_and_system_mean_to_gputui_what_they_mean_to_ssh(
    configure: Callable[[str, str], None], tmp_path: Path, system: Path, seed: int
) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        texts = ["\n".join(some_line(chance) for _ in range(chance.randint(0, 8))) + "\n" for _ in range(2)]
        more = [line for line in (some_line(chance) for _ in range(3)) if "Include" not in line]
        alias = chance.choice(NAMES)
        configure(texts[0], "\n".join(more) + "\n")
        (system / "ssh_config").write_text(texts[1].replace("{folder}/extra*", "ssh_config.d/*"))
        (system / "ssh_config.d" / "extra").write_text("\n".join(more) + "\n")
        theirs = of_ssh(tmp_path, alias, system)
        assert of_gputui(alias, theirs) == theirs, f"{alias}:\n{texts[0]}--- system:\n{texts[1]}--- extra:\n{more}"


@pytest.mark.parametrize("seed", range(3))
def test_any_configuration_means_to_gputui_what_it_means_to_ssh(
    configure: Callable[[str, str], None], tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    for _ in range(40):
        lines = [some_line(chance) for _ in range(chance.randint(2, 14))]
        extra = [line for line in (some_line(chance) for _ in range(3)) if "Include" not in line]
        text, alias = "\n".join(lines) + "\n", chance.choice(NAMES)
        configure(text, "\n".join(extra) + "\n")
        theirs = of_ssh(tmp_path, alias)
        assert of_gputui(alias, theirs) == theirs, f"{alias}:\n{text}--- extra:\n{extra}"
