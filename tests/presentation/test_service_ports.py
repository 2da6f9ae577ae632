"""The ports of an instance that are offered for a forward."""

from __future__ import annotations

from gputui.models import Instance, Phase, PortMapping, Ref, Service
from gputui.presentation.service_ports import service_ports


def test_ports_that_the_back_end_names_come_first_and_usual_ones_claim_nothing() -> None:
    instance = Instance(
        Ref("lab", "pod", "main"),
        "main",
        Phase.RUNNING,
        "running",
        services=(Service(6006, "https://main.example"),),
        ports=(PortMapping(31022, 22), PortMapping(31000, 9000), PortMapping(31001, 53, "udp"), PortMapping(1, 6006)),
    )
    ports = service_ports(instance)
    assert [(one.port, one.service, one.source) for one in ports[:3]] == [
        (6006, "TensorBoard", "https://main.example"),
        (9000, "", "published as port 31000"),
        (8888, "Jupyter", "usual port, not known to be used"),
    ]
    assert {6006, 9000, 8888} < {one.port for one in ports}
    assert {22, 53}.isdisjoint(one.port for one in ports)
