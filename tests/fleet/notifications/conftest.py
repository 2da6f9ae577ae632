"""The server that webhooks reach in tests."""

from tests.api.conftest import server

__all__ = ["server"]
