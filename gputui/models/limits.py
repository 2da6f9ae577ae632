"""Actions that a server's API has no call for, whatever state the thing is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from gputui.late_dataclasses import dataclass
from gputui.models.resources import Resource
from gputui.models.values import Action


@dataclass(frozen=True, slots=True)
class Never:
    """Why an action can never apply to a thing, and what does instead.

    ``nouns`` is what such things are called, in the plural. ``cause`` is a sentence of its own where it is not simply
    that the API has no such call. ``instead`` names the way out, '' where there is none. In both, the id of a command
    in braces (``{stop}``) becomes the key or the command that does it.
    """

    nouns: str
    cause: str = ""
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of rows of an API: ``resource`` is its list, ``actions`` are those with a call, in any state.

    ``instead`` and ``causes`` belong to the others (:class:`Never`).
    """

    nouns: str
    actions: frozenset[Action] = frozenset()
    instead: Mapping[Action, str] = field(default_factory=dict)
    causes: Mapping[Action, str] = field(default_factory=dict)
    resource: Resource = field(kw_only=True)

    def never(self, action: Action) -> Never | None:
        """Return why an action can never apply; None where it can, in some state."""
        if action in self.actions:
            return None
        return Never(self.nouns, self.causes.get(action, ""), self.instead.get(action, ""))
