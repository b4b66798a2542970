# SPDX-License-Identifier: Apache-2.0
"""Somebody who speaks to a node's peer port without being a node: sockets, TLS and HTTP/2 by hand."""

import datetime
import hashlib
import itertools
import json
import socket
import ssl
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import h2.config
import h2.connection
import h2.events
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

# An address of the loopback network for each attempt, so that the node's audit trail keeps them apart. Only Linux has
# the whole network; elsewhere all come from the same.
_sources = itertools.count(1)
_keys = tempfile.TemporaryDirectory(prefix="kith-intruder-")


def fresh_source() -> str:
    number = next(_sources)
    return f"127.7.{number // 250}.{number % 250 + 1}" if sys.platform == "linux" else "127.0.0.1"


@dataclass
class Identity:
    """A key and its certificate, as files."""

    key: Path
    certificate: Path

    @classmethod
    def of(cls, node_folder: Path) -> "Identity":
        folder = node_folder / "state" / "identity"
        return cls(folder / "key.pem", folder / "certificate.pem")

    @classmethod
    def made(cls, kind: str = "P-256") -> "Identity":
        """A new one, signed by itself, as a stranger's node would have."""
        key = {
            "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "RSA": lambda: rsa.generate_private_key(65537, 2048),
        }[kind]()
        return cls._written(key, cls._certificate(key.public_key(), key))

    @classmethod
    def claiming(cls, other: "Identity") -> "Identity":
        """The certificate of another node, with a key of our own."""
        key = ec.generate_private_key(ec.SECP256R1())
        return cls._written(key, x509.load_pem_x509_certificate(other.certificate.read_bytes()))

    @classmethod
    def signed_by_another(cls) -> "Identity":
        key, authority = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        return cls._written(key, cls._certificate(key.public_key(), authority))

    @staticmethod
    def _certificate(public_key, signer) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kith")])
        now = datetime.datetime.now(datetime.timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .sign(signer, hashes.SHA256())
        )

    @classmethod
    def _written(cls, key, certificate: x509.Certificate) -> "Identity":
        folder = Path(tempfile.mkdtemp(dir=_keys.name))
        made = cls(folder / "key.pem", folder / "certificate.pem")
        made.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        made.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return made

    @property
    def digest(self) -> bytes:
        """What a node's id is the written form of."""
        return digest_of(x509.load_pem_x509_certificate(self.certificate.read_bytes()))


def digest_of(certificate: x509.Certificate) -> bytes:
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(certificate.public_key().public_bytes(encoding, form)).digest()


def client_context(identity: Identity | None) -> ssl.SSLContext:
    """TLS as a node speaks it, except that nothing about the server is checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["h2"])
    if identity is not None:
        context.load_cert_chain(identity.certificate, identity.key)
    return context


def dial(port: int, source: str, timeout: float = 10) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout, (source, 0))


def outcome_of_handshake(port: int, source: str, context: ssl.SSLContext) -> str:
    """What becomes of a connection once it is used: `refused: …`, or what the server says first."""
    try:
        with context.wrap_socket(dial(port, source)) as connection:
            # In TLS 1.3 a client learns only by reading whether its certificate was accepted.
            connection.sendall(h2_preface())
            said = connection.recv(65536)
            return f"the server said {len(said)} bytes" if said else "refused: closed"
    except (ssl.SSLError, ConnectionError) as failure:
        return f"refused: {failure}"


def h2_preface() -> bytes:
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    return connection.data_to_send()


def frame(kind: int, flags: int, stream: int, payload: bytes, length: int | None = None) -> bytes:
    """An HTTP/2 frame (RFC 9113, section 4.1), if need be with a length that it does not have."""
    size = len(payload) if length is None else length
    return size.to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def kinds_of_frames(said: bytes) -> list[int]:
    """The kinds of the whole frames in what a server said."""
    kinds, position = [], 0
    while position + 9 <= len(said):
        kinds.append(said[position + 3])
        position += 9 + int.from_bytes(said[position : position + 3], "big")
    return kinds


def read_to_the_end(connection: socket.socket, limit: float) -> tuple[bytes, float]:
    """Everything until the other side closes, and how long that took; `TimeoutError` when it does not."""
    began, said = time.monotonic(), b""
    try:
        while time.monotonic() - began < limit:
            connection.settimeout(max(0.01, limit - (time.monotonic() - began)))
            piece = connection.recv(65536)
            if not piece:
                return said, time.monotonic() - began
            said = (said + piece)[-65536:]
    except (ssl.SSLError, ConnectionError):
        return said, time.monotonic() - began
    raise TimeoutError(f"the connection is still open after {limit:g} s")


@dataclass
class Reply:
    status: int
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def refusal(self) -> str | None:
        return self.json().get("refused") if self.status == 403 else None


class Caller:
    """An HTTP/2 connection to a peer port. A context manager."""

    def __init__(self, port: int, source: str, identity: Identity, timeout: float = 10):
        self.socket = client_context(identity).wrap_socket(dial(port, source, timeout))
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8", validate_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(config)
        self.h2.initiate_connection()
        self._send()

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def server_digest(self) -> bytes:
        return digest_of(x509.load_der_x509_certificate(self.socket.getpeercert(binary_form=True)))

    def post(self, path: str, body, content_type: str = "application/json") -> Reply:
        return self.request("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode(), content_type)

    def get(self, path: str) -> Reply:
        return self.request("GET", path)

    def request(
        self, method: str, path: str, body: bytes = b"", content_type: str = "application/json", more=()
    ) -> Reply:
        stream = self.h2.get_next_available_stream_id()
        headers = [(":method", method), (":scheme", "https"), (":authority", "kith"), (":path", path)]
        if body:
            headers += [("content-type", content_type), ("content-length", str(len(body)))]
        self.h2.send_headers(stream, [*headers, *more], end_stream=not body)
        return self._exchange(stream, body)

    def _exchange(self, stream: int, body: bytes) -> Reply:
        reply, ended = Reply(0, b""), False
        while not ended:
            while body and (room := self._room(stream)):
                self.h2.send_data(stream, body[:room], end_stream=len(body) <= room)
                body = body[room:]
            self._send()
            received = self.socket.recv(65536)
            if not received:
                raise ConnectionError("the node closed the connection")
            for event in self.h2.receive_data(received):
                match event:
                    case h2.events.ResponseReceived(stream_id=at, headers=headers) if at == stream:
                        reply.status = int(dict(headers)[":status"])
                    case h2.events.DataReceived(stream_id=at, data=data) if at == stream:
                        reply.body += data
                        self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
                    case h2.events.StreamEnded(stream_id=at) if at == stream:
                        ended = True
                    case h2.events.StreamReset(stream_id=at) if at == stream:
                        if reply.status:
                            body, ended = b"", True
                        else:
                            raise ConnectionError(f"the node reset the stream: {event.error_code!r}")
                    case h2.events.ConnectionTerminated():
                        raise ConnectionError(f"the node ended the connection: {event.error_code!r}")
        self._send()
        return reply

    def _room(self, stream: int) -> int:
        return min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)

    def _send(self) -> None:
        self.socket.sendall(self.h2.data_to_send())
