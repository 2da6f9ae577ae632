"""The simulated Yotta."""
