"""Web: the shell of the pages; each slice has its own pages, this is what belongs to none of them."""
