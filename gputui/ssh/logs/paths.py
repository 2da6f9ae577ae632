"""Paths of files as a user types them, and the files that a glob matches."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime

from gputui.errors import InvalidError, LogError
from gputui.models import LogFile, LogFiles, SSHTarget
from gputui.ssh.logs.looks import Looks
from gputui.text import clean

MOST_FILES = 200
"""Files of a glob that are listed."""
_GLOB = re.compile(r"[*?\[]")
_UNDECODABLE = re.compile("[\udc80-\udcff]")

_FIND = """
if [ ! -e "$p" ]; then IFS=; set -- $p; else set -- "$p"; fi
n=0
for f do
  [ -f "$f" ] || continue
  n=$((n+1)); [ $n -gt {most} ] && {{ printf 'more\\0'; break; }}
  printf '%s %s\\0' "$(stat -L -c '%s %Y' "$f")" "$f"
done
"""


def is_glob(path: str) -> bool:
    """Return whether a path may match several files."""
    return _GLOB.search(path) is not None


def assignment(name: str, path: str) -> str:
    """Return the line of sh that gives a path to a variable: nothing is expanded but the home directory of ``~/``.

    One that begins with a dash is a path as well. Raises InvalidError.
    """
    if not path or "\0" in path:
        raise InvalidError("A path is needed: /var/log/train.log, ~/runs/*.log")
    if path == "~" or path.startswith("~/"):
        return f"{name}=$HOME/{shlex.quote(path[2:])}"
    text = path if path.startswith("/") else f"./{path}"
    if not _UNDECODABLE.search(text):
        return f"{name}={shlex.quote(text)}"
    # The dot keeps line ends at the end of the name.
    octal = "".join(f"\\{byte:03o}" for byte in text.encode("utf-8", "surrogateescape"))
    return f"{name}=$(printf '{octal}.'); {name}=${{{name}%.}}"


async def find(looks: Looks, target: SSHTarget | None, path: str) -> LogFiles:
    """Return the files that a path or glob matches. Raises GputuiError for none."""
    script = f"{assignment('p', path)}\n{_FIND.format(most=MOST_FILES)}"
    look = await looks.look(script, target, limit=2**20)
    entries = look.output.split(b"\0")
    files = [_file(entry) for entry in entries if entry.count(b" ") >= 2]
    if not files:
        raise LogError(f"No file matches {clean(path)}, or its directory cannot be read.")
    newest_first = sorted(files, key=lambda file: (-file.modified.timestamp(), file.path))
    return LogFiles(tuple(newest_first), more=b"more" in entries)


def _file(entry: bytes) -> LogFile:
    size, modified, path = entry.split(b" ", 2)
    name = path.decode("utf-8", "surrogateescape").removeprefix("./")
    when = int(modified) if modified.isdigit() and len(modified) < 12 else 0
    return LogFile(name, int(size) if size.isdigit() else 0, datetime.fromtimestamp(when, UTC))
