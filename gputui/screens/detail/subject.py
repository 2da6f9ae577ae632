"""The line of a question that shows a row: name, state, size and price."""

from __future__ import annotations

from textual.content import Content

from gputui.formatting import format_bytes, format_money
from gputui.models import (
    Deployment,
    Image,
    Instance,
    RegistryCredential,
    Row,
    Volume,
)
from gputui.presentation.actions import (
    gpu_text,
    name_of,
)
from gputui.presentation.deployments import counts_text, gpus_text, price_range
from gputui.presentation.glyphs import PHASE_GLYPHS, PHASE_STYLES
from gputui.presentation.prices import price_now
from gputui.presentation.storage import registry_text, size_text, storage_text


def _price(row: Instance | Volume) -> str:
    price = price_now(row)
    return f"   {format_money(price)}/h" if price is not None and price.amount else ""


def subject(row: Row, *, named: bool) -> Content:
    """Return the line of a dialog that says what a row is; ``named`` adds its account."""
    account = (f"   {row.ref.account}" if named else "", "$muted")
    if isinstance(row, Instance):
        gpus = gpu_text(row)
        return Content.assemble(
            "  ",
            (PHASE_GLYPHS[row.phase], PHASE_STYLES[row.phase]),
            (f" {row.name}", "bold"),
            account,
            f"   {row.status}",
            f"   GPUs: {gpus}" if gpus else "",
            _price(row),
            # What a deployment keeps alive is told apart by it, not by the image that all of them have.
            (f"   {row.image}" if row.image and row.parent is None else "", "$muted"),
        )
    if isinstance(row, Deployment):
        gpus = gpus_text(row)
        return Content.assemble(
            "  ",
            (PHASE_GLYPHS[row.phase], PHASE_STYLES[row.phase]),
            (f" {row.name}", "bold"),
            account,
            f"   {row.type}",
            f"   {row.status} {counts_text(row)}".rstrip(),
            f"   {gpus}" if gpus else "",
            f"   {price_range(row.price_from, row.price_to)}/h" if row.price_to else "",
        )
    if isinstance(row, Volume):
        return Content.assemble(
            "  ",
            (PHASE_GLYPHS[row.phase], PHASE_STYLES[row.phase]),
            (f" {row.name}", "bold"),
            account,
            f"   {row.status}",
            f"   {storage_text(row)}",
            f"   {size_text(row)}",
            f"   {row.region}" if row.region else "",
            _price(row),
        )
    if isinstance(row, RegistryCredential):
        return Content.assemble(("  " + row.name, "bold"), account, f"   {registry_text(row)}")
    if isinstance(row, Image):
        return Content.assemble(("  " + row.reference, "bold"), account, f"   {format_bytes(row.size)}")
    return Content.assemble("  " + name_of(row), account)
