"""DeepDock: containers on hosts with DeepDock."""
