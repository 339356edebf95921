"""Signs, encrypts and hashes."""

from nacl import hash as hashes
from nacl.public import Box, PrivateKey
from nacl.secret import SecretBox
from nacl.signing import SigningKey


def use() -> object:
    signed = SigningKey(bytes(32)).sign(b"x")
    sealed = SecretBox(bytes(32)).encrypt(b"hello", bytes(24))
    one, other = PrivateKey.generate(), PrivateKey.generate()
    box = Box(one, other.public_key).encrypt(b"to you")
    opened = Box(other, one.public_key).decrypt(box).decode()
    return [signed.hex(), sealed.hex(), opened, hashes.blake2b(b"x").decode()]
