"""Tasks that wait in the queue of a deployment, are worked on, and have their results delivered."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from gputui.late_dataclasses import dataclass
from gputui.models.values import Phase, Ref


@dataclass(frozen=True, slots=True)
class Task:
    """One task. ``status`` and ``delivery`` are the vendor's own words, ``queue`` is the deployment that has it.

    ``phase`` is the state of its processing (running, stopped when it is done, failed), ``attempts`` how often the
    delivery of its result was tried. ``input``, ``output`` and ``headers`` are JSON texts, '' where there is none; in
    ``input`` and ``headers`` secrets are masked, ``output`` is whole. ``problem`` says why the row could not be
    read in full.
    """

    ref: Ref
    name: str
    queue: Ref
    queue_name: str
    phase: Phase
    status: str
    delivery: str = ""
    attempts: int | None = None
    error: str = ""
    worker_url: str = ""
    webhook: str = ""
    input: str = ""
    output: str = ""
    headers: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    delivered_at: datetime | None = None
    problem: str | None = None
    raw: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TaskQueue:
    """The queue of a deployment that takes tasks. ``deployment`` names that, ``name`` is what it is called.

    ``processing`` is how many tasks are worked on now, ``total`` how many there are in all, of the status that was
    asked for; None where it is not reported. ``read`` of them, the newest, are in the list of tasks.
    """

    ref: Ref
    deployment: Ref
    name: str
    processing: int | None = None
    total: int | None = None
    read: int = 0
    problem: str | None = None
