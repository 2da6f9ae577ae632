"""The things that belong to a row, from the lists and the prices that were read. Sends no request."""

from __future__ import annotations

from collections.abc import Sequence

from gputui.analytics.prices import ByDeployment, by_deployment
from gputui.fleet import Fleet
from gputui.models import Deployment, Event, GpuDevice, GpuProcess, Image, Instance, Ref, Resource, Row
from gputui.presentation.actions import may_be_of
from gputui.presentation.details import Details, Place, Related, details
from gputui.screens.base.fleet_context import FleetContext
from gputui.screens.base.session import Session
from gputui.screens.details.prices import PastPrices
from gputui.screens.gpus.captions import is_on


class DetailContext(FleetContext):
    """The context of details. ``prices`` are those of the row that was read last."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.prices = PastPrices(session)

    def processes(self, instance: Instance) -> list[GpuProcess]:
        """Return the GPU processes of an instance, by GPU and memory."""
        return processes_of(self.session.fleet, instance)

    def by_deployment(self) -> ByDeployment:
        """Return the instances of deployments."""
        return by_deployment(self.session.fleet.rows(Resource.INSTANCES).values())


def details_of(session: Session, row: Row, context: DetailContext) -> Details:
    """Return all that is known of a row, in sections."""
    return details(row, context, related(session, row, context.prices))


def related(session: Session, row: Row, prices: PastPrices) -> Related:
    """Return the things that belong to a row, and its prices as far as they were read."""
    fleet, ref = session.fleet, row.ref
    return Related(
        events=_events(fleet, row),
        instances=_instances(fleet, row),
        processes=_processes(fleet, row),
        forwards=[forward for forward in fleet.work.forward_rows() if forward.instance == ref],
        transfers=[
            (Ref(ref.account, "transfer", str(one.number)), f"{one.state}  {one.source.text} → {one.target.text}")
            for one in fleet.work.transfers_under_way
            if ref in one.refs
        ],
        # The fleet of the first frame knows of none.
        waste=fleet.waste.recent(ref) if fleet.polls else None,
        image=_image(fleet, row),
        host=_host(fleet, row),
        explains=session.key_of("explain"),
        prices=prices.of(ref),
    )


def _events(fleet: Fleet, row: Row) -> Sequence[Event]:
    if not isinstance(row, Instance | Deployment):
        return ()
    ref, name = row.ref, row.ref.id  # most of tens of thousands differ in their ids
    found = [
        event
        for event in fleet.all(Event)
        if (event.instance.id == name and event.instance == ref)
        or (event.parent is not None and event.parent.id == name and event.parent == ref)
    ]
    return sorted(found, key=lambda event: event.at, reverse=True)


def _instances(fleet: Fleet, row: Row) -> Sequence[Instance]:
    """Return the instances of a deployment, the containers of a machine, the users of a GPU or an image."""
    if isinstance(row, Instance | Deployment):
        found = [one for one in fleet.all(Instance) if one.parent is not None and one.parent == row.ref]
    elif isinstance(row, GpuDevice | Image):
        mine = (one for one in fleet.all(Instance) if one.ref.account == row.ref.account)
        found = [one for one in mine if _uses(one, row)]
    else:
        return ()
    return sorted(found, key=lambda one: one.name)


def _uses(instance: Instance, row: GpuDevice | Image) -> bool:
    if isinstance(row, Image):
        return is_image(row, instance.image)
    return any(name in row.instances for name in (instance.name, *instance.aliases))


def is_image(image: Image, name: str | None) -> bool:
    """Return whether an instance or a deployment of the account calls an image so."""
    return bool(name) and name in (image.ref.id, image.reference)


def _processes(fleet: Fleet, row: Row) -> Sequence[GpuProcess]:
    if isinstance(row, Instance):
        return processes_of(fleet, row)
    if isinstance(row, GpuDevice):
        found = [process for process in fleet.all(GpuProcess) if is_on(process, row)]
        return sorted(found, key=lambda process: -(process.gpu_memory_used or 0))
    return ()


def processes_of(fleet: Fleet, instance: Instance) -> list[GpuProcess]:
    """Return the GPU processes of an instance, by GPU and memory."""
    found = [process for process in fleet.all(GpuProcess) if may_be_of(process, instance)]
    return sorted(found, key=lambda process: (process.gpu_index or 0, -(process.gpu_memory_used or 0)))


def _image(fleet: Fleet, row: Row) -> Image | None:
    """Return the image that a row names, where it is in the library of its account."""
    name = getattr(row, "image", None)
    if not name:
        return None
    images = (one for one in fleet.all(Image) if one.ref.account == row.ref.account)
    return next((one for one in images if is_image(one, name)), None)


def _host(fleet: Fleet, row: Row) -> Place | None:
    """Return where the host of a row is shown: the machine that it is, else its GPUs where they are listed."""
    host = getattr(row, "host", None)
    if not host or any(character in host for character in ' "\\'):
        return None
    machines = (one for one in fleet.all(Instance) if one.machine is not None and one.ref.account == row.ref.account)
    machine = next((one for one in machines if one.name == host), None)
    if machine is not None:
        return None if machine.ref == row.ref else Place("instances", machine.ref)
    if isinstance(row, GpuDevice | GpuProcess):
        return None
    listed = any(one.host == host and one.ref.account == row.ref.account for one in fleet.all(GpuDevice))
    return Place("gpus", typed=f"host:={host} account:={row.ref.account}") if listed else None
