"""Who logs into instances whose back end does not report it, and creates that are no longer awaited."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from gputui.errors import UnknownOutcomeError
from gputui.history.history import History
from gputui.models import Action, ActionResult, Image, Outcome, Ref, Resource, Row, Secret, SSHLogin, SSHTarget
from tests.fleet.fakes import FakeBackend, FakeClock, pod, running

MINE = Ref("dock", "container", "mine")
GIVEN = {"name": "mine", "user_name": "alice", "password": "correct horse"}


class Dock(FakeBackend):
    """A back end that never reports who logs in, and deletes what runs by force alone."""

    creatable = ("container", "image")

    def __init__(self) -> None:
        super().__init__("dock", [Resource.INSTANCES, Resource.IMAGES])
        self.generation = "1bb0e524d7f0"
        self.forced: list[Ref] = []

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        return SSHTarget("127.0.0.1", 22000, "", generation=self.generation)

    def login_of(self, kind: str, values: Mapping[str, str]) -> tuple[str, Secret | None] | None:
        return (values["user_name"], Secret(values["password"])) if kind == "container" else None

    async def create(self, kind: str, values: Mapping[str, str]) -> ActionResult:
        return replace(await super().create(kind, values), generation=self.generation)

    def options(self, row: Row, action: Action) -> frozenset[str]:
        forced = action is Action.DELETE
        return frozenset({"force"} if forced else ())

    async def delete(self, ref: Ref, *, force: bool = False) -> ActionResult:
        if not force:
            return await super().delete(ref)
        self.forced.append(ref)
        return ActionResult("deleted")


@pytest.fixture
def dock() -> Dock:
    return Dock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite3"


@pytest.fixture(params=["keyring", "chain", "file", "files", "none"])
def keyring(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[tuple[str, str], str]]:
    """The keyring of the system, alone or together with one that is a file; such a file, two of them, or nothing."""
    kept: dict[tuple[str, str], str] = {}

    class File:
        priority = 0.5

        def set_password(self, service: str, name: str, secret: str) -> None:
            pytest.fail("a secret was written to a file")

        def get_password(self, service: str, name: str) -> str | None:
            return None

        delete_password = get_password

    class Keyring(File):
        priority = 5

        def set_password(self, service: str, name: str, secret: str) -> None:
            kept[service, name] = secret

        def get_password(self, service: str, name: str) -> str | None:
            return kept.get((service, name))

        def delete_password(self, service: str, name: str) -> None:
            del kept[service, name]

    class Chain(File):
        """Several at once, with a priority of its own, as the keyring package makes it."""

        priority = 10
        backends = (Keyring(), File()) if request.param == "chain" else (File(), File())

    which = {"keyring": Keyring, "chain": Chain, "file": File, "files": Chain}.get(request.param)
    module = which and SimpleNamespace(get_keyring=which)
    monkeypatch.setitem(sys.modules, "keyring", module)
    yield kept
    if request.param not in ("keyring", "chain"):
        assert not kept


async def test_the_login_of_a_create_is_remembered(
    clock: FakeClock, dock: Dock, path: Path, keyring: dict[tuple[str, str], str]
) -> None:
    history = History(path)
    async with running(clock, dock, history=history) as fleet:
        result = await fleet.create(fleet.creator("dock", "container").prepare(GIVEN))
        assert "alice logs in with the password you gave" in result.message
        target = await fleet.ssh_target(MINE)
        assert (target.user, target.password, target.remembered) == ("alice", Secret("correct horse"), True)
    assert b"correct horse" not in b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))
    async with running(clock, dock, history=History(path)) as fleet:
        target = await fleet.ssh_target(MINE)
    expected = Secret("correct horse") if keyring else None
    assert (target.user, target.password) == ("alice", expected)
    assert ("in the keyring" in result.message) == bool(keyring)
    if not keyring:
        assert "note it" in result.to_note


async def test_another_instance_of_the_same_name_gets_neither_user_nor_password(
    clock: FakeClock, dock: Dock, path: Path, keyring: dict[tuple[str, str], str]
) -> None:
    async with running(clock, dock, history=History(path)) as fleet:
        await fleet.create(fleet.creator("dock", "container").prepare(GIVEN))
        dock.generation = "e61c9453638e"
        target = await fleet.ssh_target(MINE)
        assert (target.user, target.password) == ("", None)


async def test_a_deleted_instance_is_forgotten(
    clock: FakeClock, dock: Dock, path: Path, keyring: dict[tuple[str, str], str]
) -> None:
    async with running(clock, dock, history=History(path)) as fleet:
        await fleet.create(fleet.creator("dock", "container").prepare(GIVEN))
        await clock.advance(1)
        await fleet.act(MINE, Action.DELETE)
        assert (await fleet.ssh_target(MINE)).user == ""
    assert not keyring
    assert History(path).login_of(MINE, dock.generation) == ""


async def test_the_password_of_one_that_was_deleted_elsewhere_goes_when_its_name_is_used_again(
    clock: FakeClock, dock: Dock, path: Path, keyring: dict[tuple[str, str], str]
) -> None:
    async with running(clock, dock, history=History(path)) as fleet:
        await fleet.create(fleet.creator("dock", "container").prepare(GIVEN))
        dock.generation = "e61c9453638e"
        await clock.advance(1)
        await fleet.create(fleet.creator("dock", "container").prepare(GIVEN | {"password": "battery staple"}))
    assert set(keyring.values()) <= {"battery staple"}


def test_the_user_of_an_instance_comes_before_the_user_of_the_account() -> None:
    account = SSHLogin(user="root", password=Secret("everywhere"))
    reported = SSHTarget("h", 22, "ubuntu", Secret("here"))
    assert (account.user_of(reported), account.password_of(reported)) == ("root", Secret("everywhere"))
    made = replace(reported, user="alice", remembered=True)
    assert (account.user_of(made), account.password_of(made)) == ("alice", Secret("here"))
    assert account.password_of(replace(made, password=None)) == Secret("everywhere")


async def test_who_has_logged_in_once_is_not_asked_again(clock: FakeClock, dock: Dock, path: Path) -> None:
    async with running(clock, dock, history=History(path)) as fleet:
        assert (await fleet.ssh_target(MINE)).user == ""
        await fleet.logins.remember(MINE, dock.generation, "bob")
        assert (await fleet.ssh_target(MINE)).user == "bob"
    async with running(clock, dock, history=History(path)) as fleet:
        assert (await fleet.ssh_target(MINE)).user == "bob"


async def test_what_is_not_kept_anywhere_stays_out_of_the_keyring(
    clock: FakeClock, dock: Dock, keyring: dict[tuple[str, str], str]
) -> None:
    async with running(clock, dock, history=History(None)) as fleet:
        await fleet.create(fleet.creator("dock", "container").prepare(GIVEN))
    assert not keyring


async def test_force_is_used_only_where_it_is_asked_for(clock: FakeClock, dock: Dock) -> None:
    dock.rows[Resource.INSTANCES] = [pod("dock", "main")]
    async with running(clock, dock) as fleet:
        (row,) = fleet.rows(Resource.INSTANCES).values()
        assert fleet.options(row, Action.DELETE)
        await fleet.act(row.ref, Action.DELETE, expected=row)
        assert (dock.forced, dock.calls[Action.DELETE]) == ([], 1)
        await clock.advance(1)
        await fleet.act(row.ref, Action.DELETE, arguments={"force": "true"}, expected=row)
        assert (dock.forced, dock.calls[Action.DELETE]) == ([row.ref], 1)


CUDA = Ref("dock", "image", "cuda:12")


async def test_an_abandoned_pull_is_looked_for_and_reported_as_unknown(
    clock: FakeClock, dock: Dock, path: Path
) -> None:
    history = History(path)
    async with running(clock, dock, history=history) as fleet:
        dock.hold(Action.CREATE)
        pull = asyncio.ensure_future(fleet.create(fleet.creator("dock", "image").prepare({"name": "cuda:12"})))
        async with asyncio.timeout(10):
            await dock.sent.wait()
        assert set(fleet.mutations.creating()) == {CUDA}
        asked = dock.calls[Resource.IMAGES]
        assert fleet.mutations.give_up(CUDA)
        async with asyncio.timeout(10):
            with pytest.raises(UnknownOutcomeError, match="is not in the list"):
                await pull
        assert dock.calls[Resource.IMAGES] > asked
        assert (fleet.mutations.creating(), fleet.mutations.give_up(CUDA)) == ({}, False)
    (entry,) = history.audit_log.entries()
    assert entry.outcome is Outcome.UNKNOWN


async def test_a_pull_of_an_image_from_before_is_not_reported_as_done(
    clock: FakeClock, dock: Dock, path: Path
) -> None:
    dock.rows[Resource.IMAGES] = [Image(CUDA, "cuda", "12")]
    dock.errors[Action.CREATE] = UnknownOutcomeError("The connection broke.", hint="Look.")
    history = History(path)
    async with running(clock, dock, history=history) as fleet:
        with pytest.raises(UnknownOutcomeError):
            await fleet.create(fleet.creator("dock", "image").prepare({"name": "cuda:12"}))
    assert history.audit_log.entries()[0].outcome is Outcome.UNKNOWN


async def test_a_pull_that_was_done_when_it_was_given_up_counts(clock: FakeClock, dock: Dock, path: Path) -> None:
    history = History(path)
    async with running(clock, dock, history=history) as fleet:
        dock.hold(Action.CREATE)
        pull = asyncio.ensure_future(fleet.create(fleet.creator("dock", "image").prepare({"name": "cuda:12"})))
        async with asyncio.timeout(10):
            await dock.sent.wait()
        dock.rows[Resource.IMAGES] = [Image(CUDA, "cuda", "12")]
        fleet.mutations.give_up(CUDA)
        async with asyncio.timeout(10):
            assert (await pull).created == CUDA
    assert history.audit_log.entries()[0].outcome is Outcome.DONE


async def test_the_login_of_a_create_whose_outcome_was_unknown_is_that_of_what_appears(
    clock: FakeClock, dock: Dock, path: Path
) -> None:
    dock.errors[Action.CREATE] = UnknownOutcomeError("dock: the connection broke.")
    async with running(clock, dock, history=History(path)) as fleet:
        with pytest.raises(UnknownOutcomeError):
            await fleet.create(fleet.creator("dock", "container").prepare(GIVEN))
        target = await fleet.ssh_target(MINE)
        assert (target.user, target.password) == ("alice", Secret("correct horse"))
    assert History(path).login_of(MINE, dock.generation) == "alice"


async def test_what_was_there_before_an_unknown_create_keeps_its_own_login(clock: FakeClock, dock: Dock) -> None:
    dock.rows[Resource.INSTANCES] = [replace(pod("dock", "mine"), ref=MINE)]
    dock.errors[Action.CREATE] = UnknownOutcomeError("dock: the connection broke.")
    async with running(clock, dock) as fleet:
        with pytest.raises(UnknownOutcomeError):
            await fleet.create(fleet.creator("dock", "container").prepare(GIVEN))
        assert (await fleet.ssh_target(MINE)).user == ""


async def test_a_keyring_that_never_answers_delays_nothing(
    clock: FakeClock, dock: Dock, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    monkeypatch.setattr("gputui.fleet.logins._TIMEOUT", 0.05)
    monkeypatch.setattr("gputui.config.secrets.keep_in_keyring", lambda name, secret: never.wait(30))
    async with running(clock, dock, history=History(path)) as fleet:
        result = await fleet.create(fleet.creator("dock", "container").prepare(GIVEN))
        assert "note it" in result.to_note
        assert (await fleet.ssh_target(MINE)).user == "alice"
    never.set()
