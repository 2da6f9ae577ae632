"""Hosts without an API in the simulator: machines with an SSH server each, and the files of their user."""
