"""The log of one instance."""
