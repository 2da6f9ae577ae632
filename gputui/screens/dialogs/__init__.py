"""The dialogs: each asks one thing and gives back one answer, or None."""
