"""What the handler needs."""


def reverse(text):
    return " ".join(reversed(text.split()))
