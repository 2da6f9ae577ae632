from pathlib import Path

import pytest

from gputui.actions import ACTIONS
from gputui.cli.commands import COMMANDS
from gputui.cli.refs import accounts_for, find, resolve
from gputui.cli.session import Listing
from gputui.errors import ConfigError, ConflictError, NotFoundError, UnavailableError
from gputui.history.history import History, Snapshot
from gputui.models import Action, Instance, Phase, Ref, Resource
from gputui.presentation.refusals import only_text
from tests.fleet.fakes import START, FakeBackend, FakeClock, make_fleet, pod, running


def listing(*refs: str) -> Listing:
    parsed = [Ref.parse(ref) for ref in refs]
    return Listing(rows=[Instance(ref, ref.id, Phase.RUNNING, "running") for ref in parsed])


@pytest.mark.parametrize("text", ["lab/pod/main", "main", "pod/main", "lab/main"])
def test_a_full_name_is_found_in_every_form(text: str) -> None:
    (match,) = resolve([text], listing("lab/pod/main", "lab/pod/main2"))

    assert str(match.ref) == "lab/pod/main"
    assert match.whole


@pytest.mark.parametrize("text", ["trai", "train-a", "ain-a-7", "lab/pod/tr"])
def test_a_part_that_fits_one_thing_alone_is_enough(text: str) -> None:
    (match,) = resolve([text], listing("lab/pod/train-a-7", "lab/pod/main"))

    assert str(match.ref) == "lab/pod/train-a-7"
    assert not match.whole


def test_a_start_wins_over_a_part_in_the_middle() -> None:
    (match,) = resolve(["a"], listing("lab/pod/abc", "hub/pod/cba"))

    assert match.ref.id == "abc"


def test_the_same_name_in_two_accounts_is_ambiguous_and_both_are_named() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(["main"], listing("lab/pod/main", "hub/pod/main"))

    assert caught.value.problems == ("hub/pod/main", "lab/pod/main")
    assert caught.value.exit_code == 2


def test_an_ambiguous_name_is_refused_with_the_names_that_the_ids_lack() -> None:
    found = Listing(
        rows=[
            Instance(Ref("hub", "container", "911c"), "llama-b", Phase.STOPPED, "shutdown"),
            Instance(Ref("hub", "container", "5d0a"), "llama-a", Phase.RUNNING, "running"),
            Instance(Ref("lab", "pod", "llama"), "llama", Phase.RUNNING, "running"),
        ]
    )
    with pytest.raises(ConfigError) as caught:
        resolve(["llam"], found)

    assert caught.value.problems == (
        "hub/container/llama-a  running",
        "hub/container/llama-b  stopped (shutdown)",
        "lab/pod/llama",
    )
    for problem, row in zip(caught.value.problems, (found.rows[1], found.rows[0], found.rows[2]), strict=True):
        assert resolve([problem.split()[0]], found)[0].ref == row.ref, "each can be pasted"


def test_rows_of_one_name_and_kind_are_told_apart_by_their_ids() -> None:
    rows = [Instance(Ref("hub", "container", id_), "llama", Phase.RUNNING, "running") for id_ in ("911c", "5d0a")]
    queue = Instance(Ref("hub", "queue", "7"), "llama", Phase.RUNNING, "running")
    with pytest.raises(ConfigError) as caught:
        resolve(["hub/llama"], Listing(rows=[*rows, queue]))
    assert caught.value.problems == (
        "hub/container/5d0a  llama  running",
        "hub/container/911c  llama  running",
        "hub/queue/llama  running",
    )
    assert resolve(["hub/queue/llama"], Listing(rows=[*rows, queue]))[0].ref == queue.ref


def test_an_unknown_name_is_refused_with_similar_ones() -> None:
    with pytest.raises(NotFoundError) as caught:
        resolve(["mian"], listing("lab/pod/main", "lab/pod/other"))

    assert "lab/pod/main" in caught.value.hint


def with_silence(*refs: str, silent: str = "hub") -> Listing:
    found = listing(*refs)
    found.failures.append((silent, UnavailableError("no answer", hint="Start it.")))
    return found


def test_a_name_that_is_not_found_may_be_in_an_account_that_did_not_answer() -> None:
    with pytest.raises(UnavailableError, match=r"^'train' was not found, and hub could not be asked\.$"):
        resolve(["train"], with_silence("lab/pod/main"))


