"""The names in an OpenSSH configuration, its Includes and its damaged lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gputui.errors import ConfigError
from gputui.openssh_config import WRITTEN_MARK, aliases, config_path, is_pattern, is_safe_name, matching, passes

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file of ``~/.ssh``, the configuration itself by default."""
    monkeypatch.setenv("HOME", str(tmp_path))

    def write(text: str, name: str = "config", mode: int = 0o600) -> Path:
        path = tmp_path / ".ssh" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        path.chmod(mode)
        return path

    return write


def test_names_come_in_their_order_without_patterns_and_negations(write: Write) -> None:
    path = write("Host gpu02 gpu01\n  User a\nHost gpu* !gpu09 node?\nHost *\n  Port 1\nHost gpu01 web\n")
    assert path == config_path()
    assert aliases(path) == ["gpu02", "gpu01", "web"]


@pytest.mark.parametrize(
    "line",
    ["Host=a b", "Host = a b", 'host "a" "b"', "HOST\ta   b  ", "Host a 'b' # c d", 'Host "a" b\r', "  Host a b"],
)
def test_a_line_is_read_as_openssh_reads_it(write: Write, line: str) -> None:
    assert aliases(write(f"# Host x\n\n{line}\n  HostName h\n")) == ["a", "b"]


def test_windows_line_ends_are_no_part_of_a_name(write: Write) -> None:
    assert aliases(write("Host a\r\n  Port 22\r\nHost b\r\n")) == ["a", "b"]


def test_a_name_that_a_shell_would_interpret_is_no_host(write: Write) -> None:
    assert aliases(write('Host a;b -oProxyCommand=x "c d" e$(f) good\n')) == ["good"]
    assert not is_safe_name("a\x1b[2J")


def test_patterns_select_among_the_names(write: Write) -> None:
    path = write("Host gpu01 gpu02 gpu10 web[1] web1\n")
    assert matching(path, ["gpu0*"]) == ["gpu01", "gpu02"]
    assert matching(path, ["web1", "gpu?2"]) == ["gpu02", "web1"]
    assert matching(path, ["*", "!gpu*"]) == ["web[1]", "web1"]
    assert matching(path, ["!gpu01"]) == []
    assert matching(path, ["elsewhere"]) == []
    assert [is_pattern(word) for word in ("gpu?", "g*", "!a", "a", "a@b:1")] == [True, True, True, False, False]


def test_included_files_come_at_their_place_sorted_and_relative_to_the_directory(write: Write) -> None:
    write("Host d2\n", "conf.d/20.conf")
    write("Host d1\n", "conf.d/10.conf")
    write("Host hidden\n", "conf.d/.swp")
    absolute = write("Host abs\n", "other")
    path = write(f"Host first\nHost *\nInclude conf.d/* missing/*\nInclude ~/.ssh/other {absolute}\nHost last\n")
    assert aliases(path) == ["first", "d1", "d2", "abs", "last"]


def test_a_file_included_in_a_block_has_names_only_where_the_block_matches_them(write: Write) -> None:
    write("Host gpu01 web\n", "more")
    assert aliases(write("Host gpu*\n  Include more\n")) == ["gpu01"]
    assert aliases(write("Match exec false\n  Include more\n")) == ["gpu01", "web"]


def test_files_that_include_one_another_are_refused_by_name_and_line(write: Write) -> None:
    write("Include config\n", "more")
    with pytest.raises(
        ConfigError, match=r"line [12]: too many files are included; does (more|config) include itself"
    ):
        aliases(write("Host a\nInclude more\n"))


def test_the_number_of_files_is_bounded(write: Write) -> None:
    for number in range(40):
        write("Include many/*\n", f"many/{number}")
    with pytest.raises(ConfigError, match="too many files"):
        aliases(write("Include many/*\n"))


def test_no_file_has_no_names(write: Write) -> None:
    assert aliases(write("").with_name("none")) == []


def test_a_file_that_cannot_be_read_is_named(write: Write) -> None:
    path = write("Include dir/x\n")
    (path.parent / "dir").mkdir()
    (path.parent / "dir" / "x").symlink_to("x")
    with pytest.raises(ConfigError, match=r"\.ssh/dir/x cannot be read: Too many levels of symbolic links"):
        aliases(path)


def test_names_that_gputui_wrote_itself_are_not_the_user_s_own(write: Write) -> None:
    write(f"{WRITTEN_MARK} 1.0 at noon\nHost own.gpu01\n", "gputui.conf")
    path = write("Include gputui.conf\nHost gpu01\n")
    assert aliases(path) == ["own.gpu01", "gpu01"]
    assert aliases(path, own=True) == matching(path, ["*"]) == ["gpu01"]


def test_a_file_that_others_can_change_is_refused(write: Write) -> None:
    write("Host a\n", "shared", mode=0o664)
    with pytest.raises(ConfigError, match="shared is not used: others on this machine can change it") as caught:
        aliases(write("Include shared\n"))
    assert "chmod go-w" in caught.value.hint


def test_an_unclosed_quote_is_named_with_its_line(write: Write) -> None:
    with pytest.raises(ConfigError, match=r"config line 2: a quote \" is not closed"):
        aliases(write('Host a\nHost "b\n'))
    assert aliases(write("Host a # don't\n  ProxyCommand echo \\\"x\n")) == ["a"]


def test_a_file_that_is_not_text_ends_without_a_traceback(write: Write, tmp_path: Path) -> None:
    path = write("")
    path.write_bytes(b"\xff\xfe\x00H\nHost \xff\nHost a\x00\n" + b"Host g\n")
    assert aliases(path) == ["a", "g"]
    path.write_bytes(b"Host x\n" * 200_000)
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        aliases(path)


def test_a_statement_has_its_words_and_the_text_of_a_command(write: Write) -> None:
    path = write("ProxyCommand ssh -W '[%h]:%p' gw # x\n")
    assert [(one.keyword, one.words, one.text, one.line) for one in passes(path)[0].statements(path)] == [
        ("proxycommand", ("ssh", "-W", "[%h]:%p", "gw"), "ssh -W '[%h]:%p' gw # x", 1)
    ]
