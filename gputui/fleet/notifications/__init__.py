"""Notifications of what happens in a fleet: found in its changes, delivered by command, webhook and terminal."""
