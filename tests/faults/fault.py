"""A fault, and what it means for a change.

A fault has a sort, which says which outcomes of a change may be reported:

========== ==================================================================== ===========================
sort       what happens                                                         outcome of a change
========== ==================================================================== ===========================
SOUND      the documented answer comes, in an unusual way                       done
UNSENT     no connection comes about                                            failed
REFUSED    a status that says that nothing was done                             failed, or unknown
TROUBLE    a status after which the server may have acted                       unknown, failed only of what
                                                                                is not created
GATEWAY    a server on the way gave up                                          unknown
LOST       the request was read and no whole answer came                        unknown
GARBLED    a status of success with something other than the documented answer  unknown
========== ==================================================================== ===========================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from tests.faults.proxy import Exchange, Play


class Sort(Enum):
    """What a fault means for a change."""

    SOUND = auto()
    UNSENT = auto()
    REFUSED = auto()
    TROUBLE = auto()
    GATEWAY = auto()
    LOST = auto()
    GARBLED = auto()


@dataclass(frozen=True)
class Fault:
    """One way to answer.

    ``refuses`` listens on no port at all, ``waits`` lets the client's patience run out, ``large`` sends megabytes.
    """

    name: str
    sort: Sort
    play: Play
    refuses: bool = False
    waits: bool = False
    large: bool = False
    lists_only: bool = False

    @property
    def costly(self) -> bool:
        """Whether a case takes far longer than others."""
        return self.waits or self.large


HOSTILE = "x\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202e\u2066[/x][@click=app.quit]\x00\r\n\ud800\u200b=1+1"


def answer_with(change: Callable[[bytes], bytes], **headers: str) -> Play:
    """Answer as documented, with a changed body and more headers."""

    async def play(exchange: Exchange) -> None:
        answer = await exchange.answered()
        given = [(name.replace("_", "-"), value) for name, value in headers.items()]
        await exchange.reply(answer.status, change(answer.body), headers=given)

    return play
