"""The home view: what needs the user now."""
