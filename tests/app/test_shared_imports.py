"""The modules that a session and its agent both need are imported before the agent is copied from it."""

from __future__ import annotations

import subprocess
import sys

SESSION = "import gputui.app.app, gputui.app.first_rows, gputui.screens.home.view"
AGENT = "import gputui.agent.main, gputui.config.loader, gputui.api.deepdock.backend, gputui.api.pody.backend"


def _imported_after_the_copy(program: str) -> set[str]:
    script = f"""
import sys
import gputui.app.shared_imports
shared = set(sys.modules)
{program}
print(*set(sys.modules) - shared)
"""
    return set(
        subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    )


def test_no_module_is_imported_twice() -> None:
    session, agent = _imported_after_the_copy(SESSION), _imported_after_the_copy(AGENT)
    assert session > {"textual", "gputui.app.app"}
    assert agent > {"pydantic", "httpx", "gputui.agent.main"}
    assert session & agent == set(), "add them to gputui/app/shared_imports.py"
