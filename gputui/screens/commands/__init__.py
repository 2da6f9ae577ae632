"""Commands that several views share."""
