"""The files that are in the archive next to the packed program. Each of them is a module of its own there."""
