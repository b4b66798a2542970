// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel

/// The public half of a node's key, by which everybody can check what the node has signed.
package struct NodePublicKey: Hashable, Sendable {
    /// How many bytes ``bytes`` are.
    package static let length = 65
    /// How many bytes a signature has.
    package static let signatureLength = 64

    /// The uncompressed point (SEC 1, section 2.3.3).
    package let bytes: [UInt8]
    /// SHA-256 of the key in the form in which certificates hold it (SubjectPublicKeyInfo, RFC 5480, in DER).
    package let id: NodeID

    /// - Returns: `nil` when it is not an uncompressed point on the curve P-256.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length, let key = try? P256.Signing.PublicKey(x963Representation: Array(bytes)) else {
            return nil  // why it is no point says nothing more
        }
        self.init(key)
    }

    init?(_ key: P256.Signing.PublicKey) {
        guard let id = NodeID(digest: Array(SHA256.hash(data: key.derRepresentation))) else { return nil }
        self.bytes = Array(key.x963Representation)
        self.id = id
    }

    /// Whether the holder of the private key signed `message`: ECDSA over SHA-256, as two numbers of 32 bytes.
    package func verifies(_ signature: some Collection<UInt8>, of message: some Collection<UInt8>) -> Bool {
        guard signature.count == Self.signatureLength,
            let key = try? P256.Signing.PublicKey(x963Representation: bytes),
            let signature = try? P256.Signing.ECDSASignature(rawRepresentation: Array(signature))
        else { return false }
        return key.isValidSignature(signature, for: Array(message))
    }
}
