"""The simulator: a world with the vendors' APIs and SSH on loopback."""
