"""Money: present spending, that of a period, and the balances and packages that it draws on."""
