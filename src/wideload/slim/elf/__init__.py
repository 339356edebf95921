"""ELF files: read them, lay them anew without what is never loaded, judge if they load.

Pure Python and independent of the machine it runs on: x86_64 and arm64 files are treated
alike on any host.
"""
