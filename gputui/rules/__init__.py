"""Rules that outlive a session: their files, their journals, and the decisions that follow from both. No network."""
