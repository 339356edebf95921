"""Cold and warm starts, measured: each way to ship beside the others, in one sandbox."""
