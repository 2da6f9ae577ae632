"""An account that is polled."""

from __future__ import annotations

import pytest

from gputui.errors import UnavailableError
from gputui.models import Resource
from tests.fleet.fakes import FakeBackend, pod

INSTANCES, STOCK, EVENTS, PROCESSES = Resource.INSTANCES, Resource.STOCK, Resource.EVENTS, Resource.PROCESSES
DEPLOYMENTS, VOLUMES = Resource.DEPLOYMENTS, Resource.VOLUMES
ALL = (INSTANCES, STOCK, PROCESSES)
DOWN = UnavailableError("lab: no answer.")


@pytest.fixture
def lab() -> FakeBackend:
    backend = FakeBackend("lab", ALL)
    backend.rows[INSTANCES] = [pod("lab", "main")]
    return backend
