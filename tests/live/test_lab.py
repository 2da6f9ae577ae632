"""The laboratory itself: the other tests mean nothing when it is not what it claims to be."""

from __future__ import annotations

import json
import urllib.request

from .lab.pody import PodyServer


def test_the_server_is_the_release_it_is_called(server: PodyServer) -> None:
    with urllib.request.urlopen(f"{server.url}/version", timeout=10) as answer:
        assert tuple(json.load(answer)) == server.release.version
