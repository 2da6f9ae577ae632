"""The events view."""
