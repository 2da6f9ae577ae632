"""Charts of readings over time."""
