"""Requirements and a target become exact wheels with their members; nothing is downloaded."""
