"""The GPUs that the view shows: in the table, in charts, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gputui.models import GpuDevice, Instance, Ref, Row
from gputui.presentation.actions import may_use
from gputui.presentation.gpu_faults import gpu_fault
from gputui.query import Query

if TYPE_CHECKING:
    from gputui.screens.gpus.view import GpusView


class GpuSelection:
    """The GPUs that are shown, as the filter, the scope and the marks of the view limit them."""

    def __init__(self, view: GpusView) -> None:
        self._view = view
        self.query: Query | None = None
        """The filter of the table of GPUs."""
        self.opened: Ref | None = None
        """The GPU that is shown alone; None for all."""
        self.comparing = False
        """Whether GPUs are shown side by side."""

    def read_devices(self) -> None:
        """Read the GPUs of the fleet as they are now."""
        self._view.context.take(self._view.session.fleet.all(GpuDevice))

    def shows(self, row: Row) -> bool:
        """Whether a GPU passes everything but the typed filter."""
        return (
            self._view.session.shows_account(row.ref.account)
            and self._in_scope(row)
            and (not self._view.problems_only or (isinstance(row, GpuDevice) and bool(gpu_fault(row))))
        )

    def _in_scope(self, row: Row) -> bool:
        """Whether a GPU belongs to what the view is limited to: of its host those that it may use."""
        if self._view.scope is None or not isinstance(row, GpuDevice):
            return True
        if row.through is not None:
            return row.through == self._view.scope
        if row.ref.account != self._view.scope.account:
            return not self._view.session.fleet.is_probed(self._view.scope)
        instance = self._view.session.fleet.find(Instance, self._view.scope)
        if instance is None or instance.gpu_indices == ():
            return True
        return may_use(instance, row.host, row.index) is not False

    def charted(self) -> GpuDevice | None:
        """Return the GPU whose charts are shown: that was opened, else the one of the cursor or its heading."""
        return self._view.session.fleet.find(GpuDevice, self.opened or self._view.gpus.folding.row_here)

    def compared(self) -> list[GpuDevice]:
        """Return the marked GPUs, else those of the host of the one under the cursor, else all that are shown."""
        gpus = self._view.gpus
        shown = [row for ref in gpus.visible_refs if isinstance(row := gpus.get(ref), GpuDevice)]
        marked = set(gpus.marked)
        if len(marked) > 1:
            return [device for device in shown if device.ref in marked]
        first = gpus.folding.row_here
        here = None if first is None else gpus.get(first)
        on_host = [
            device
            for device in shown
            if isinstance(here, GpuDevice) and (device.ref.account, device.host) == (here.ref.account, here.host)
        ]
        return on_host if len(on_host) > 1 else shown

    def listed(self) -> list[GpuDevice]:
        """Return the GPUs whose processes may be listed: the filter of the GPUs hides none of these."""
        shown = (
            row for ref in self._view.gpus.refs if (row := self._view.gpus.get(ref)) is not None and self.shows(row)
        )
        return [row for row in shown if isinstance(row, GpuDevice) and not row.mig and self.opened in (None, row.ref)]
