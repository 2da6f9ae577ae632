"""The table of a form's fields."""

from __future__ import annotations

from gputui.api.yotta.create.forms import Choices
from gputui.api.yotta.create.storage import volume_fields
from gputui.cli.forms import fields_text


def test_the_table_of_fields_says_what_makes_one_required() -> None:
    (line,) = [line for line in fields_text(volume_fields(Choices())).splitlines() if line.startswith("region ")]
    assert "with storageType CEPH or VENDOR" in line
