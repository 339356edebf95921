"""What may go from a wheel, one rule a module; each judges by paths and by what code asks for."""