@pytest.mark.parametrize("text", ["main", "pod/main", "mai", "ab/main"])
def test_a_name_that_an_account_that_did_not_answer_may_have_too_is_not_certain(text: str) -> None:
    found = with_silence("lab/pod/main")

    (match,) = resolve([text], found)
    assert (match.ref.account, match.whole) == ("lab", False)
    with pytest.raises(UnavailableError, match=r"may be in hub too, .*\. Name it: lab/pod/main"):
        resolve([text], found, certain=True)
    assert str(found.failures[0][1]) == "no answer Start it."


@pytest.mark.parametrize("text", ["lab/pod/main", "lab/main"])
def test_a_name_with_an_account_that_answered_is_certain(text: str) -> None:
    (match,) = resolve([text], with_silence("lab/pod/main"), certain=True)

    assert match.whole


def test_an_account_that_answered_in_part_has_only_full_refs_for_certain() -> None:
    found = with_silence("lab/pod/main", silent="lab")

    assert resolve(["lab/pod/main"], found, certain=True)[0].whole
    with pytest.raises(UnavailableError):
        resolve(["lab/main"], found, certain=True)


def test_a_thing_named_in_part_and_whole_is_named_whole() -> None:
    assert [match.whole for match in resolve(["mai", "main"], listing("lab/pod/main"))] == [True]


def test_an_empty_name_means_nothing() -> None:
    with pytest.raises(NotFoundError):
        resolve([""], listing("lab/pod/main"))


def test_the_same_thing_named_twice_is_one() -> None:
    assert len(resolve(["main", "lab/main"], listing("lab/pod/main"))) == 1


def test_only_the_accounts_named_are_asked() -> None:
    assert accounts_for(["lab/main", "lab/pod/x"], ["hub", "lab"]) == ["lab"]
    assert accounts_for(["lab/main", "x"], ["hub", "lab"]) == ["hub", "lab"]
    assert accounts_for(["pod/x"], ["hub", "lab"]) == ["hub", "lab"]


async def test_a_thing_of_another_kind_is_named_with_what_is_possible() -> None:
    lab = FakeBackend("lab", (Resource.INSTANCES, Resource.DEPLOYMENTS))
    lab.rows[Resource.INSTANCES] = [pod("lab", "main")]
    async with running(FakeClock(), lab) as fleet:
        only = only_text(Action.SCALE, "deployments")
        with pytest.raises(ConflictError, match=r"^lab/main is a pod; only deployments can be scaled\.$"):
            await find(fleet, ["lab/main"], [Resource.DEPLOYMENTS], only=only)
        with pytest.raises(NotFoundError, match="No match for 'lab/mane'"):
            await find(fleet, ["lab/mane"], [Resource.DEPLOYMENTS], only=only)
        assert lab.calls[Resource.DEPLOYMENTS] == 1


async def test_a_login_to_an_instance_that_the_configuration_names_reads_no_list() -> None:
    backend = FakeBackend("lab")
    main = pod("lab", "main")

    async def named() -> list[Instance]:
        return [main]

    backend.named_instances = named
    backend.rows[Resource.INSTANCES] = [main]
    fleet = make_fleet(FakeClock(), backend, polls=False)
    await fleet.start()
    try:
        (match,), _ = await find(fleet, ["lab/pod/main", "lab/pod/main"], [Resource.INSTANCES], login=True)
        assert (match.row, match.whole) == (main, True)
        assert fleet.get(main.ref) == main
        assert not backend.calls[Resource.INSTANCES]
        # Another account may have one of this name.
        await find(fleet, ["main"], [Resource.INSTANCES], login=True)
        assert backend.calls[Resource.INSTANCES] == 1
    finally:
        await fleet.aclose()


async def test_the_rows_of_the_last_session_stay_where_no_list_is_read(tmp_path: Path) -> None:
    backend = FakeBackend("lab")
    unread, listed = pod("lab", "main", Phase.UNKNOWN), [pod("lab", "main"), pod("lab", "inner")]

    async def named() -> list[Instance]:
        return [unread]

    backend.named_instances = named
    history = History(tmp_path / "history.db")
    history.record(snapshots=[Snapshot("lab", Resource.INSTANCES, START, listed)])
    fleet = make_fleet(FakeClock(), backend, polls=False, history=history)
    await fleet.start()
    ((match,), _) = await find(fleet, ["lab/pod/main"], [Resource.INSTANCES], login=True)
    assert match.row == unread
    await fleet.aclose()
    assert [snapshot.rows for snapshot in history.snapshots()] == [listed]
    history.close()


def test_every_action_of_a_command_on_rows_says_what_it_applies_to() -> None:
    on_no_row = {Action.CREATE, Action.CHANGE_PASSWORD}
    actions = {action for action in Action if action.value in COMMANDS}
    assert actions > on_no_row

    assert [action for action in actions - on_no_row if not (ACTIONS[action].passive or ACTIONS[action].done)] == []
