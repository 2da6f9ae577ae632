"""The documentation site: the pages of docs/, references generated from the code, pictures of the program itself."""
