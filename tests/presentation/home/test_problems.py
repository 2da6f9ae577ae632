"""Problems in the home view: the worst first, several of a deployment in one line, nothing unknown shown as fine."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gputui.analytics.starts import Start
from gputui.errors import AuthError, UnavailableError
from gputui.models import Deployment, GpuDevice, Health, HealthState, Instance, Machine, Phase, Ref
from gputui.presentation.home.lines import HomeSection
from gputui.presentation.home.problems import AccountState, Troubles, problems

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TRAIN = Ref("hub", "deployment", "train")


def found(**more: Any) -> HomeSection:
    given: dict[str, Any] = {
        "starts": {},
        "since": {},
        "is_stale": lambda ref: False,
        "bills": lambda name: True,
    } | more
    return problems(Troubles(**given), NOW)


def texts(section: HomeSection) -> list[str]:
    return [f"{line.glyph} {line.name}: {line.text}" for line in section.lines]


def row(name: str, phase: Phase, **more: Any) -> Instance:
    return Instance(Ref("hub", "container", name), name, phase, more.pop("status", phase.value), **more)


def health(account: str, state: HealthState, message: str = "") -> Health:
    return Health(account, state, message, since=NOW - timedelta(minutes=2))


def test_the_worst_comes_first_and_what_is_fine_not_at_all() -> None:
    lost = Machine(reachable=True, gpus_lost=1)
    away = Machine(reachable=False)
    section = found(
        accounts=[
            AccountState(health("dock", HealthState.DOWN, "not signed in"), AuthError("dock: wrong password.")),
            AccountState(health("hub", HealthState.OK)),
            AccountState(health("yotta", HealthState.SLOW)),
        ],
        instances=[
            row("fine", Phase.RUNNING),
            row("off", Phase.STOPPED),
            row("partly", Phase.RUNNING, problem="ports were not read"),
            row("what", Phase.UNKNOWN),
            row("soon", Phase.STOPPED, release_at=NOW + timedelta(hours=3)),
            row("later", Phase.STOPPED, release_at=NOW + timedelta(days=8)),
            row("oom", Phase.FAILED, status="OOMKilled", updated_at=NOW - timedelta(hours=1)),
            row("gpu02", Phase.RUNNING, machine=lost, gpu_count=4),
            row("gpu03", Phase.UNKNOWN, machine=away, problem="No route to host."),
        ],
    )
    assert texts(section) == [
        "✗ dock: not signed in: wrong password.",
        "✗ oom: failed (oomkilled)",
        "✗ gpu02: 1 of 4 GPUs lost",
        "? gpu03: unreachable: No route to host.",
        "○ soon: deleted by the vendor in 3h 00m, unless it is started",
        "? what: state unknown",
        "? partly: ports were not read",
    ]
    assert [line.time for line in section.lines[:2]] == ["2m", "1h"]
    error = UnavailableError("lab: no answer from the server behind 10.0.0.5 (HTTP 502).")
    silent = AccountState(health("lab", HealthState.DOWN, "no answer"), error)
    assert texts(found(accounts=[silent])) == ["✗ lab: no answer from the server behind 10.0.0.5 (HTTP 502)."]


def test_several_instances_of_a_deployment_with_the_same_problem_are_one_line_that_opens_them() -> None:
    failed = [
        row(f"w-{number}", Phase.FAILED, parent=TRAIN, host=f"h{number % 2}", updated_at=NOW) for number in range(5)
    ]
    train = Deployment(TRAIN, "train", "ReplicaSet", Phase.RUNNING, "running", desired=5, running=5, starting=0)
    section = found(instances=[*failed, row("other", Phase.FAILED)], deployments=[train])
    assert texts(section) == ["✗ train: 5 instances: failed, on 2 hosts", "✗ other: failed"]
    assert (section.lines[0].about, section.lines[0].opens.scope) == (TRAIN, TRAIN)
    assert section.more.problems


def test_a_slow_start_says_the_usual_time_and_its_host() -> None:
    new = row("new", Phase.PENDING, host="33ab", status="starting")
    start = Start(new, NOW - timedelta(seconds=372), usual=31, slow=True)
    step = replace(start, step="created", usual_step=10.0)
    assert found(instances=[new], starts={new.ref: step}).lines[0].text == (
        "slow start: created usually takes 10 s, a whole start 31 s, host 33ab"
    )
    stuck = replace(start, instance=replace(new, ref=Ref("hub", "container", "b"), host=None), usual=None, slow=False)
    starts = {new.ref: start, Ref("hub", "container", "b"): replace(stuck, stuck=True)}
    section = found(instances=[new, stuck.instance], starts=starts)
    assert [(line.text, line.time) for line in section.lines] == [
        ("slow start: a start usually takes 31 s, host 33ab", "6:12"),
        ("long start: no earlier start to compare with", "6:12"),
    ]


def test_a_deployment_that_lacks_instances_is_a_problem_only_while_none_is_starting() -> None:
    train = Deployment(TRAIN, "train", "ReplicaSet", Phase.RUNNING, "running", desired=4, running=2, starting=0)
    assert texts(found(deployments=[train])) == ["◐ train: 2 of 4 running, none starting"]
    for other in (replace(train, starting=2), replace(train, running=4), replace(train, phase=Phase.STOPPED)):
        assert not found(deployments=[other]).lines
    assert not found(deployments=[replace(train, running=None)]).lines
    assert not found(deployments=[replace(train, starting=None)]).lines


def test_a_gpu_with_a_problem_has_a_line_unless_its_machine_has_one() -> None:
    gpu = GpuDevice(Ref("hosts", "gpu", "gpu02/1"), "gpu02", 1, problem="GPU is lost")
    machine = replace(row("gpu02", Phase.RUNNING), ref=Ref("hosts", "host", "gpu02"), host="gpu02")
    assert texts(found(gpus=[gpu])) == ["✗ gpu02 GPU 1: GPU is lost"]
    with_line = replace(machine, machine=Machine(True, gpus_lost=1))
    assert texts(found(gpus=[gpu], instances=[with_line])) == ["✗ gpu02: 1 GPU lost"]


def test_a_gpu_with_memory_errors_has_a_line_and_one_without_a_counter_none() -> None:
    gpu = GpuDevice(Ref("hosts", "gpu", "gpu02/1"), "gpu02", 1, ecc_errors=1)
    assert texts(found(gpus=[gpu, replace(gpu, ecc_errors=None), replace(gpu, ecc_errors=0)])) == [
        "✗ gpu02 GPU 1: 1 uncorrected ECC error since the driver was loaded"
    ]


@pytest.mark.parametrize("reachable", [False, None])
def test_a_host_that_does_not_answer_is_one_line_without_its_gpus_and_containers(reachable: bool | None) -> None:
    said = "No answer from gpu04."
    ref = Ref("hub", "host", "gpu04")
    host = replace(
        row("gpu04", Phase.UNKNOWN, machine=Machine(reachable), problem=said), ref=ref, host="gpu04", gpu_count=8
    )
    inside = row("llm", Phase.UNKNOWN, parent=ref, host="gpu04", problem=said)
    gpus = [GpuDevice(Ref("hub", "gpu", f"gpu04:{index}"), "gpu04", index, problem=said) for index in range(8)]
    probed = GpuDevice(Ref("hub", "gpu", "llm"), "llm", 0, through=inside.ref, problem=said)
    (line,) = found(instances=[host, inside], gpus=[*gpus, probed]).lines
    assert (line.name, line.about) == ("gpu04", ref)
    answering = replace(host, phase=Phase.RUNNING, machine=Machine(True), problem=None)
    assert texts(found(instances=[answering], gpus=gpus)) == [f"✗ gpu04: 8 GPUs: {said}"]


def test_an_account_that_does_not_answer_is_one_line_next_to_what_was_known_to_have_failed() -> None:
    state = AccountState(health("hub", HealthState.DOWN, "no answer"))
    train = Deployment(TRAIN, "train", "ReplicaSet", Phase.UNKNOWN, "unknown")
    away = row("gpu03", Phase.UNKNOWN, machine=Machine(False))
    partly = row("partly", Phase.RUNNING, problem="ports were not read")
    gpu = GpuDevice(Ref("hub", "gpu", "gpu03:0"), "gpu03", 0, problem="no answer")
    more = {"instances": [away, partly, row("oom", Phase.FAILED)], "deployments": [train], "gpus": [gpu]}
    assert texts(found(accounts=[state], **more)) == ["✗ hub: no answer", "✗ oom: failed"]


@pytest.mark.parametrize(
    "state, known, said",
    [(HealthState.OK, True, "No problems."), (HealthState.UNKNOWN, False, "hub not read yet.")],
)
def test_no_problems_is_said_only_when_all_accounts_have_answered(state: HealthState, known: bool, said: str) -> None:
    section = found(accounts=[AccountState(health("hub", state))], known=known)
    assert (section.lines, section.quiet) == ((), said)


def test_a_host_whose_first_look_has_not_ended_is_no_problem_yet() -> None:
    asked = row("gpu04", Phase.UNKNOWN, machine=Machine(None, first_look=True), problem="gpu04 has not answered yet.")
    assert found(instances=[asked], known=False).lines == ()
    failed = replace(asked, machine=Machine(False), problem="No route to host.")
    assert texts(found(instances=[failed])) == ["? gpu04: unreachable: No route to host."]


def test_a_pattern_without_a_host_is_a_problem_of_an_account_that_answers() -> None:
    said = "no name in /home/a/.ssh/config matches gpx*: correct hosts under [accounts.own]"
    state = AccountState(health("own", HealthState.OK, ""), config_problems=(said,))
    assert texts(found(accounts=[state])) == [f"◐ own: {said}"]


def test_a_problem_of_a_custom_command_is_a_line_that_has_all_of_them_to_read() -> None:
    said = ("commands.a.run: has no field {nme}; the fields are ref", "commands.b: s is the key of ssh already")
    section = found(config=said, instances=[row("oom", Phase.FAILED)])
    assert texts(section)[1:] == [f"◐ {problem}" for problem in said]
    assert len({line.ref for line in section.lines}) == 3
    assert set(said) <= set(section.lines[1].opens.text)
