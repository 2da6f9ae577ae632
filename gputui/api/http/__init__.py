"""HTTP: one transport for all back ends, and how answers are decoded, paged and shared."""

import sys

# The command line of httpx, with rich and pygments, where another program of the same environment needs its packages.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # an import of it fails at once
