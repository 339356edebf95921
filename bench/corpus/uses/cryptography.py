"""Signs and verifies, encrypts, and makes a certificate."""

import datetime

from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def use() -> object:
    key = rsa.generate_private_key(65537, 2048)
    how = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
    key.public_key().verify(key.sign(b"x", how, hashes.SHA256()), b"x", how, hashes.SHA256())
    young = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    box = AESGCM(bytes(32)).encrypt(bytes(12), b"secret", b"")
    secret = Fernet.generate_key()
    opened = Fernet(secret).decrypt(Fernet(secret).encrypt(b"hello")).decode()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "wide.example")])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    signer = ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(signer.public_key())
        .serial_number(7)
        .not_valid_before(day)
        .not_valid_after(day + datetime.timedelta(30))
        .sign(signer, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    again = x509.load_pem_x509_certificate(pem)
    return [young.sign(b"x").hex(), box.hex(), opened, again.subject.rfc4514_string()]
