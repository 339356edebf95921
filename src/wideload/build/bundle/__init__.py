"""A tree becomes a bundle: one object that the loader starts a function from."""
