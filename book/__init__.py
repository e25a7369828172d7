"""The web book: pages, notebooks and two live pages, as a site that needs no server behind it."""
