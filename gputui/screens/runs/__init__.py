"""A command that runs in several instances: its results, as they come."""
