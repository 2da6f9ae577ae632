"""The history: snapshots, events, samples, logins, the audit log and typed commands that outlive a session."""
