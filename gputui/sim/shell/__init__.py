"""The shell of simulated machines: its language, its programs, its SSH server."""
