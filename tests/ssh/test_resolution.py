"""The settings of a host in the user's OpenSSH configuration: which lines apply, and their meaning for a login."""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gputui import openssh_config
from gputui.errors import ConfigError, SshError
from gputui.ssh import canonical_names, openssh_settings
from gputui.ssh.resolution import Resolved, resolve, split_name
from gputui.ssh.user_known_hosts import NewKeys

Configure = Callable[[str], None]


@pytest.fixture
def configure(home: Path) -> Configure:
    def write(text: str) -> None:
        (home / ".ssh").mkdir(exist_ok=True)
        (home / ".ssh" / "config").write_text(text)

    return write


def test_the_first_value_of_a_keyword_counts_and_identity_files_add_up(configure: Configure, home: Path) -> None:
    configure(
        "IdentityFile ~/.ssh/first\n"
        "Host gpu* !gpu09\n  HostName %h.rack # the address\n  User=alice\n  IdentityFile %d/.ssh/%n_%r\n"
        'Host *\n  User bob\n  Port "2222"\n  IdentityFile ~/.ssh/first\n'
    )
    gpu01 = resolve("gpu01")
    assert (gpu01.host, gpu01.port, gpu01.user) == ("gpu01.rack", 2222, "alice")
    assert gpu01.identity_files == (home / ".ssh/first", home / ".ssh/gpu01_alice")
    assert (resolve("gpu09").host, resolve("gpu09").user) == ("gpu09", "bob")


def test_user_and_port_of_the_text_win_over_those_of_the_account_and_of_the_file(configure: Configure) -> None:
    configure("Host gpu01 10.0.0.9\n  User alice\n  Port 2222\nMatch user root\n  HostName elsewhere\n")
    assert [resolve("gpu01", user=user, port=port).user for user, port in (("", None), ("carol", 1))] == [
        "alice",
        "carol",
    ]
    explicit = resolve("root@10.0.0.9:22", user="carol", port=1)
    assert (explicit.name, explicit.host, explicit.port, explicit.user) == ("10.0.0.9", "elsewhere", 22, "root")


def test_a_host_that_the_file_does_not_name_is_itself(home: Path) -> None:
    found = resolve("10.0.0.9")
    assert (found.host, found.port, found.user) == ("10.0.0.9", 22, getpass.getuser())
    assert found.known_hosts == (home / ".ssh/known_hosts", home / ".ssh/known_hosts2")
    assert found.identity_files is None


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        ("all", True),
        ("host gpu01.rack,x", True),
        ("host gpu01", False),
        ("originalhost GPU01", True),
        ("!host other user alice", True),
        ("user bob", False),
        ("exec true", True),
        ('exec "test %h = gpu01.rack" exec "test %n-%p = gpu01-22"', True),
        ('user bob exec "touch %d/ran"', False),
        ("!exec false", True),
        ("final", True),
        ("localuser nobody-here", False),
        ("tagged fast", True),
        ("host=gpu01.rack user=alice", True),
    ],
)
def test_match_has_openssh_s_conditions(configure: Configure, home: Path, condition: str, applies: bool) -> None:
    configure(f"Tag fast\nHost gpu01\n  HostName gpu01.rack\n  User alice\nMatch {condition}\n  HostKeyAlias hit\n")
    assert resolve("gpu01").host_key_alias == ("hit" if applies else "")
    assert not (home / "ran").exists()


def test_a_command_of_match_that_does_not_end_is_named_with_its_line(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openssh_settings, "EXEC_SECONDS", 0.05)
    configure("Host a\n\nMatch originalhost gpu01 exec 'sleep 60'\n  User x\n")
    started = time.monotonic()
    with pytest.raises(ConfigError, match="config line 3: its command did not end"):
        resolve("gpu01")
    assert time.monotonic() - started < 10
    assert resolve("gpu02").host == "gpu02"


