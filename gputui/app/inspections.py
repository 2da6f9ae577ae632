"""Looks at the GPUs of many instances for the app: the question about host keys, the outcome reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.app import App

from gputui.app.host_keys import HostKeyId, ask_host_keys
from gputui.app.login import Login
from gputui.presentation.inspection import outcome_text
from gputui.screens import dialogs
from gputui.screens.base.session import Session

if TYPE_CHECKING:
    from gputui.fleet.inspection import Inspection
    from gputui.ssh.known_hosts import HostKeyQuestion


async def inspect_and_report(
    app: App[Any], session: Session, login: Login, inspection: Inspection, without: Mapping[str, int]
) -> None:
    """Inspect the instances and notify of the outcome; ``without``: how many others have no SSH, by reason.

    Call it in a worker. Raises SshError where host keys cannot be remembered.
    """

    async def ask(questions: Sequence[HostKeyQuestion]) -> set[HostKeyId] | None:
        refusal = dialogs.Choice("without", f"Leave {'them' if len(questions) > 1 else 'it'} out", "n")
        return await ask_host_keys(app, login, questions, [refusal])

    completed = await inspection.run(ask)
    if not app.is_running:
        return
    app.notify(
        outcome_text(
            inspected=len(inspection.inspected),
            total=inspection.total,
            stopped=not completed,
            asking=[one.name for one in inspection.asking],
            declined=[one.name for one in inspection.declined],
            failures={inspection.name_of(ref): str(error) for ref, error in inspection.failures.items()},
            without=without,
            key=session.key_of("processes-of"),
        ),
        severity="information" if completed and inspection.complete else "warning",
        timeout=15,
        markup=False,
    )
