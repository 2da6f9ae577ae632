"""The simulator: a world of its own that speaks the vendors' APIs and SSH on loopback."""
