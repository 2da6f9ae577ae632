"""Unknown GPUs and processes: their rows, messages and exit statuses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gputui.cli import session
from gputui.cli.output import notify
from gputui.errors import ExitCode
from gputui.models import GpuDevice, GpuProcess, Ref, Resource, Row

if TYPE_CHECKING:
    from gputui.fleet import Fleet

_NOT_REPORTED = "the server reports GPUs and no processes; --of INSTANCE reads those of one over SSH"


async def add_unreported(fleet: Fleet, listing: session.Listing) -> None:
    """Add a row for each GPU of the accounts that list GPUs but no processes: they are unknown, not none."""
    gpus = await session.read(fleet, [Resource.GPUS], listing.unsupported)
    listing.rows += [_unreported(device) for device in gpus.rows if isinstance(device, GpuDevice)]
    listing.failures += gpus.failures
    listing.unsupported = gpus.unsupported


def _unreported(device: GpuDevice) -> GpuProcess:
    ref = Ref(device.ref.account, "process", f"{device.ref.id}:unknown")
    return GpuProcess(ref, device.host, device.index, None, "", processes=None, problem=_NOT_REPORTED)


def report_unknown(rows: Iterable[Row]) -> ExitCode:
    """Report the GPUs with unknown processes, once for each host and reason; the status is 3 then."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if isinstance(row, GpuProcess) and row.processes is None:
            gpus = places.setdefault((row.ref.account, row.host, row.problem or "no reason given"), [])
            if row.gpu_index is not None:
                gpus.append(str(row.gpu_index))
    for (account, host, problem), gpus in places.items():
        where = f" on GPU {', '.join(dict.fromkeys(gpus))}" if gpus else ""
        notify(f"gputui: {account}: processes{where} of {host} are unknown: {problem}")
    return ExitCode.UNREACHABLE if places else ExitCode.OK


def report_unsupported(listing: session.Listing, resource: Resource, named: Sequence[str]) -> ExitCode:
    """Report the accounts without a list of these; the status is 3 where an empty list would look like none."""
    names = listing.unsupported
    if not names:
        return ExitCode.OK
    report = "reports" if len(names) == 1 else "report"
    unknown = f"{', '.join(names)} {report} no {resource.nouns}: they are unknown"
    notify(f"gputui: {unknown}. --of INSTANCE reads them over SSH.")
    meant = resource is Resource.PROCESSES or not listing.rows or any(name in named for name in names)
    return ExitCode.UNREACHABLE if meant else ExitCode.OK
