"""A long form compared with a bare Textual form of as many lines: ``python -m benchmarks.form``.

Also next to the preview of its request, with a summary of a stock of 22 places and 43 models.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.events import Key
from textual.screen import Screen
from textual.widgets import Input, Label

from benchmarks.core import Core
from benchmarks.measure import options, report
from gputui.api.common.form_values import FormValues
from gputui.api.gpuhub.create import DeploymentForm
from gputui.app.theme import THEMES, variables
from gputui.models import Image, Offer, Ref
from gputui.presentation.form_summary import StockNow, creation_summary
from gputui.screens.dialogs.form import FormDialog

HUB = DeploymentForm("hub", ("sgp1", "Singapore-A", "Singapore-B"), "USD")
FORM = HUB.form(
    gpu_models=["RTX 5090", "RTX Pro 6000", "H200"],
    images=[Image(Ref("hub", "image", "image-db8346e037"), "trainer")],
)
OFFERS = [
    Offer(Ref("hub", "offer", f"{place}/{model}"), f"GPU {model}", f"place-{place}", idle=model, total=64)
    for place in range(22)
    for model in range(43)
]
ROUNDS = 40
SETTLED = 0.06
"""Seconds in which a key is answered, with what it draws."""
BOUND_MS = 30.0


class BareForm(Screen[None]):
    """As many labelled lines, of Textual's own."""

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll(can_focus=False):
            for field in FORM.fields:
                yield Label(field.label)
                yield Input(field.default, compact=True)


class Stage(App[None]):
    """Shows one form."""

    def __init__(self, form: Screen[None] | FormDialog[Any]) -> None:
        super().__init__()
        self._form = form

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the variables that the program's own styles need."""
        return variables(THEMES[0], "truecolor")

    def on_mount(self) -> None:
        """Show it."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[0].name
        self.push_screen(self._form)


async def cpu(app: Stage, core: Core, keys: Sequence[str]) -> list[float]:
    """Press keys one after another; returns the milliseconds of CPU that each costs."""
    spent = []
    for key in keys:
        begun = time.process_time()
        app.post_message(Key(key, key if len(key) == 1 else None))
        await asyncio.sleep(SETTLED)
        spent.append((time.process_time() - begun) * 1000)
        core.sample()
    return spent


def with_request() -> FormDialog[FormValues]:
    """Return the form with a summary and the preview of its request, filled in but for the name."""
    values = {
        "gpu_name_set": "H200",
        "image_uuid": "image-db8346e037",
        "cmd": "sleep 1",
        "price_to": "2",
        "name": "a",
    }
    return FormDialog(
        FORM,
        HUB.read,
        values=values,
        preview=lambda given: given.shown("POST", "https://hub/deployment", HUB.body(given)),
        summary=lambda values: creation_summary(FORM, values, costs=True, stock=StockNow(OFFERS)),
    )


async def measured(
    form: Screen[None] | FormDialog[Any], core: Core, rounds: int, columns: int = 120
) -> dict[str, list[float]]:
    """Return what letters and tabs cost in a form, also while it says what is missing."""
    app = Stage(form)
    async with app.run_test(size=(columns, 40)) as pilot:
        await pilot.pause()
        letters = await cpu(app, core, ["a"] * rounds)
        tabs = await cpu(app, core, ["tab"] * rounds)
        await cpu(app, core, ["ctrl+g"])
        during = await cpu(app, core, ["a"] * rounds)
        await pilot.pause()  # an event that comes after the screens have gone is an error of Textual
        return {"letter": letters, "tab": tabs, "letter during messages": during}


def main() -> int:
    """Measure and print; returns an exit status."""
    args = options(__doc__).parse_args()
    rounds = 2 if args.tiny else ROUNDS
    core, wide_core = Core(), Core()
    bare = asyncio.run(measured(BareForm(), core, rounds))
    ours = asyncio.run(measured(FormDialog[object](FORM, HUB.read), core, rounds))
    wide = asyncio.run(measured(with_request(), wide_core, rounds, columns=200))
    findings = [
        core.finding(
            f"CPU of a {name} in a form of {len(FORM.fields)} fields, ms",
            statistics.median(ours[name]),
            BOUND_MS,
            f"{statistics.median(bare[name]):.1f} ms in a bare form",
        )
        for name in ours
    ]
    median = statistics.median(wide["letter"])
    findings.append(wide_core.finding("CPU of a letter next to a summary and a request, ms", median, BOUND_MS))
    return report(findings, tiny=args.tiny)


if __name__ == "__main__":
    sys.exit(main())
