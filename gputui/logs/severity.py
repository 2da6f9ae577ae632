"""Whether a line of a log reports an error or a warning, by the words that programs of this field use. Pure."""

from __future__ import annotations

import re

_LONGEST = 4000
"""Characters of a line that are looked at."""
_ERROR = re.compile(
    r"(?<!\bno )(?<!\b0 )\berror\b(?!\s*[=:]\s*(?:0|none|null)\b)"
    r"|[a-z]error\b|[a-z]exception\b"  # RuntimeError, java.io.IOException
    r"|\b(?:critical|fatal|exception|traceback|panic|killed|oom|oomkilled|oom-kill\w*)\b"
    r"|out ?of ?memory|segmentation fault|core dumped|\bNVRM: Xid\b|\bSIG(?:SEGV|ABRT|BUS|KILL)\b"
    r"|(?:^|[\s=:(\[,])[-+]?nan(?=$|[\s,;)\]%])",  # a loss that is no number
    re.IGNORECASE,
)
_WARNING = re.compile(r"warn(?:ing)?\b", re.IGNORECASE)


def is_error(text: str) -> bool:
    """Return whether a line reports an error, of CUDA and of a loss that is no number among them."""
    return _ERROR.search(text, 0, _LONGEST) is not None


def is_warning(text: str) -> bool:
    """Return whether a line reports a warning."""
    return _WARNING.search(text, 0, _LONGEST) is not None
