"""What the title says of a stream: whether its newest line stays in view, and what came since it does not."""

from __future__ import annotations

from textual.content import Content


def follow_caption(*, following: bool, new: int, key: str) -> Content:
    """Say whether the end is followed, else how many came below and the key that goes there."""
    if following:
        return Content.styled("   following", "$text-success")
    if new > 0:
        return Content.styled(f"   {new:,} new below ↓  {key} to follow", "$text-warning")
    return Content.styled(f"   paused  {key} to follow", "$muted")
