"""Answers of a DeepDock server, word for word as its reference has them, for the scripted server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from gputui.api.deepdock.account import DeepdockAccount
from gputui.config.loader import parse_config
from tests.api.server import Answer, Request, ScriptedServer, as_json

NOW = datetime(2025, 12, 1, 18, 2, 55, tzinfo=UTC)
"""Five seconds after the reference's newest sample, on a host one hour east of Greenwich."""

CUDA = "nvidia/cuda:12.6.3-cudnn-runtime-ubuntu24.04"
IMAGES = {
    "count": 2,
    "images": [
        {
            "id": "8aef630a54bc",
            "tag": CUDA,
            "digest": "nvidia/cuda@sha256:8aef630a54bc5c5146ae5ce68e6af5caa3df0fb690bb91544175c91f307e4356",
            "size_mb": 2008.44,
        },
        {
            "id": "739e0bde7baf",
            "tag": "nvidia/cuda:12.2.0-runtime-ubuntu22.04",
            "digest": "nvidia/cuda@sha256:739e0bde7bafdb2ed9057865f53085539f51cbf8bd6bf719f2e114bab321e70e",
            "size_mb": 1134.02,
        },
    ],
}
PULLED = {
    "message": "Image 'nvidia/cuda:12.2.0-runtime-ubuntu20.04' pulled successfully.",
    "id": "44fdb25dd06b",
    "tags": ["nvidia/cuda:12.2.0-runtime-ubuntu20.04"],
    "size_mb": 1135.24,
}
CREATED = {"message": "container created", "id": "1bb0e524d7f0", "name": "name", "ssh-port": 22000}
METRICS = {"gpu_count": 1, "ram_total_mb": 20006, "ram_available_mb": 17092, "cpu_cores": 4}
SERIES = {
    "0": [
        {
            "timestamp": "2025-12-01T19:02:30.437763",
            "memory_used": 2928.9218363242576,
            "utilization": 13.742574257425742,
            "power_usage": 20.23792079207921,
            "temperature": 50.0,
            "fan_speed": 0.0,
        },
        {
            "timestamp": "2025-12-01T19:02:40.539339",
            "memory_used": 2941.695969987624,
            "utilization": 16.0,
            "power_usage": 20.43307920792079,
            "temperature": 50.04950495049505,
            "fan_speed": 0.0,
        },
        {
            "timestamp": "2025-12-01T19:02:50.643242",
            "memory_used": 2942.235264542079,
            "utilization": 8.623762376237623,
            "power_usage": 20.358633663366337,
            "temperature": 50.9009900990099,
            "fan_speed": 0.0,
        },
    ]
}


def container(name: str = "container_1", **changes: object) -> dict[str, object]:
    """Return a container of the reference's list; ``ssh_port`` is the key with a dash."""
    row: dict[str, object] = {
        "id": "e61c9453638e",
        "name": name,
        "status": "exited",
        "image": [CUDA],
        "created": "2025-11-28T14:33:52.180994982Z",
        "ssh-port": None,
        "gpus": ["0"],
    }
    return row | {key.replace("ssh_port", "ssh-port"): value for key, value in changes.items()}


CONTAINERS = {
    "containers": [
        container(),
        container("container_2", id="4e191151c508", created="2025-11-28T14:30:37.956854109Z"),
    ]
}


def series(newest: datetime, *, count: int = 3, **figures: object) -> list[dict[str, object]]:
    """Return ten-second samples that end with the host's time of day ``newest``."""
    return [
        {
            "timestamp": (newest - timedelta(seconds=10 * back)).replace(tzinfo=None).isoformat(),
            "memory_used": 300.0,
            "utilization": 0.0,
            "power_usage": 20.0,
            "temperature": 40.0,
            "fan_speed": 30.0,
            **figures,
        }
        for back in reversed(range(count))
    ]


def deepdock_account(base_url: str, extra: str = "") -> DeepdockAccount:
    """Return an account on a DeepDock server, from configuration text."""
    text = f'[accounts.dock]\nkind = "deepdock"\nbase_url = "{base_url}"\n{extra}\n'
    account = parse_config(text, name="config.toml", private=True).accounts["dock"]
    assert isinstance(account, DeepdockAccount)
    return account


def script(server: ScriptedServer, **answers: object) -> None:
    """Answer as the reference does; ``containers``, ``images``, ``metrics``, ``series`` in place of its answers."""
    for path, key, answer in (
        ("/containers", "containers", CONTAINERS),
        ("/images", "images", IMAGES),
        ("/metrics", "metrics", METRICS),
        ("/metrics/gpus", "series", SERIES),
    ):
        chosen = answers.get(key, answer)
        server.on(path, by_method(GET=as_json(chosen), POST=as_json(PULLED)))
    server.on("/containers/create", by_method(POST=as_json(CREATED)))
    for verb in ("start", "stop", "restart"):
        server.on(f"/containers/container_1/{verb}", by_method(POST=as_json({"message": f"container {verb}"})))
    server.on("/containers/container_1", by_method(DELETE=as_json({"message": "container 'container_1' removed"})))


def by_method(**answers: Answer) -> Callable[[Request], Answer]:
    """Return a script with an answer for each method."""
    known: Mapping[str, Answer] = answers
    return lambda request: known.get(request.method, as_json({"detail": "Method Not Allowed"}, 405))
