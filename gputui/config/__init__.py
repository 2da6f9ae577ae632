"""The configuration: where it is, its shape, accounts, keys, secrets and templates."""
