"""GPU processes that are unknown: their rows, and the words and the exit status that go with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from gputui.cli import session
from gputui.cli.output import say
from gputui.errors import ExitCode, GputuiError
from gputui.models import GpuDevice, GpuProcess, Ref, Resource, Row

if TYPE_CHECKING:
    from gputui.api.capabilities import Backend

_NOT_REPORTED = "the server reports GPUs and no processes; --of INSTANCE reads those of one over SSH"


async def add_unreported(listing: session.Listing, opened: Mapping[str, Backend | GputuiError]) -> None:
    """Add a row for each GPU of the accounts that list GPUs but no processes: they are unknown, not none."""
    silent = {name: opened[name] for name in listing.unsupported}
    gpus = await session.list_rows(silent, Resource.GPUS)
    listing.rows += [_unreported(device) for device in gpus.rows if isinstance(device, GpuDevice)]
    listing.failures += gpus.failures
    listing.unsupported = gpus.unsupported


def _unreported(device: GpuDevice) -> GpuProcess:
    ref = Ref(device.ref.account, "process", f"{device.ref.id}:unknown")
    return GpuProcess(ref, device.host, device.index, None, "", processes=None, problem=_NOT_REPORTED)


def say_unknown(rows: Iterable[Row]) -> ExitCode:
    """Say on stderr on which GPUs processes are unknown, and why, once a host and reason; the status is 3 then."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        if isinstance(row, GpuProcess) and row.processes is None:
            gpus = places.setdefault((row.ref.account, row.host, row.problem or "no reason given"), [])
            if row.gpu_index is not None:
                gpus.append(str(row.gpu_index))
    for (account, host, problem), gpus in places.items():
        where = f" on GPU {', '.join(dict.fromkeys(gpus))}" if gpus else ""
        say(f"gputui: {account}: processes{where} of {host} are unknown: {problem}")
    return ExitCode.UNREACHABLE if places else ExitCode.OK


def say_unsupported(names: Sequence[str], nouns: str) -> None:
    """Say that these accounts do not report their ``nouns``: GPUs, or GPU processes."""
    report = "reports" if len(names) == 1 else "report"
    say(f"gputui: {', '.join(names)} {report} no {nouns}: they are unknown. --of INSTANCE reads them over SSH.")
