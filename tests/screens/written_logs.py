"""An account whose worker writes a log, and the view of it."""

from __future__ import annotations

from gputui.models import Action, Instance, Phase, Ref, Resource, Row
from gputui.widgets.log_view import LogView
from tests.fleet.fakes import FakeBackend
from tests.logs.written_log import WrittenLog, line
from tests.screens.stage import Stage

WORKER = Ref("yot", "worker", "e-chat/wk-7f3c")


class Writing(FakeBackend):
    """An account with one worker, and one instance that has no log."""

    def __init__(self, count: int = 2500) -> None:
        super().__init__("yot")
        self.kinds = {**FakeBackend.kinds, "worker": Resource.INSTANCES}
        self.logs = self.log = WrittenLog(count)
        self.offered = frozenset({Action.SSH})
        self.entered = {"pod"}
        self.rows[Resource.INSTANCES] = [
            Instance(WORKER, "wk-7f3c", Phase.RUNNING, "RUNNING", container_id="x"),
            Instance(Ref("yot", "pod", "1"), "zeta", Phase.RUNNING, "RUNNING", container_id="y"),
        ]

    def actions(self, row: Row) -> frozenset[Action]:
        return self.offered if row.ref.kind in self.entered else frozenset()

    def write(self, count: int, text: str = "") -> None:
        start = len(self.log.lines)
        self.log.lines += [line(number, text) for number in range(start, start + count)]


async def opened(stage: Stage) -> None:
    await stage.press("l")
    await stage.until(lambda: stage.view.NAME == "logs" and "Asking" not in stage.text, "the log")
    await stage.settle()


def view(stage: Stage) -> LogView:
    return stage.view.query_one(LogView)
