"""Forms in words."""

from __future__ import annotations

import pytest

from gputui.models import Form
from gputui.presentation.forms import doing


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (Form("lab", "pod", "New pod", ()), "Creating a pod"),
        (Form("lab", "image", "Pull", (), verb="pull", progress="Pulling"), "Pulling an image"),
        (Form("moon", "rover", "Launch", (), verb="launch"), "Creating a rover"),
        (Form("moon", "rover", "Launch", (), verb="launch", progress="Launching"), "Launching a rover"),
    ],
)
def test_a_form_states_what_is_under_way_whatever_its_verb(form: Form, said: str) -> None:
    assert doing(form) == said
