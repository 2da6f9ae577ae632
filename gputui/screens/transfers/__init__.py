"""The view of transfers."""
