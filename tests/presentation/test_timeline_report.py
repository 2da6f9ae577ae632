"""The report of a timeline: self-contained, escaped, without secrets, honest about what is missing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from gputui.models import Ref
from gputui.models.timeline import Lane, Moment, Timeline, TimeSpan, Tone
from gputui.presentation.moments import of_gaps
from gputui.presentation.timeline_report import Head, report

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SPAN = TimeSpan(NOON, NOON + timedelta(hours=1))
HEAD = Head("Timeline of lab/pod/main", ["lab"], "", NOON, utc=True)


def written(*moments: Moment, problems: tuple[str, ...] = ()) -> str:
    return report(Timeline(SPAN, moments, stock=(1, None, 3), load=(None, 50.0), problems=problems), HEAD)


def moment(text: str, name: str = "main") -> Moment:
    return Moment(Ref("lab", "event", text), NOON, Lane.EVENTS, name, text, Tone.BAD)


def test_it_loads_and_runs_nothing() -> None:
    page = written(moment("running → failed"))
    assert not re.search(r"<script|<link|<img|src=|href=|url\(|@import|https?:", page)
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_every_text_is_escaped_and_secrets_are_removed() -> None:
    page = written(moment("<b onclick=x>&'\"", name="</title><script>"), moment("login --password hunter2"))
    assert "<b onclick" not in page
    assert "<script" not in page
    assert "&lt;b onclick=x&gt;&amp;&#x27;&quot;" in page
    assert "hunter2" not in page


def test_it_says_the_zone_the_range_and_what_is_missing() -> None:
    gap = of_gaps({"lab": [TimeSpan(NOON, NOON + timedelta(minutes=10))]})
    page = written(*gap, problems=("1 row of the history cannot be read.",))
    assert "<dt>Time zone</dt><dd>UTC</dd>" in page
    assert "2026-03-02 12:00:00" in page
    assert "lab: not observed for 10m 00s" in page
    assert "1 row of the history cannot be read." in page
    assert "Nothing: all of these accounts were observed" in written(moment("x"))
