"""From the command line to the running app: the first frame before the configuration is checked."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gputui.errors import AgentError

if TYPE_CHECKING:
    from gputui.agent.link import Link
    from gputui.agent.start import AgentPlan
    from gputui.api.capabilities import Backend
    from gputui.app.first_rows import FirstRows
    from gputui.config.loader import Account, Config
    from gputui.fleet import Fleet
    from gputui.history.history import History
    from gputui.screens.base.leases import SessionLeases
    from gputui.screens.base.rules import SessionRules

_SWITCH_SECONDS = 0.001
"""How long another thread may compute while this one waits to draw: a fifth of what Python has by itself."""


def run(
    load: Callable[[], Config],
    *,
    preview: Path | None,
    state_dir: Path,
    read_only: bool = False,
    note: str = "",
    view: str | None = None,
    program: Iterable[str] = ("gputui",),
    agent: AgentPlan | None = None,
) -> int:
    """Run the app in this terminal and return the exit status.

    ``load`` reads and checks the configuration, on a thread, once the first frame is drawn from what ``preview``
    holds and what the last session left; what it raises (ConfigError) is raised here when the terminal is back.
    ``view`` is the first view, in place of the configured one. Without ``agent`` the session has none.
    """
    _prepare_process()

    from gputui.config.preview import read_preview

    sketch = read_preview(preview, read_only=read_only)
    asked = agent
    agent = agent if sketch.agent else None

    from gputui.config.paths import history_path, scope_of
    from gputui.fleet import Fleet
    from gputui.history.history import History

    if agent is not None and agent.starts:
        # The agent begins as a copy of this process. Then this process imports what draws, and the agent what asks
        # servers, on another core.
        import gputui.app.shared_imports  # noqa: F401
        from gputui.agent.start import start_early

        agent.process = start_early(agent, state_dir)

    from gputui.app.app import GputuiApp
    from gputui.app.garbage import SurvivorsAside

    scope = "" if preview is None else scope_of(preview)
    gc.freeze()  # modules and classes stay
    history = History(history_path(state_dir))
    # Sketches have what a fleet needs to show rows. It is never started: begin() gives the one that is.
    accounts = cast("dict[str, Account]", dict(sketch.accounts))
    first = Fleet(accounts, open_backend=_not_yet, history=history, polling=None)
    first.restore()
    link, rows = _to_agent(state_dir, agent, first)
    garbage = SurvivorsAside()

    async def begin() -> Fleet:
        if rows is not None:
            await rows.wait()
            await app.draw()  # what comes next has the interpreter for itself
        garbage.begin()
        config = await asyncio.to_thread(load)
        app.session.config_problems = config.command_problems
        fleet = _new_fleet(config, history, state_dir, app.show_internal_error)
        if rows is not None and (fault := await rows.aclose()) is not None:
            app.show_internal_error(fault)
        fleet.adopt(first)
        if link is not None:
            link.serve(fleet)
            link.keep()
        return fleet

    def report(error: BaseException) -> Path:
        from gputui.crash_report import write_report

        return write_report(error, state_dir)

    leases, rules = _followed(
        state_dir, asked.config if asked else preview, asked.program if asked else (), read_only=read_only
    )
    app = GputuiApp(
        first,
        sketch.ui if view is None else replace(sketch.ui, start=view),
        at_start=None if rows is None else rows.start,
        begin=begin,
        history=history,
        preferences=history.preferences(scope),
        note=note or ("read-only" if read_only else ""),
        program=program,
        report=report,
        agent=link,
        leases=leases,
        rules=rules,
        garbage=garbage,
    )
    try:
        result = app.run(mouse=sketch.ui.mouse)
    finally:
        garbage.end()
        history.close()
    if app.failure is not None:
        raise app.failure
    return app.return_code or int(result or 0)


def _prepare_process() -> None:
    # Until the first frame there is next to no garbage, and searching for it takes a tenth of the time.
    gc.disable()
    # Threads read answers and write the history: a key waits for each of them at every step of its way.
    sys.setswitchinterval(_SWITCH_SECONDS)
    # Textual reads these when it is imported. At rest, and over a slow link, nothing may move by itself.
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")


def _followed(
    state: Path, config: Path | None, program: Sequence[str], *, read_only: bool
) -> tuple[SessionLeases, SessionRules]:
    """Return the leases and rules of this state directory; none without a configuration, which the agent needs.

    ``program`` are the words that start an agent, empty where the environment turns it off.
    """
    from gputui.agent.place import Place
    from gputui.rules.place import agent_dir
    from gputui.screens.base.leases import SessionLeases
    from gputui.screens.base.rules import SessionRules

    if config is None:
        return SessionLeases(), SessionRules()
    path = config.absolute()

    def start_agent() -> None:
        from gputui.agent.start import ensure_agent

        ensure_agent(program, state, path)

    def refuse() -> None:
        raise AgentError("No agent runs, and this session starts none, as it is read-only.")

    folder, scope = agent_dir(state), str(path)
    leases = SessionLeases(folder, scope, refuse if read_only else start_agent, Place(state).is_locked)
    return leases, SessionRules(folder, scope, start_agent, read_only=read_only)


def _not_yet(account: Account) -> Backend:
    raise AssertionError(f"{account.name} is opened before the configuration is checked")


def _to_agent(state_dir: Path, agent: AgentPlan | None, first: Fleet) -> tuple[Link | None, FirstRows | None]:
    """Return the link to the agent, and what takes its rows into the first fleet; None where the session has none."""
    if agent is None:
        return None, None
    from gputui.agent.link import Link
    from gputui.app.first_rows import FirstRows

    link = Link(state_dir, agent)
    return link, FirstRows(link, first)


def _new_fleet(
    config: Config, history: History, state_dir: Path, on_failure: Callable[[BaseException], None]
) -> Fleet:
    from gputui.api import open_backend
    from gputui.fleet import Fleet
    from gputui.fleet.notifications.settings import Settings

    fleet = Fleet(
        config.accounts,
        open_backend=open_backend,
        history=history,
        polling=config.polling,
        on_failure=on_failure,
        state_dir=state_dir,
    )
    fleet.idle_minutes = config.waste.idle_minutes
    fleet.budgets = config.budget_list
    fleet.notify = Settings.of(config.notify)
    return fleet
