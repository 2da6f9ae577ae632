"""What the title says of a stream: whether its newest line stays in view, and what came since it does not."""

from __future__ import annotations

from textual.content import Content

from gputui.models import FormField

FIELDS = (
    FormField("keyword", "Words", required=False, help="lines containing exactly this"),
    FormField("since", "From", required=False, help="90m, 2h, 14:05, 2026-11-25 14:05"),
    FormField("until", "To", required=False, help="same format; turns following off"),
)
"""The fields of the form for the lines that the server is asked for."""


def follow_caption(*, following: bool, new: int, key: str) -> Content:
    """Say whether the end is followed, else how many came below and the key that goes there."""
    if following:
        return Content.styled("   following", "$text-success")
    if new > 0:
        return Content.styled(f"   {new:,} new below ↓  {key} to follow", "$text-warning")
    return Content.styled(f"   paused  {key} to follow", "$muted")