def test_the_first_of_proxyjump_and_proxycommand_counts_with_none_as_well(configure: Configure) -> None:
    configure(
        "Host a\n  ProxyJump none\nHost b\n  ProxyCommand nc -X '5' %h %p # \"${x:-y}\"\n"
        "Host d\n  ProxyJump none\nHost d e\n  ProxyCommand nc gw 22\nHost f\n  ProxyCommand none\n"
        "Host *\n  ProxyJump gw1,alice@gw2:2222,ssh://gw3/\n"
    )
    assert (resolve("a").jumps, resolve("a").proxy_command) == ((), None)
    assert (resolve("b").jumps, resolve("b").proxy_command) == ((), "nc -X '5' b 22 # \"${x:-y}\"")
    assert resolve("c").jumps == ("gw1", "alice@gw2:2222", "gw3")
    assert [resolve(name).proxy_command for name in "def"] == ["nc gw 22", "nc gw 22", None]
    assert [resolve(name).jumps for name in "def"] == [(), (), ()]


def test_a_name_with_shell_syntax_reaches_no_command(configure: Configure) -> None:
    configure("Host ok\n  HostName a;reboot\n  ProxyCommand nc %h %p\n")
    with pytest.raises(ConfigError, match="line 3: no command is run"):
        resolve("ok")
    for text in ("-oProxyCommand=x", "a b", "$(reboot)", "a;b", "", "root@-v"):
        with pytest.raises(SshError, match="not the name of a host"):
            resolve(text)


def test_trust_times_methods_and_agent(configure: Configure, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    configure(
        "Host a\n  UserKnownHostsFile ~/.ssh/kh_%k /dev/null\n  GlobalKnownHostsFile none\n  HostKeyAlias rack\n"
        "  StrictHostKeyChecking accept-new\n  HashKnownHosts yes\n  ServerAliveInterval 1m30s\n  ConnectTimeout 5\n"
        "  ServerAliveCountMax 7\n  PasswordAuthentication no\n  IdentityAgent none\n  IdentitiesOnly yes\n"
        "Host b\n  PreferredAuthentications publickey\n  IdentityAgent ~/agent.sock\n  StrictHostKeyChecking no\n"
        "  IdentityFile none\n"
    )
    a, b, other = resolve("a"), resolve("b"), resolve("c")
    assert a.known_hosts == (home / ".ssh/kh_rack", Path("/dev/null"))
    assert a.global_known_hosts == ()
    assert (a.new_keys, a.hashes_known_hosts, a.keepalive, a.keepalive_count) == (NewKeys.ACCEPT, True, 90, 7)
    assert (a.connect_timeout, set(a.methods_off), a.agent, a.identities_only) == (5, {"password"}, "", True)
    assert (set(b.methods_off), b.new_keys) == ({"password", "keyboard-interactive"}, NewKeys.ACCEPT)
    assert (b.agent, b.identity_files, other.agent, other.new_keys) == (f"{home}/agent.sock", (), "/run/agent", None)


def test_algorithms_that_gputui_lacks_are_left_out(configure: Configure) -> None:
    configure("Host a\n  Ciphers rot13@example.com,aes256-ctr\n  KexAlgorithms +rot13\nHost b\n  MACs rot13\n")
    assert dict(resolve("a").options) == {"encryption_algs": "aes256-ctr", "kex_algs": "default"}
    with pytest.raises(ConfigError, match="line 5: gputui has none of the algorithms rot13"):
        resolve("b")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("Port 0", "Port 0 is not a port"),
        ("Port", "port has no value"),
        ("ServerAliveInterval soon", "soon is not a time"),
        ("StrictHostKeyChecking maybe", "maybe is none of ask, accept-new"),
        ("IdentitiesOnly 7", "7 is none of yes"),
        ("IdentityFile /my keys/id", "identityfile has more than one value; quote one with blanks"),
        ("HostName %q", "the token %q is unknown"),
        ("IdentityFile ${NOT_SET_ANYWHERE}", "the environment variable NOT_SET_ANYWHERE is not set"),
        ("ProxyJump -x", "-x is not a host"),
        ("ProxyUseFdpass yes", "gputui does not know ProxyUseFdpass"),
        ("Match localnetwork 10.0.0.0/8", "gputui does not know the condition localnetwork"),
        ("Match host", "Match host has no value"),
        ("User 'x", "a quote ' is not closed"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_harms_no_other_host(
    configure: Configure, line: str, problem: str
) -> None:
    configure(f"Host good\n  HostName g\nHost bad\n  {line}\n")
    with pytest.raises(ConfigError, match=r"\.ssh/config line 4: " + problem.replace("$", r"\$")):
        resolve("bad")
    if "quote" not in problem and "Match" not in line:
        assert resolve("good").host == "g"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("gpu01", ("", "gpu01", None)),
        ("alice@gpu01:2222", ("alice", "gpu01", 2222)),
        ("[::1]:22", ("", "::1", 22)),
        ("::1", ("", "::1", None)),
    ],
)
def test_a_text_after_ssh_is_split(text: str, parts: tuple[str, str, int | None]) -> None:
    assert split_name(text) == parts


