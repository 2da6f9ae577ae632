"""The tools of GPU drivers."""
