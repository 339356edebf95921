"""wideload ships AWS Lambda functions that are too big to ship."""

__version__ = "0.1.0"
