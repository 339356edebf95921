"""Starts a function whose packages lie in a bundle in S3.

Laid into the function's zip as ``_wideload``; runs on the runtime's Python, 3.10 and later,
with nothing beside it but the standard library and zstd.
"""
