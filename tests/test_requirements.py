"""An installation fits a jump host: what the locked requirements bring."""

import re
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[1] / "requirements"
MOST_PACKAGES = 26


def packages(name: str) -> set[str]:
    """Return the packages of a lock file; one that has several versions for several Pythons counts once."""
    return set(re.findall(r"^([\w.-]+)==", (REQUIREMENTS / name).read_text("utf-8"), re.MULTILINE))


def test_an_installation_has_few_packages() -> None:
    assert len(packages("runtime.txt") | {"gputui"}) <= MOST_PACKAGES


def test_the_servers_of_the_simulator_are_for_the_demo_alone() -> None:
    servers = {"starlette", "hypercorn"}
    assert packages("runtime.txt").isdisjoint(servers)
    assert servers <= packages("dev.txt")


def test_the_model_context_protocol_is_in_no_installation_without_its_extra() -> None:
    for name in ("runtime.txt", "packed.txt"):
        assert "mcp" not in packages(name)
    assert "mcp" in packages("dev.txt")
