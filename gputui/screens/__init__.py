"""The screens: each wires widgets to the fleet."""
