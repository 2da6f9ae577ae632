"""The simulated pody server."""
