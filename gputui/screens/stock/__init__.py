"""The stock view."""
