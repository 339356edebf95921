"""Encodes with ranks of its own, as those of models are downloaded."""

import tiktoken


def use() -> object:
    ranks = {bytes([i]): i for i in range(256)} | {b"wi": 256, b"de": 257, b"wide": 258}
    one = tiktoken.Encoding(
        "own", pat_str=r"\w+|\W", mergeable_ranks=ranks, special_tokens={"<end>": 259}
    )
    numbers = one.encode("wide load<end>", allowed_special="all")
    return [numbers, one.decode(numbers), tiktoken.list_encoding_names()]
