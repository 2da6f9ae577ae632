"""The start of the archive: unpacks the program once, then runs it from there.

Any Python that is tried reads this, so it is written for old ones too; it is compiled at every start, so it is short.
"""

import _imp
import os
import sys

# The build fills these in: the name of the tree, and the suffixes of the extension modules in it.
NAME = ""
SUFFIXES = ""


def start() -> None:
    """Run gputui, with another Python where this one cannot."""
    if _imp.extension_suffixes()[0] not in SUFFIXES.split():
        from other_python import run_with_another  # type: ignore[import-not-found]  # next to this file in the archive

        run_with_another(SUFFIXES)
    below = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "gputui")
    tree = os.path.join(below, NAME)
    if not os.path.isdir(tree):
        from unpack import unpack  # type: ignore[import-not-found]

        unpack(NAME, below)
    if {os.stat(below).st_uid, os.stat(tree).st_uid} != {os.geteuid()}:
        sys.exit("gputui: " + below + " belongs to another user: name a folder of your own in XDG_CACHE_HOME.")
    sys.dont_write_bytecode = False  # the tree is a cache, and without it the start takes twice as long
    sys.path[0] = tree
    from gputui.__main__ import main

    sys.exit(main())


if __name__ == "__main__":
    start()
