"""Rovers on the moon: the example of a vendor's package, see docs/adding-a-vendor.md."""
