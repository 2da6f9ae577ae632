"""Deployments with fewer instances than they should have."""

from __future__ import annotations

from dataclasses import replace

from gputui.analytics.shortage import has_none, is_short, lacking
from gputui.models import Deployment, Phase, Ref

ROW = Deployment(
    Ref("hub", "deployment", "u"), "train", "ReplicaSet", Phase.RUNNING, "running", desired=3, running=1, starting=1
)
JOB = replace(ROW, type="Job", desired=40, parallelism=3, finished=10)


def test_a_deployment_is_short_of_instances_only_where_that_is_known() -> None:
    assert lacking(ROW) == 1
    assert is_short(ROW)
    assert not is_short(replace(ROW, running=3))
    assert not is_short(replace(ROW, phase=Phase.STOPPED))
    assert lacking(replace(ROW, running=None)) is None
    assert not is_short(replace(ROW, running=None))
    assert not is_short(replace(JOB, running=3, starting=0))
    assert is_short(replace(JOB, running=1, starting=1))
    assert not is_short(replace(JOB, finished=39, running=1, starting=0))


def test_a_deployment_has_none_only_where_it_should_have_some() -> None:
    none = replace(ROW, running=0, starting=0)
    assert has_none(none)
    assert not has_none(ROW)
    assert not has_none(replace(none, starting=None))
    assert not has_none(replace(none, problem="no answer"))
    assert not has_none(replace(JOB, running=0, starting=0, finished=40)), "a job that is over needs none"
