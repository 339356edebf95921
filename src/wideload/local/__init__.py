"""The embedded AWS: one port of loopback that any AWS client may talk to."""
