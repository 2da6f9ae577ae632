import base64
import stat
from copy import copy
from pathlib import Path
from urllib.parse import quote

import pytest

from gputui.crash_report import KEPT, write_report
from gputui.models import Secret
from gputui.redaction import redact

PASSWORD = "hunter+2 /ä'"


def failure(text: str) -> Exception:
    def fail() -> None:
        raise RuntimeError(text)

    try:
        fail()
    except RuntimeError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    "form",
    [PASSWORD, repr(PASSWORD), quote(PASSWORD, safe=""), base64.b64encode(PASSWORD.encode()).decode()],
)
def test_a_secret_in_use_is_in_no_report_in_any_form(form: str, tmp_path: Path) -> None:
    in_use = Secret(PASSWORD)

    text = write_report(failure(f"said {form} and failed"), tmp_path).read_text()

    assert in_use.reveal() not in text
    assert form not in text
    assert "said *** and failed" in text.replace("'***'", "***").replace('"***"', "***")


def test_secrets_are_known_as_long_as_they_or_a_copy_exist() -> None:
    one = Secret("made here alone")
    another = copy(one)
    assert "made here alone" in Secret.revealed()
    del one
    assert "made here alone" in Secret.revealed()
    del another
    assert "made here alone" not in Secret.revealed()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Authorization: Basic YWxpY2U6c2VjcmV0", "Authorization"),
        ("{'authorization': 'Bearer abc.secret.def'}", "authorization"),
        ("GET http://alice:secret@host/x", "host/x"),
        ("POST http://host:8799/user/ch-passwd?passwd=secret", "/user/ch-passwd"),
        ("POST /user/ch-passwd?passwd=secret HTTP/1.1", "/user/ch-passwd"),
        ('password="secret"', "password"),
        ("old_passwd=secret&user=alice", "alice"),
        ("X-Api-Key: secret", "X-Api-Key"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, kept: str) -> None:
    redacted = redact(text)

    assert "secret" not in redacted
    assert "YWxpY2U6c2VjcmV0" not in redacted
    assert kept in redacted


def test_a_report_has_the_traceback_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = write_report(failure("the pump broke"), tmp_path / "state")

    assert "in fail" in path.read_text()
    assert "the pump broke" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.parent == tmp_path / "state" / "reports"


def test_only_the_last_reports_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    for number in range(KEPT + 5):
        (folder / f"report-20200101T0000{number:02}Z-1.txt").touch()

    newest = write_report(failure("x"), tmp_path)

    left = sorted(folder.iterdir())
    assert len(left) == KEPT
    assert left[-1] == newest


def test_a_report_finds_a_place_when_the_state_directory_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "state").touch()

    path = write_report(failure("x"), tmp_path / "state")

    assert path.exists()
    path.unlink()
    path.parent.rmdir()


def test_a_report_is_safe_to_read_in_a_terminal(tmp_path: Path) -> None:
    text = write_report(failure("said \x1b]52;c;aGk=\x07 and\u202e failed"), tmp_path).read_text()

    assert "said \ufffd]52;c;aGk=\ufffd and\ufffd failed" in text
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
