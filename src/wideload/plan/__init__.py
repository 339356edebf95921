"""What a function weighs becomes every way to ship it, side by side. Pure."""
