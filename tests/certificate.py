"""A certificate for a server of one's own: good for tests, and for nothing else."""

import datetime
import ipaddress
import os
import ssl
from pathlib import Path

_DAYS = 397  # the longest that common clients take


def tls_context(directory: Path, host: str) -> ssl.SSLContext:
    """Return a server context with the certificate in `directory`, made if need be.

    A client that is to trust it can be given `directory/certificate.pem` as its CA.
    """
    path = directory / "certificate.pem"
    key = directory / "key.pem"
    if not (path.exists() and key.exists()):
        _make(path, key, host)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path, key)
    return context


def _make(path: Path, key_path: Path, host: str) -> None:
    from cryptography import x509  # slow to import, and most runs do without
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    now = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = [x509.DNSName("localhost")]
    for address in {"127.0.0.1", "::1", host}:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(address)))
        except ValueError:
            names.append(x509.DNSName(address))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    with os.fdopen(os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
    path.write_bytes(certificate.public_bytes(pem))