def test_the_file_of_the_system_is_read_after_that_of_the_user(
    configure: Configure, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = tmp_path / "ssh_config"
    system.write_text(
        "Include ssh_config.d/*.conf\nHost *\n  User all\n  IdentityFile /k/all\nHost gpu02 site\n  HostName s\n"
    )
    system.chmod(0o666)  # ssh does not mind
    (tmp_path / "ssh_config.d").mkdir()
    included = tmp_path / "ssh_config.d" / "10.conf"
    included.write_text("Match final host g\n  HostKeyAlias final\nHost gpu01\n  User early\n  Port 7\n")
    monkeypatch.setattr(openssh_config, "SYSTEM_PATH", system)
    configure("Host gpu01\n  HostName g\n  Port 22\n  IdentityFile /k/own\n")

    one, two = resolve("gpu01"), resolve("gpu02")
    assert (one.host, one.port, one.user, one.host_key_alias) == ("g", 22, "early", "final")
    assert one.identity_files == (Path("/k/own"), Path("/k/all"))
    assert (two.host, two.user, two.port) == ("s", "all", 22)
    assert openssh_config.aliases() == ["gpu01", "gpu02", "site"]
    assert openssh_config.aliases(own=True) == ["gpu01"]
    # A file that is named is read alone, as with ssh -F.
    assert resolve("gpu02", path=home / ".ssh" / "config").host == "gpu02"
    included.chmod(0o666)
    with pytest.raises(ConfigError, match=r"10\.conf is not used: others on this machine can change it"):
        resolve("gpu01")
    system.write_text("Include ~/x\n")
    with pytest.raises(ConfigError, match="ssh_config line 1: Include names a file of a user"):
        resolve("gpu01")


def test_host_lines_of_a_final_pass_are_about_the_address(configure: Configure) -> None:
    configure(
        "Host gpu01\n  HostName G.rack\n  User early\nMatch final all\n  Port 7\nHost g.rack\n  HostKeyAlias hit\n"
    )
    found = resolve("gpu01")
    assert (found.host, found.user, found.port, found.host_key_alias) == ("g.rack", "early", 7, "hit")


def test_a_file_included_without_effect_may_ask_for_a_final_pass(configure: Configure, home: Path) -> None:
    configure("Host gpu01\n  HostName g.rack\nHost other\n  Include extra\nHost g.rack\n  HostKeyAlias hit\n")
    (home / ".ssh" / "extra").write_text("Match final all\n  User evil\nHost *\n  Port 7\n")
    found = resolve("gpu01")
    assert (found.user, found.port, found.host_key_alias) == (getpass.getuser(), 22, "hit")


def test_a_canonical_name_is_the_address_and_has_settings_of_its_own(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"gpu01.rack.example.": "gpu01.rack.example"}
    monkeypatch.setattr(canonical_names, "in_dns", lambda family: names.get)
    domains = "CanonicalDomains rack.example\nMatch canonical host *.rack.example\n  User ops\n"
    configure(f"Host direct via gpu01\n  CanonicalizeHostname yes\nHost via\n  ProxyJump gw\nHost *\n  {domains}")
    assert (resolve("gpu01").host, resolve("gpu01").user) == ("gpu01.rack.example", "ops")
    assert [resolve(name).host for name in ("via", "direct", "gpu01.")] == ["via", "direct", "gpu01."]
    configure(f"CanonicalizeHostname always\nCanonicalizeFallbackLocal no\n{domains}")
    with pytest.raises(ConfigError, match="line 2: gpu02 is in none of the CanonicalDomains"):
        resolve("gpu02")


def test_the_settings_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        Resolved("a", "a", 22, "root").options["x"] = 1  # type: ignore[index]
