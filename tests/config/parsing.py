"""Accounts and problems of a configuration given as text."""

from __future__ import annotations

import pytest

from gputui.api.pody.account import PodyAccount
from gputui.config.loader import (
    parse_config,
)
from gputui.errors import ConfigError

ACCOUNT = """
[accounts.lab]
kind = "pody"
base_url = "http://10.0.0.5:8799"
username = "alice"
password = "env:PODY_PASSWORD"
"""


def problems(text: str, *, private: bool = True) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, name="config.toml", private=private)
    return list(caught.value.problems)


def lab(extra: str = "", *, read_only: bool = False) -> PodyAccount:
    account = parse_config(ACCOUNT + extra, name="c", private=True, read_only=read_only).accounts["lab"]
    assert isinstance(account, PodyAccount)
    return account
