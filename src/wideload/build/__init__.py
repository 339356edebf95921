"""The chosen proposal becomes files to ship and a manifest that accounts for each byte."""
