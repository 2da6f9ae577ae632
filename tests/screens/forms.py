"""What tests of the create form share: filling it in, moving in it, templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

from gputui.models import Form
from gputui.screens.commands.create import CreateCommands
from gputui.screens.dialogs.form import FormDialog
from tests.screens.cloud import IMAGES
from tests.screens.stage import Stage

FILLED = {
    "name": "exp-1",
    "deployment_type": "ReplicaSet",
    "replica_num": "4",
    "reuse_container": "true",
    "dc_list": "sgp1,Singapore-B",
    "gpu_name_set": "RTX 5090",
    "gpu_num": "2",
    "price_from": "0.90",
    "price_to": "1.50",
    "image_uuid": IMAGES[2],
    "cmd": "cd /root\npython train.py",
    "token": "",
}


def template(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "templates").mkdir(exist_ok=True)
    (tmp_path / "templates" / f"{name}.toml").write_text(text, encoding="utf-8")


async def open_form(stage: Stage, values: Mapping[str, str] | None = None) -> None:
    """Open the form, filled in as another view does it."""
    with patch.object(Form, "named", lambda _form, _values: values or FILLED):
        CreateCommands(stage.view).create(["hub"])
        await stage.settle()


def focused(stage: Stage) -> str:
    """Return the name of the field in focus."""
    widget = stage.app.focused
    while widget is not None and not (widget.id or "").startswith(("of-", "tool-", "cancel", "confirm")):
        widget = widget.parent  # type: ignore[assignment]
    return "" if widget is None else (widget.id or "").removeprefix("of-")


async def go_to(stage: Stage, name: str) -> None:
    """Move with tab until a field, or a button, has the focus."""
    for _ in range(40):
        if focused(stage) == name:
            return
        await stage.press("tab")
    raise AssertionError(f"{name} cannot be reached with tab")


async def focus_on(stage: Stage, name: str) -> None:
    """Put the focus on a field, or a button, at once."""
    form = stage.app.screen
    if isinstance(form, FormDialog) and form.query(f"#of-{name}"):
        form._focus(name)
    else:
        form.query_one(f"#{name}").focus()
    await stage.settle()
    assert focused(stage) == name
