"""A watch that notifies and creates nothing."""

from dataclasses import replace

from gputui.models import Ref
from gputui.models.rules import Watch
from gputui.rules.effects import (
    Append,
    Idle,
    Notice,
    Wait,
)
from gputui.rules.journal import EntryKind
from gputui.rules.watcher import Watcher
from tests.rules.driving import AT, Around


def test_a_watch_notifies_each_time_enough_becomes_idle() -> None:
    ref = Ref("hub", "offer", "sgp1/RTX 4090")
    around = Around(Watch("g7k2", "/c.toml", "me", AT))
    steps = Watcher((), around).run()
    around.offers = (Idle(ref, True, "4 RTX 4090 are idle."),)
    effect = next(steps)
    assert isinstance(effect, Notice)
    assert isinstance(steps.send(None), Append)
    assert isinstance(steps.send(None), Wait)
    around.later(10)
    assert isinstance(steps.send(None), Wait)  # they still are
    around.offers = (Idle(ref, False),)
    assert isinstance(steps.send(None), Wait)
    around.later(400)
    around.offers = (Idle(ref, True, "5 RTX 4090 are idle."),)
    assert isinstance(steps.send(None), Notice)


def test_a_watch_that_notifies_once_is_done_then() -> None:
    around = Around(replace(Watch("g7k2", "/c.toml", "me", AT), once=True))
    around.offers = (Idle(Ref("hub", "offer", "o"), True, "4 RTX 4090 are idle."),)
    entries = [one.entry for one in Watcher((), around).run() if isinstance(one, Append)]
    assert [one.kind for one in entries] == [EntryKind.IDLE, EntryKind.OVER]
    assert list(Watcher(entries, around).run()) == []
