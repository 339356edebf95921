"""Whether what was built runs: its modules import and its events are answered as expected."""
