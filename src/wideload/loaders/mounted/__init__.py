"""What starts a function whose packages are mounted."""
