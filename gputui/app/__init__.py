"""The app: fleet, screens, keys and terminal wired together."""
