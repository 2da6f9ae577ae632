"""Simulated machines: their hardware and system, users, containers, processes, files."""
