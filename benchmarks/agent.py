"""The agent at rest with 20 watches on 6 accounts: its share of a core and its memory.

The watches wait for more GPUs than there are; the simulator's world stands still. ``python -m benchmarks.agent``;
exits with 1 when a bound is missed. Linux only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.app import simulator
from benchmarks.cloud import cpu_seconds
from benchmarks.core import Core
from benchmarks.measure import Finding, options, report
from gputui.agent.start import ask_agent, stop_agent
from gputui.models.rules import Watch
from gputui.rules.files import RuleFiles
from gputui.rules.place import agent_dir

RULES = 20
ACCOUNTS = 6
CPU_BOUND = 0.5
"""Percent of a core."""
MEMORY_BOUND = 60.0
"""MB; libraries that other processes have loaded as well count in part."""


def write_rules(state: Path, scope: Path) -> None:
    """Set watches that wait for ever."""
    files = RuleFiles(agent_dir(state))
    for _ in range(RULES):
        rule = Watch(files.new_id(), str(scope), "bench", datetime.now(UTC), models=("RTX 4090",), count=1_000_000)
        files.save(rule, None)


def at_rest(config: Path, core: Core, settle: float, seconds: float) -> tuple[float, float]:
    """Return percent of a core and megabytes of an agent that runs for a while."""
    state = config.parent / "state"
    write_rules(state, config)
    env = os.environ | {"GPUTUI_CONFIG": str(config), "GPUTUI_STATE_DIR": str(state)}
    with subprocess.Popen([sys.executable, "-m", "gputui", "agent"], env=env) as agent:
        try:
            while (status := ask_agent(state, "status")) is None or not status["ready"]:
                time.sleep(0.05)
            time.sleep(settle)
            begun, used = time.monotonic(), cpu_seconds(agent.pid)
            with core.sampled():
                time.sleep(seconds)
            used = cpu_seconds(agent.pid) - used
            memory = ask_agent(state, "status")["memory_bytes"] / 1e6
            return 100 * used / (time.monotonic() - begun), memory
        finally:
            stop_agent(state)


def main() -> int:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long it is watched")
    args = parser.parse_args()
    core = Core()
    settle, seconds = (0.1, 0.2) if args.tiny else (20.0, args.seconds)
    with tempfile.TemporaryDirectory() as directory, simulator(Path(directory), clouds="") as config:
        sections = config.read_text().split("[accounts.")
        config.write_text("[accounts.".join(sections[: ACCOUNTS + 1]))
        cpu, memory = at_rest(config, core, settle, seconds)
    name = f"agent at rest, {RULES} watches on {ACCOUNTS} accounts"
    return report(
        [
            Finding(f"{name}: memory in MB", memory, MEMORY_BOUND),
            core.finding(f"{name}: percent of a core", cpu, CPU_BOUND),
        ],
        tiny=args.tiny,
    )


if __name__ == "__main__":
    sys.exit(main())
