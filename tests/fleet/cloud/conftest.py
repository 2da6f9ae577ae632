"""A cloud, and a history in memory."""

from __future__ import annotations

import pytest

from gputui.history.history import History
from tests.fleet.cloud.hub import Hub


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def history() -> History:
    return History(None)
