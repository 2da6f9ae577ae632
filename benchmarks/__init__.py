"""Benchmarks of the program, each next to a reference. No agent answers, but in those that measure it."""

import os

os.environ.setdefault("GPUTUI_AGENT", "off")
