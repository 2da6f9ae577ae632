"""What to do where the laboratory cannot run: a skip with its reason, but a failure where it is promised (CI)."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


class MissingError(Exception):
    """This machine lacks what the laboratory needs; the text says what."""


def required() -> bool:
    """Say whether these tests have to run: in CI, or with GPUTUI_LIVE=require."""
    return os.environ.get("GPUTUI_LIVE") == "require" or os.environ.get("CI", "") not in {"", "0", "false"}


def give_up(reason: str) -> NoReturn:
    """Skip the tests that wanted it; fail them where they are required."""
    if required():
        pytest.fail(f"the live tests are required here, but {reason}", pytrace=False)
    pytest.skip(f"no live tests: {reason}")
