"""What runs inside Lambda; nothing of the rest of wideload is there."""
