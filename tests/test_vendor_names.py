"""No vendor, and no parameter of its calls, is known by name outside its own packages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from gputui import vendors
from gputui.api.deepdock.create import container_fields, image_fields
from gputui.api.gpuhub.backend import GpuhubBackend
from gputui.api.gpuhub.create import DeploymentForm, Dialect
from gputui.api.pody.create import pod_fields
from gputui.models import FormField, Resource
from tests.api.gpuhub.server import gpuhub_account
from tests.api.yotta import creators
from tests.tui.warm import ROOT

PACKAGE = ROOT / "gputui"
EXCEPTIONS = {
    "sim/http/faults.py": "descriptions of the fault profiles, whose names are documented",
    "cli/commands/sim.py": "--release, --clouds and --hosts are variants of three simulators, as the help says",
    "cli/commands/init.py": "the kind that Enter chooses",
}

ORDINARY = {
    **dict.fromkeys(("name", "image", "password", "username", "headers", "env"), "attributes of many models"),
    **dict.fromkeys(("region", "regions", "status", "type"), "attributes of rows, and columns"),
    **dict.fromkeys(
        ("endpoint", "queue", "input", "webhook", "workers", "newest"), "words for tasks and their queues"
    ),
    **dict.fromkeys(("price_from", "price_to"), "attributes of offers and deployments"),
    **dict.fromkeys(("cmd", "resources", "released"), "words of the language, of secrets and of lists"),
    **dict.fromkeys(("gpu_ids", "gpu_name"), "columns of the simulated nvidia-smi, an order of the simulated world"),
}
"""Parameters whose names are words that gputui uses for something of its own, with their use."""


def foreign_files() -> Iterator[tuple[str, Path]]:
    """Yield the modules outside the packages of the vendors."""
    own = tuple(f"{layer}/{kind}/" for layer in ("api", "sim") for kind in vendors.kinds())
    for file in PACKAGE.rglob("*.py"):
        if not (path := file.relative_to(PACKAGE).as_posix()).startswith(own):
            yield path, file


def fields() -> Iterable[FormField]:
    """Return the fields of all forms and filters of all vendors."""
    hub = GpuhubBackend(gpuhub_account("http://127.0.0.1:9"))
    cloud = creators.backend()
    for kind in cloud.creators:
        yield from creators.creator_of(cloud, kind).fields()
    for filters in (hub.filters, cloud.filters):
        yield from (field for resource in Resource for field in filters.fields(resource))
    for dialect in Dialect:
        yield from DeploymentForm("hub", ("sgp1",), "USD", dialect).form().fields
    yield from (*container_fields(), *image_fields(), *pod_fields())


def test_no_parameter_of_a_vendor_is_known_outside_its_own_packages() -> None:
    names = {field.name for field in fields()}
    assert {"image_uuid", "gpu_name_set", "processUri", "workerPort", "resourceType", "repo_tag", "ins"} <= names
    assert ORDINARY.keys() <= names
    word = re.compile(rf"\b({'|'.join(names - ORDINARY.keys())})\b")
    found = {path: word.findall(file.read_text("utf-8")) for path, file in foreign_files()}
    assert {path: used for path, used in found.items() if used} == {}


def test_no_vendor_is_known_by_name_outside_its_own_packages() -> None:
    # "ssh" is the protocol everywhere.
    names = re.compile("|".join([*(kind for kind in vendors.kinds() if kind != "ssh"), "autodl"]), re.IGNORECASE)
    found = {path for path, file in foreign_files() if names.search(file.read_text("utf-8"))}
    assert found == set(EXCEPTIONS)
