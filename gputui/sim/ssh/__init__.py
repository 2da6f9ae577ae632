"""Hosts without any vendor's API in the simulator: machines with an SSH server each, and the user's files for them."""
