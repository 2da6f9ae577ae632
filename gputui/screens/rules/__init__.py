"""The list of rules: watches, grabs and leases, with what came of each."""
