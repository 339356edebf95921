"""What of a package a run of the user's own events uses, and what is to be kept for it."""
