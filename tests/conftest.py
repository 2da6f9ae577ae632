"""What holds for every test."""

from __future__ import annotations

import signal

# Whoever runs the tests in the background may have SIGINT ignored, which every program started here would inherit:
# Ctrl+C could not be tested.
signal.signal(signal.SIGINT, signal.default_int_handler)
