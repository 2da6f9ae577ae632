"""Values of fields that come from files and from stdin."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from gputui.cli.forms import given_fields
from gputui.errors import ConfigError


def test_a_value_comes_from_a_file_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "input.json"
    path.write_bytes('{\n  "prompt": "Ä @ x"\n}\r\n'.encode())
    assert given_fields([("input", f"@{path}"), ("name", "a=b")]) == {
        "input": '{\n  "prompt": "Ä @ x"\n}',
        "name": "a=b",
    }


def test_a_value_comes_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"[1,\n2]\n")))
    assert given_fields([("input", "@-")]) == {"input": "[1,\n2]"}


def test_two_fields_do_not_share_stdin() -> None:
    with pytest.raises(ConfigError, match="only one field"):
        given_fields([("input", "@-"), ("headers", "@-")])


def test_a_text_that_begins_with_an_at_sign_is_written_with_two() -> None:
    assert given_fields([("cmd", "@@reboot")]) == {"cmd": "@reboot"}


def test_a_file_that_is_not_there_is_said_at_its_field(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"input: .*gone\.json cannot be read: No such file") as caught:
        given_fields([("input", f"@{tmp_path}/gone.json")])
    assert f"input=@@{tmp_path}/gone.json" in caught.value.hint


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(b"\x89PNG\xff")
    with pytest.raises(ConfigError, match="not text in UTF-8"):
        given_fields([("input", f"@{path}")])
