"""The simulated DeepDock."""
