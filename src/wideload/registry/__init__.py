"""Container registries: images pulled and pushed by the distribution protocol.

Thin, on urllib3, for want of a library that fits: `oras` checks no digest of what it downloads
and mounts no blob of another repository; `python-dxf` does both, but cannot go on with an upload
that broke. Both bring `requests`.
https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""
