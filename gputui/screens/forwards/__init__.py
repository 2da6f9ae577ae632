"""The forwards of ports of this machine to instances."""
