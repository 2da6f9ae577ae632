"""The table of every list."""
