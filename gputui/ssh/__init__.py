"""SSH: known hosts (hosts), connections (client, pool), the raw shell (shell). Importing this loads none of them."""
