"""The own test suites of heavy packages, run against the packages unslimmed and slimmed."""
