"""S3's data plane, kept in files: bytes are written once and read by position."""
