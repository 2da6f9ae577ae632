"""The meaning of the numbers: cost, start-up times, stock trends. Pure."""
