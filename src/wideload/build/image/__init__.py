"""A container image of a function, built without any engine: base, layers, configuration."""
