"""What of a function need not be shipped, each with rule, reason and bytes."""
