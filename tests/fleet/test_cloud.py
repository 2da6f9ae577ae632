"""Clouds in the fleet: reported events, filters on the server, replicas, blocks, creates named by the server."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from gputui.api.capabilities import Lister
from gputui.errors import AccountDeniedError, InvalidError, NotFoundError, UnavailableError, UnknownOutcomeError
from gputui.fleet import Fleet, rows
from gputui.history.history import History
from gputui.models import (
    Action,
    ActionResult,
    Change,
    Deployment,
    Event,
    EventSource,
    FieldKind,
    Form,
    FormField,
    Instance,
    Outcome,
    Phase,
    PreparedRequest,
    Ref,
    Resource,
    Row,
)
from tests.fleet.fakes import START, FakeBackend, FakeClock, FakeFilters, make_fleet, pod, running, settle

INSTANCES, EVENTS, DEPLOYMENTS = Resource.INSTANCES, Resource.EVENTS, Resource.DEPLOYMENTS
TRAIN = Deployment(Ref("hub", "deployment", "d1"), "train", "ReplicaSet", Phase.RUNNING, "running", desired=1)
FIRST = Instance(
    Ref("hub", "container", "d1-m1-a"), "train-a", Phase.RUNNING, "running", parent=TRAIN.ref, container_id="d1-m1-a"
)
LOST = UnknownOutcomeError("hub: the answer never came.")


class Hub(FakeBackend):
    """A cloud: what it was told to do is in ``told``, what a create makes in ``made``."""

    creatable = ("deployment",)
    previews = finds = True

    def __init__(self, account: str = "hub") -> None:
        super().__init__(account, [INSTANCES, DEPLOYMENTS, EVENTS, Resource.BLACKLIST])
        self.rows[INSTANCES] = [FIRST]
        self.rows[DEPLOYMENTS] = [TRAIN]
        self.offered = frozenset({Action.STOP, Action.SCALE, Action.BLOCK, Action.DELETE})
        self.told: list[object] = []
        self.there: list[Ref] = []
        self.made: list[Ref] = []
        self.asked_for: dict[Resource, Mapping[str, str]] = {}
        self.forgot = 0
        self.filters = FakeFilters(account, self.filter_form, self.use_filter, self.check_filter)
        self.operations |= {Action.SCALE: self.scale, Action.BLOCK: self.block}

    async def events_of(self, ref: Ref) -> Sequence[Event]:
        return [happened("a", "running", 1)]

    def filter_form(self, resource: Resource) -> Form | None:
        field = FormField("status", "Status", FieldKind.TEXT, required=False)
        return Form("hub", resource.value, "Filter", (field,)) if resource is INSTANCES else None

    def check_filter(self, resource: Resource, values: Mapping[str, str]) -> dict[str, str]:
        wrong = {name: "is not known" for name in values if name not in ("status", "region")}
        return wrong | ({"region": "is not mine"} if values.get("region", self.account) != self.account else {})

    def use_filter(self, resource: Resource, values: Mapping[str, str]) -> None:
        self.asked_for[resource] = values

    def forget(self) -> None:
        self.forgot += 1

    def prepare_create(self, kind: str, values: Mapping[str, str]) -> PreparedRequest:
        return PreparedRequest("POST", "http://127.0.0.1/deployment", "{}")

    def created_ref(self, kind: str, values: Mapping[str, str]) -> Ref:
        return Ref("hub", kind, values["name"])

    async def find_created(self, kind: str, values: Mapping[str, str]) -> Collection[Ref]:
        await self._enter("find")
        return [*self.there, *(self.made if self.calls[Action.CREATE] else [])]

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        await self._do(Action.CREATE, "created")
        return ActionResult("created", created=Ref("hub", kind, "d9"))

    def options(self, row: Row, action: Action) -> frozenset[str]:
        stops = action is Action.STOP and isinstance(row, Instance)
        return frozenset({"decrease_replicas", "no_cache", "command"} if stops else ())

    async def stop(
        self, ref: Ref, *, decrease_replicas: bool = False, no_cache: bool = False, command: str = ""
    ) -> ActionResult:
        if any(options := (decrease_replicas, no_cache, command)):
            self.told.append((ref, options))
        return await self._do(Action.STOP, "stopped")

    async def scale(self, ref: Ref, replicas: int) -> ActionResult:
        self.told.append((ref, replicas))
        return await self._do(Action.SCALE, "scaled")

    async def block(self, ref: Ref, *, minutes: int, comment: str = "") -> ActionResult:
        self.told.append((ref, minutes, comment))
        return await self._do(Action.BLOCK, "kept out")


def happened(name: str, status: str, second: int) -> Event:
    instance = Ref("hub", "container", f"d1-m1-{name}")
    return Event(
        Ref("hub", "event", f"{name}-{status}-{second}"),
        instance,
        f"train-{name}",
        START + timedelta(seconds=second),
        status,
        Phase.RUNNING,
        source=EventSource.REPORTED,
        parent=TRAIN.ref,
    )


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def history() -> History:
    return History(None)


def statuses(fleet: Fleet) -> list[str]:
    return [event.status for event in fleet.rows(EVENTS).values() if isinstance(event, Event)]


# --- events -----------------------------------------------------------------------------------------------------


async def test_reported_events_are_added_as_they_come_and_a_repeated_one_is_one(clock: FakeClock, hub: Hub) -> None:
    hub.rows[EVENTS] = [happened("a", "starting", 2), happened("a", "created", 1)]
    async with running(clock, hub, watch=[EVENTS]) as fleet:
        assert statuses(fleet) == ["created", "starting"]
        hub.rows[EVENTS] = [happened("a", "starting", 2), happened("a", "running", 3)]
        await clock.advance(2)
        assert statuses(fleet) == ["created", "starting", "running"]
        hub.rows[EVENTS] = []
        await clock.advance(2)
        assert statuses(fleet) == ["created", "starting", "running"]


async def test_what_came_late_corrects_its_successor(clock: FakeClock, hub: Hub) -> None:
    hub.rows[EVENTS] = [happened("a", "running", 9)]
    changes: list[Change] = []
    async with running(clock, hub, watch=[EVENTS]) as fleet:
        fleet.subscribe(EVENTS, changes.append)
        late = happened("a", "starting", 4)
        corrected = replace(happened("a", "running", 9), before="starting", after_seconds=5.0)
        hub.rows[EVENTS] = [late, corrected]
        await clock.advance(2)
        assert fleet.get(corrected.ref) == corrected
    assert changes == [Change((late,), (corrected,))]


async def test_a_vendor_that_reports_events_is_not_observed_as_well(clock: FakeClock, hub: Hub) -> None:
    lab = FakeBackend("lab")
    lab.rows[INSTANCES] = [pod("lab", "main")]
    async with running(clock, hub, lab, watch=[EVENTS]) as fleet:
        hub.rows[INSTANCES] = []
        lab.rows[INSTANCES] = [pod("lab", "main", "exited")]
        await clock.advance(40)
        assert {event.ref.account for event in fleet.rows(EVENTS).values()} == {"lab"}


async def test_no_more_events_are_kept_than_fit(clock: FakeClock, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_EVENTS_IN_MEMORY", 3)
    hub.rows[EVENTS] = [happened("a", f"s{second}", second) for second in (5, 1, 4, 2, 3)]
    async with running(clock, hub, watch=[EVENTS]) as fleet:
        assert statuses(fleet) == ["s3", "s4", "s5"]


async def test_events_of_one_thing_are_asked_of_who_reports_and_picked_from_the_observed(
    clock: FakeClock, hub: Hub
) -> None:
    lab = FakeBackend("lab")
    lab.rows[INSTANCES] = [pod("lab", "main"), pod("lab", "other")]
    async with running(clock, hub, lab, watch=[EVENTS]) as fleet:
        assert [event.status for event in await fleet.events_of(TRAIN.ref)] == ["running"]
        lab.rows[INSTANCES] = [pod("lab", "main", "exited")]
        await clock.advance(40)
        assert [event.status for event in await fleet.events_of(Ref("lab", "pod", "main"))] == ["exited"]


# --- what the servers are asked for -----------------------------------------------------------------------------


async def test_a_filter_is_used_where_there_is_one_and_asked_for_at_once(clock: FakeClock, hub: Hub) -> None:
    lab = FakeBackend("lab")
    async with running(clock, hub, lab) as fleet:
        assert fleet.filter_form("lab", INSTANCES) is None
        assert fleet.filter_form("hub", DEPLOYMENTS) is None
        before = hub.calls[INSTANCES]
        fleet.set_filter(INSTANCES, {"status": "running", "other": ""})
        await settle()
        assert hub.asked_for == {INSTANCES: {"status": "running"}}
        assert fleet.filters(INSTANCES) == {"status": "running"}
        assert hub.calls[INSTANCES] == before + 1


async def test_a_fleet_that_does_not_poll_requests_no_list_by_itself(clock: FakeClock, hub: Hub) -> None:
    fleet = make_fleet(clock, hub, polls=False)
    await fleet.start()
    try:
        fleet.set_filter(INSTANCES, {"status": "running"})
        with pytest.raises(NotFoundError):
            await fleet.detail(Ref("hub", "container", "gone"))
        await settle()
        assert hub.asked_for == {INSTANCES: {"status": "running"}}
        assert (hub.calls[INSTANCES], hub.forgot) == (0, 0)
        await fleet.read([INSTANCES])
        assert hub.calls[INSTANCES] == 1
    finally:
        await fleet.aclose()


async def test_the_refusals_of_a_filter_are_by_account(clock: FakeClock, hub: Hub) -> None:
    other = Hub("other")
    async with running(clock, hub, other) as fleet:
        refusals = fleet.filter_refusals(INSTANCES, {"region": "hub"})
        assert {account: error.fields for account, error in refusals.items()} == {"other": {"region": "is not mine"}}
        assert (hub.asked_for, fleet.filters(INSTANCES)) == ({}, {})


async def test_a_wrong_filter_changes_nothing(clock: FakeClock, hub: Hub) -> None:
    async with running(clock, hub) as fleet:
        with pytest.raises(InvalidError) as caught:
            fleet.set_filter(INSTANCES, {"colour": "blue"})
        assert caught.value.fields == {"colour": "is not known"}
        assert (hub.asked_for, fleet.filters(INSTANCES)) == ({}, {})


async def test_an_account_that_can_have_nothing_of_it_is_left_out(clock: FakeClock, hub: Hub) -> None:
    other = Hub("other")
    other.rows[INSTANCES] = [replace(FIRST, ref=Ref("other", "container", "x"))]
    async with running(clock, hub, other) as fleet:
        fleet.set_filter(INSTANCES, {"region": "hub"})
        assert {ref.account for ref in fleet.rows(INSTANCES)} == {"hub"}
        await settle()
        asked = other.calls[INSTANCES]
        await clock.advance(60)
        assert {ref.account for ref in fleet.rows(INSTANCES)} == {"hub"}
        assert other.calls[INSTANCES] == asked
        fleet.set_filter(INSTANCES, {})
        await settle()
        assert {ref.account for ref in fleet.rows(INSTANCES)} == {"hub", "other"}
        with pytest.raises(InvalidError):
            fleet.set_filter(INSTANCES, {"region": "nobody's"})


async def test_a_filtered_list_is_not_what_the_next_session_begins_with(
    clock: FakeClock, hub: Hub, history: History
) -> None:
    async with running(clock, hub, history=history) as fleet:
        fleet.set_filter(INSTANCES, {"status": "stopped"})
        hub.rows[INSTANCES] = [replace(FIRST, status="odd")]
        await clock.advance(60)
    kept = {snapshot.resource: snapshot.rows for snapshot in history.snapshots()}
    assert kept.get(INSTANCES, [FIRST]) == [FIRST]


async def test_who_asks_to_refresh_gets_nothing_from_memory(clock: FakeClock, hub: Hub) -> None:
    async with running(clock, hub) as fleet:
        fleet.refresh()
        assert hub.forgot == 1


async def test_what_is_kept_watched_is_polled_at_its_pace_in_any_view(clock: FakeClock, hub: Hub) -> None:
    async with running(clock, hub, watch=[INSTANCES]) as fleet:
        assert hub.calls[Resource.BLACKLIST] == 0
        fleet.keep_watching({Resource.BLACKLIST})
        await clock.advance(11)
        assert hub.calls[Resource.BLACKLIST] == 3
        fleet.keep_watching(())
        await clock.advance(20)
        assert hub.calls[Resource.BLACKLIST] == 3


# --- actions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ref", "action", "arguments", "told"),
    [
        (TRAIN.ref, Action.SCALE, {"replicas": "3"}, (TRAIN.ref, 3)),
        (FIRST.ref, Action.BLOCK, {"minutes": "90", "comment": "slow"}, (FIRST.ref, 90, "slow")),
        (
            FIRST.ref,
            Action.STOP,
            {"decrease_replicas": "true", "command": "sync"},
            (FIRST.ref, (True, False, "sync")),
        ),
    ],
)
async def test_an_action_carries_its_arguments(
    clock: FakeClock, hub: Hub, ref: Ref, action: Action, arguments: dict[str, str], told: object
) -> None:
    async with running(clock, hub) as fleet:
        await fleet.act(ref, action, arguments=arguments)
    assert hub.told == [told]


@pytest.mark.parametrize("replicas", ["", "0", "-1", "three", "1.5", "٣"])
async def test_a_number_that_is_none_is_refused_before_anything_is_sent(
    clock: FakeClock, hub: Hub, history: History, replicas: str
) -> None:
    async with running(clock, hub, history=history) as fleet:
        with pytest.raises(InvalidError) as caught:
            await fleet.act(TRAIN.ref, Action.SCALE, arguments={"replicas": replicas})
    assert "replicas" in caught.value.fields
    assert (hub.told, history.audit()) == ([], [])


async def test_options_of_a_stop_are_refused_where_there_are_none(clock: FakeClock) -> None:
    lab = FakeBackend("lab")
    lab.rows[INSTANCES] = [pod("lab", "main")]
    async with running(clock, lab) as fleet:
        with pytest.raises(InvalidError):
            await fleet.act(Ref("lab", "pod", "main"), Action.STOP, arguments={"no_cache": "true"})
    assert lab.calls[Action.STOP] == 0


async def test_scaling_asks_again_for_the_deployments_and_their_instances(clock: FakeClock, hub: Hub) -> None:
    async with running(clock, hub, watch=[DEPLOYMENTS]) as fleet:
        before = dict(hub.calls)
        await fleet.act(TRAIN.ref, Action.SCALE, arguments={"replicas": "2"})
        await settle()
        assert hub.calls[DEPLOYMENTS] == before[DEPLOYMENTS] + 1
        assert hub.calls[INSTANCES] == before[INSTANCES] + 1


# --- creating -----------------------------------------------------------------------------------------------------


async def test_a_dry_run_is_shown_and_nothing_is_sent(clock: FakeClock, hub: Hub) -> None:
    async with running(clock, hub, FakeBackend("lab")) as fleet:
        assert (hub.creators["deployment"].previews, fleet.creator("lab", "pod").previews) == (True, False)
        request = fleet.creator("hub", "deployment").prepare({"name": "new"}).request
        assert request is not None
        assert request().method == "POST"
    assert hub.calls[Action.CREATE] == 0


async def create(fleet: Fleet, clock: FakeClock) -> ActionResult:
    task = asyncio.ensure_future(fleet.create(fleet.creator("hub", "deployment").prepare({"name": "new"})))
    while not task.done():
        await asyncio.sleep(0.005)  # the audit log is written by a thread
        await clock.advance(1)
    return task.result()


async def test_an_unanswered_create_is_found_again_by_name(clock: FakeClock, hub: Hub, history: History) -> None:
    hub.errors[Action.CREATE] = LOST
    hub.there, hub.made = [Ref("hub", "deployment", "older")], [Ref("hub", "deployment", "d9")]
    async with running(clock, hub, history=history) as fleet:
        result = await create(fleet, clock)
    assert result.created == Ref("hub", "deployment", "d9")
    assert hub.calls[Action.CREATE] == 1
    assert history.audit()[0].outcome is Outcome.DONE


@pytest.mark.parametrize("made", [[], ["d8", "d9"]], ids=["nothing", "two"])
async def test_an_unclear_outcome_stays_unknown_and_is_not_sent_again(
    clock: FakeClock, hub: Hub, made: list[str]
) -> None:
    hub.errors[Action.CREATE] = LOST
    hub.made = [Ref("hub", "deployment", name) for name in made]
    async with running(clock, hub) as fleet:
        with pytest.raises(UnknownOutcomeError, match="new is not in the list"):
            await create(fleet, clock)
    assert hub.calls[Action.CREATE] == 1


async def test_a_create_is_not_sent_when_what_is_there_cannot_be_read(
    clock: FakeClock, hub: Hub, history: History
) -> None:
    hub.errors["find"] = UnavailableError("hub: no answer.")
    async with running(clock, hub, history=history) as fleet:
        with pytest.raises(UnavailableError):
            await create(fleet, clock)
    assert (hub.calls[Action.CREATE], history.audit()) == (0, [])


async def test_a_look_that_fails_is_followed_by_another(clock: FakeClock, hub: Hub) -> None:
    hub.errors[Action.CREATE] = LOST
    hub.made = [Ref("hub", "deployment", "d9")]
    find = hub.find_created
    looks = 0

    async def stumble(kind: str, values: Mapping[str, str]) -> Collection[Ref]:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise UnavailableError("hub: no answer.")
        return await find(kind, values)

    hub.find_created = stumble  # type: ignore[method-assign]  # one answer in between fails
    async with running(clock, hub) as fleet:
        assert (await create(fleet, clock)).created == Ref("hub", "deployment", "d9")
    assert looks == 3


async def test_things_are_at_home_where_their_back_end_says(clock: FakeClock, hub: Hub) -> None:
    async with running(clock, hub) as fleet:
        assert fleet.resource_of(Ref("hub", "deployment", "not there yet")) is DEPLOYMENTS
        assert fleet.resource_of(FIRST.ref) is INSTANCES


class Denied(Hub):
    """A cloud whose account may not use deployments."""

    def __init__(self) -> None:
        super().__init__()
        self.denied: AccountDeniedError | None = None
        self.asked = 0

    @property
    def listers(self) -> Mapping[Resource, Lister]:  # type: ignore[override]  # as in FakeBackend
        return dict.fromkeys((INSTANCES, DEPLOYMENTS, EVENTS, Resource.BLACKLIST), self.refuse)

    async def refuse(self) -> Sequence[Row]:
        self.asked += 1
        self.denied = AccountDeniedError("hub: deployments need a company-verified account.")
        raise self.denied

    def denial(self, resource: Resource) -> AccountDeniedError | None:
        return self.denied

    def forget(self) -> None:
        self.denied = None


async def test_what_an_account_may_not_use_is_neither_polled_nor_offered(clock: FakeClock) -> None:
    hub = Denied()
    async with running(clock, hub) as fleet:
        fleet.watch([INSTANCES, DEPLOYMENTS])
        await settle()
        asked = hub.asked
        assert asked
        await clock.advance(600)
        assert hub.asked == asked
        assert fleet.runtime("hub").denial(DEPLOYMENTS) is hub.denied is not None
        assert not fleet.supports("hub", DEPLOYMENTS)
        assert fleet.creatable("hub") == ()
        fleet.refresh([DEPLOYMENTS])
        await settle()
        assert hub.asked > asked, "it is asked again when somebody wants to know"


async def test_rows_of_an_earlier_session_go_when_the_account_may_not_list_them(clock: FakeClock) -> None:
    hub = Denied()
    async with running(clock, hub) as fleet:
        fleet.take(fleet.runtime("hub"), DEPLOYMENTS, [FIRST])
        assert FIRST.ref in fleet.rows(DEPLOYMENTS)
        fleet.watch([DEPLOYMENTS])
        fleet.refresh([DEPLOYMENTS])
        await settle()
        assert fleet.runtime("hub").denial(DEPLOYMENTS) is not None
        assert not fleet.rows(DEPLOYMENTS)
        assert not fleet.rows(EVENTS), "that they may not be listed is no event of theirs"
