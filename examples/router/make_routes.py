"""Writes routes.bin: for every 64 IPv4 addresses the route that packets for them take.

    python make_routes.py

The routes are made up: a default route, and prefixes of 8 to 26 bits with the share of each
length that routing tables on the Internet have. The table is their answer to every question,
2^26 entries of four bytes: the number of a router in routers.json, the length of the longest
prefix that covers the addresses, and how far away they are: a byte that was measured for these
64 addresses, and one of the prefix, which counts 256 times as much.

The only source of chance is `random.Random`'s bits, whose sequence Python promises to keep from
version to version, so the file comes out the same anywhere.
"""

import json
import pathlib
import random

SEED = 19810901
ENTRY_BITS = 6
DEFAULT = (0, 0, 3)
# How many prefixes of each length there are.
PREFIXES = {8: 16, 10: 40, 12: 280, 14: 1_200, 16: 13_000, 18: 14_000, 19: 25_000}
PREFIXES |= {20: 43_000, 21: 50_000, 22: 110_000, 23: 95_000, 24: 300_000, 25: 8_000, 26: 9_000}
HERE = pathlib.Path(__file__).parent


def entry(router, length, distance):
    """Return the four bytes of an entry, nothing being measured yet."""
    return bytes((router, length, 0, distance))


def table(routers):
    """Return the whole table; longer prefixes are laid over shorter ones."""
    chance = random.Random(SEED)
    made = bytearray(entry(*DEFAULT) * (1 << (32 - ENTRY_BITS)))
    for length, count in PREFIXES.items():
        entries = 1 << (32 - ENTRY_BITS - length)
        for _ in range(count):
            at = chance.getrandbits(length) * entries * 4
            router = 1 + chance.getrandbits(16) % (routers - 1)
            distance = chance.getrandbits(16) % 3
            made[at : at + 4 * entries] = entry(router, length, distance) * entries
    made[2::4] = chance.randbytes(len(made) // 4)
    return made


def main():
    """Write the file beside this one."""
    routers = json.loads((HERE / "routers.json").read_text())
    (HERE / "routes.bin").write_bytes(table(len(routers)))


if __name__ == "__main__":
    main()
