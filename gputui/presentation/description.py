"""All that is known of a row, and the line that identifies it in a question: in the app and on the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gputui.formatting import counted, kind_noun
from gputui.models import Instance, Phase, Row
from gputui.models.resources import resource_of
from gputui.presentation.actions import name_of
from gputui.presentation.columns.column import Cell, Span, plain_text, spans_of
from gputui.presentation.columns.context import Context
from gputui.presentation.columns.lists import fields_of
from gputui.presentation.glyphs import PHASE_GLYPHS, PHASE_STYLES

Fields = dict[str, list[tuple[str, Cell]]]
"""Labels and contents by the heading that they are under, '' for none. A text may have several lines."""


def description(row: Row, context: Context) -> Fields:
    """Return the fields of which something is known."""
    fields: Fields = {"": []}
    for column in fields_of(resource_of(row), context):
        if column.label is not None and plain_text(cell := column.described(row)):
            fields.setdefault(column.group, []).append((column.label or column.title.lower(), cell))
    return fields


def targets_text(rows: Sequence[Row], nouns: str = "") -> str:
    """Name the rows of a question with their accounts: ``train-1 in lab``, ``3 pods (2 in lab, 1 in hub)``.

    ``nouns`` names several where that is not their kind; of several kinds they are ``instances`` or ``resources``.
    """
    accounts, kinds = Counter(row.ref.account for row in rows), {row.ref.kind for row in rows}
    if len(rows) == 1:
        return f"{name_of(rows[0])} in {rows[0].ref.account}"
    mixed = "instances" if all(isinstance(row, Instance) for row in rows) else "resources"
    if len(kinds) == 1 and not nouns:
        what = counted(len(rows), kind_noun(kinds.pop()))
    else:
        what = f"{len(rows)} {nouns or mixed}"
    if len(accounts) == 1:
        return f"{what} in {rows[0].ref.account}"
    return f"{what} ({', '.join(f'{count} in {account}' for account, count in sorted(accounts.items()))})"


def subject(row: Row, *, account: bool) -> Sequence[Span]:
    """Return the line of a question that identifies a row: glyph, name, state, size, price; ``account`` with that."""
    phase = getattr(row, "phase", None)
    glyph = (f"{PHASE_GLYPHS[phase]} ", PHASE_STYLES[phase]) if isinstance(phase, Phase) else ("", "")
    named = [(f"   {row.ref.account}", "muted")] if account else []
    return [glyph, (name_of(row), "strong"), *named, *(span for cell in _brief(row) for span in [("   ", ""), *cell])]


def subject_text(row: Row) -> str:
    """Return the same as a text that begins with the Ref: ``lab/pod/main (running, GPUs: 2)``."""
    name = name_of(row)
    facts = [name if name != row.ref.id else "", *("".join(text for text, _ in cell) for cell in _brief(row))]
    known = ", ".join(filter(None, facts))
    return f"{row.ref} ({known})" if known else str(row.ref)


def _brief(row: Row) -> list[Sequence[Span]]:
    cells = [column.brief(row) for column in fields_of(resource_of(row), Context()) if column.brief is not None]
    return [spans_of(cell) for cell in cells if plain_text(cell)]
