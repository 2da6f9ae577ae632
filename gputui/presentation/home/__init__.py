"""The lines of the home view: problems, waste, work under way, spending, stock, news, favourites. Pure."""
