"""Certificates that the environment names and that cannot be used: their account alone fails, in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gputui.sim.server import Running

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def secure(world: Running, home: Path) -> None:
    """The simulator's accounts, and one that is reached over https."""
    config = home / "config.toml"
    config.write_text(
        config.read_text("utf-8") + '\n[accounts.safe]\nkind = "deepdock"\nbase_url = "https://127.0.0.1:9"\n',
        "utf-8",
    )


@pytest.mark.parametrize("command", [("get", "images"), ("config", "check")])
@pytest.mark.parametrize(
    ("variable", "make", "said"),
    [
        ("SSL_CERT_FILE", lambda path: None, "which cannot be read: no such file or directory"),
        ("SSL_CERT_FILE", lambda path: path.mkdir(), "which cannot be read: is a directory"),
        ("SSL_CERT_FILE", lambda path: path.touch(), "which contains no certificate"),
        ("SSL_CERT_FILE", lambda path: path.write_bytes(b"\x00\xff" * 99), "which contains no certificate"),
        ("SSL_CERT_DIR", lambda path: None, "which cannot be read: no such file or directory"),
        ("SSL_CERT_DIR", lambda path: path.touch(), "which cannot be read: not a directory"),
        ("SSL_CERT_DIR", lambda path: path.mkdir(), "which is empty"),
    ],
)
def test_stale_certificates_end_their_account_alone(
    secure: None,
    home: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    variable: str,
    make: Callable[[Path], object],
    said: str,
) -> None:
    del secure
    path = home / "authorities"
    make(path)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv(variable, str(path))
    status, out, err = run(*command)
    assert status == 3
    assert "lab" in out
    assert f"safe: {variable} names {path}, {said}. Correct {variable}, or unset it for the usual authorities." in err
    assert "gputui failed" not in err
    assert err.count("gputui:") == 1
