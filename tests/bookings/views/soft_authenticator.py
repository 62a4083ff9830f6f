"""A device that makes passkeys, in software: ES256 and attestation “none” (WebAuthn Level 2, sections 6 and 8.7)."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

ORIGIN: Final = "http://testserver"
PRESENT, VERIFIED = AuthenticatorData.FLAG.UP, AuthenticatorData.FLAG.UV


@dataclass
class SoftAuthenticator:
    """One passkey on one device; `flags` is what the device says of the person before it."""

    flags: AuthenticatorData.FLAG = PRESENT | VERIFIED
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: str = ""
    discoverable: bool = True

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer `navigator.credentials.create()`."""
        asked = options["publicKey"]
        self.handle = asked["user"]["id"]
        public = ES256.from_cryptography_key(self.key.public_key())
        made = AttestedCredentialData.create(Aaguid.NONE, self.credential_id, public)
        data = AuthenticatorData.create(
            _rp(asked["rp"]["id"]), self.flags | AuthenticatorData.FLAG.AT, counter=0, credential_data=made
        )
        client = CollectedClientData.create(CollectedClientData.TYPE.CREATE, asked["challenge"], ORIGIN)
        return self._answer(
            {
                "clientDataJSON": websafe_encode(client),
                "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
            },
            extensions={"credProps": {"rk": self.discoverable}},
        )

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer `navigator.credentials.get()`."""
        asked = options["publicKey"]
        data = AuthenticatorData.create(_rp(asked["rpId"]), self.flags, counter=0)
        client = CollectedClientData.create(CollectedClientData.TYPE.GET, asked["challenge"], ORIGIN)
        signed = self.key.sign(bytes(data) + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": websafe_encode(client),
                "authenticatorData": websafe_encode(data),
                "signature": websafe_encode(signed),
                "userHandle": self.handle,
            },
            extensions={},
        )

    def _answer(self, response: dict[str, str], *, extensions: dict[str, Any]) -> dict[str, Any]:
        name = websafe_encode(self.credential_id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": extensions,
        }


def as_json(answer: dict[str, Any]) -> str:
    """An answer as the page's script writes it into the form."""
    return json.dumps(answer)


def challenge_of(options: dict[str, Any]) -> bytes:
    """The challenge in the options."""
    return websafe_decode(options["publicKey"]["challenge"])


def _rp(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
