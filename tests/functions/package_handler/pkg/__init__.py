"""A package whose module holds the handler."""
