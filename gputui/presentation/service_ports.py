"""Ports of an instance that may be worth a forward: those that its back end names, and the usual ones. Pure."""

from __future__ import annotations

from gputui.late_dataclasses import dataclass
from gputui.models import Instance

_SSH_PORT = 22
_HTTP = 80
_USUAL = {8888: "Jupyter", 6006: "TensorBoard", 7860: "Gradio", 8000: "HTTP, vLLM", 8080: "HTTP"}


@dataclass(frozen=True, slots=True)
class ServicePort:
    """A port of an instance. ``service`` is the usual one of its number, ``known`` where the back end names it."""

    port: int
    service: str
    known: str

    @property
    def source(self) -> str:
        """Where the port is known from, in words; of a usual one nothing is known."""
        return self.known or "usual port, not known to be used"


def service_ports(instance: Instance) -> list[ServicePort]:
    """Return the ports that the back end names, then the usual ones; never that of the SSH server."""
    known: dict[int, str] = {}
    for service in instance.services:
        known.setdefault(service.port, service.url)
    for mapping in instance.ports:
        if mapping.protocol == "tcp" and mapping.instance_port != _SSH_PORT:
            known.setdefault(mapping.instance_port, f"published as port {mapping.host_port}")
    ports = [*sorted(known), *(port for port in _USUAL if port not in known)]
    return [ServicePort(port, _USUAL.get(port, ""), known.get(port, "")) for port in ports]


def is_web_port(port: int | None) -> bool:
    """Return whether a port is usually that of a web page."""
    return port in _USUAL or port == _HTTP
