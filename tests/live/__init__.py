"""Tests against real servers: the pody server of the package index on a real Docker engine, OpenSSH in its pods."""
