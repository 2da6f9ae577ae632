"""Pictures of the views: the program on its simulator, without a terminal.

``python -m distribution.site.pictures FOLDER`` writes one SVG a view. The world is that of ``gputui demo``, with its
time as it passes, so that two runs differ in figures, not in what they show.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

SIZE = (120, 34)
_SETTLED = 2.5
"""Seconds after which the lists of all accounts have been read, and views have drawn themselves."""
PICTURES: dict[str, Sequence[str]] = {
    "home": ("0",),
    "stock": ("1", "z"),
    "deployments": ("2",),
    "instances": ("3",),
    "events": ("4",),
    "gpus": ("5",),
    "blacklist": ("6",),
    "library": ("7",),
    "tasks": ("8",),
    "cost": ("9",),
    "waste": (":", *"waste", "enter"),
    "timeline": (":", *"timeline", "enter"),
    "help": ("3", "question_mark"),
    "columns": ("escape", "3", "vertical_line"),
    "create": ("escape", "escape", "2", "n", "enter"),
}
"""The keys that lead from one picture to the next."""


async def take(folder: Path) -> list[Path]:
    """Take the pictures, into a folder that is there; returns their paths."""
    from gputui.api import open_backend
    from gputui.app.app import GputuiApp
    from gputui.config.loader import load_config
    from gputui.config.preview import UiSettings
    from gputui.fleet import Fleet
    from gputui.history.history import History
    from gputui.sim.server import running_simulator

    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        async with running_simulator(size="small", seed=1) as simulator:
            path = state / "config.toml"
            path.touch(mode=0o600)
            path.write_text(simulator.config_toml(), "utf-8")
            config = load_config(path)
            history = History(None)
            fleet = Fleet(
                config.accounts,
                open_backend=open_backend,
                history=history,
                polling=config.polling,
                state_dir=state,
            )
            app = GputuiApp(fleet, UiSettings(utc=True, mouse=False), history=history, note="demo")
            taken = []
            async with app.run_test(size=SIZE) as pilot:
                await asyncio.sleep(_SETTLED)
                for name, keys in PICTURES.items():
                    await pilot.press(*keys)
                    await asyncio.sleep(_SETTLED)
                    picture = folder / f"{name}.svg"
                    picture.write_text(_kept_spaces(app.export_screenshot(title=f"gputui: {name}")), "utf-8")
                    taken.append(picture)
    return taken


def _kept_spaces(svg: str) -> str:
    """Return a picture in which programs other than browsers keep the spaces too."""
    return svg.replace("<text ", '<text xml:space="preserve" ')


def main() -> None:
    """Take the pictures into the folder that is named."""
    # Textual reads these when it is imported.
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for path in asyncio.run(take(folder)):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
