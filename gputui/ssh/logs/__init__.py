"""Logs read over SSH in both directions: files, the journal of a unit, the output of a container."""
