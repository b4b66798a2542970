// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// One statement of a node about who is kin, to be signed and passed on among kin.
package struct TrustOperation: Hashable, Sendable {
    package enum Statement: Hashable, Sendable {
        /// The subject is kin, from this epoch on.
        case admit(epoch: UInt64, introduction: PairingIntroduction)
        /// The subject is no longer kin: admissions up to this epoch are void, and what the subject itself stated after
        /// its operation number `lastAccepted` does not count.
        case forget(epoch: UInt64, lastAccepted: UInt64)
    }

    /// The greatest epoch; nobody forgets and pairs the same node again so often.
    package static let epochLimit: UInt64 = 1_000_000
    /// The greatest number that an author gives an operation.
    package static let sequenceLimit: UInt64 = 2_000

    package let author: NodePublicKey
    /// Counted by the author from 1, without gaps.
    package let sequence: UInt64
    package let subject: NodeID
    package let statement: Statement
    /// When it was said, by the author's clock. For show: nothing is decided by it.
    package let saidAt: WallTime

    package init(
        author: NodePublicKey, sequence: UInt64, subject: NodeID, statement: Statement, saidAt: WallTime
    ) {
        self.author = author
        self.sequence = sequence
        self.subject = subject
        self.statement = statement
        self.saidAt = saidAt
    }

    package var epoch: UInt64 {
        switch statement {
        case .admit(let epoch, _), .forget(let epoch, _): epoch
        }
    }

    /// Whether its numbers are in range, and it admits somebody else than its author: nobody vouches for itself.
    var isSound: Bool {
        guard (1...Self.sequenceLimit).contains(sequence), (1...Self.epochLimit).contains(epoch) else { return false }
        if case .admit = statement { return subject != author.id }
        return true
    }
}

extension TrustOperation {
    /// Why bytes are not a signed operation.
    package enum Unreadable: String, Error, Hashable, Sendable, CaseIterable {
        case tooLong = "too_long"
        case malformed
        /// Its numbers are out of range, or it admits its own author.
        case unsound
        /// It is filed under another author or number than its own.
        case misfiled
        case wrongSignature = "wrong_signature"
    }

    /// The longest `SignedOperation.bytes`.
    package static let byteLimit = 4_096
    private static let version: UInt8 = 1
    /// Keeps a signature from being taken for one over something else.
    private static let domain = Array("kith trust operation 1\n".utf8)

    /// What is signed, without the domain: version, author's public key, sequence, time, subject, kind, and what belongs
    /// to the kind.
    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.append(byte: Self.version)
        writer.append(contentsOf: author.bytes)
        writer.append(uint64: sequence)
        writer.append(uint64: UInt64(bitPattern: saidAt.milliseconds))
        writer.append(subject)
        switch statement {
        case .admit(let epoch, let introduction):
            writer.append(byte: 1)
            writer.append(uint64: epoch)
            writer.append(counted: (introduction.name?.rawValue ?? "").utf8)
            writer.append(byte: UInt8(clamping: introduction.addresses.count))
            for address in introduction.addresses { writer.append(contentsOf: PackedAddress.pack(address)) }
        case .forget(let epoch, let lastAccepted):
            writer.append(byte: 2)
            writer.append(uint64: epoch)
            writer.append(uint64: lastAccepted)
        }
        return writer.bytes
    }

    /// Signs the operation, which must bear the identity's public key.
    func signed(by identity: NodeIdentity) throws -> SignedOperation {
        let encoded = encoded
        return SignedOperation(
            author: author.id, sequence: sequence, bytes: encoded + (try identity.sign(Self.domain + encoded)))
    }

    /// Reads an operation and checks its signature: it needs nothing but itself for that.
    package static func read(_ signed: SignedOperation) -> Result<TrustOperation, Unreadable> {
        guard signed.bytes.count <= byteLimit else { return .failure(.tooLong) }
        let encoded = Array(signed.bytes.dropLast(NodePublicKey.signatureLength))
        let operation: TrustOperation
        do throws(ByteReaderError) { operation = try decoded(encoded) } catch { return .failure(.malformed) }
        guard operation.isSound else { return .failure(.unsound) }
        guard operation.author.id == signed.author, operation.sequence == signed.sequence else {
            return .failure(.misfiled)
        }
        let signature = signed.bytes.suffix(NodePublicKey.signatureLength)
        guard operation.author.verifies(signature, of: domain + encoded) else { return .failure(.wrongSignature) }
        return .success(operation)
    }

    /// - Throws: also for bytes that mean an operation but are not the form in which it is written.
    private static func decoded(_ bytes: [UInt8]) throws(ByteReaderError) -> TrustOperation {
        var reader = ByteReader(bytes)
        guard try reader.byte() == version, let author = NodePublicKey(try reader.bytes(NodePublicKey.length)) else {
            throw .malformed
        }
        let (sequence, time) = (try reader.uint64(), try reader.uint64())
        let operation = TrustOperation(
            author: author, sequence: sequence, subject: try reader.nodeID(), statement: try statement(from: &reader),
            saidAt: WallTime(milliseconds: Int64(bitPattern: time)))
        guard operation.encoded == bytes else { throw .malformed }
        return operation
    }

    private static func statement(from reader: inout ByteReader) throws(ByteReaderError) -> Statement {
        let (kind, epoch) = (try reader.byte(), try reader.uint64())
        switch kind {
        case 1: return .admit(epoch: epoch, introduction: try introduction(from: &reader))
        case 2: return .forget(epoch: epoch, lastAccepted: try reader.uint64())
        default: throw .malformed
        }
    }

    private static func introduction(from reader: inout ByteReader) throws(ByteReaderError) -> PairingIntroduction {
        guard let text = String(validating: try reader.counted(), as: UTF8.self) else { throw .malformed }
        let count = try reader.byte()
        let name = NodeName(text)
        guard Int(count) <= PairingIntroduction.addressLimit, name != nil || text.isEmpty else { throw .malformed }
        var addresses: [PeerAddress] = []
        for _ in 0..<count { addresses.append(try PackedAddress.unpack(from: &reader)) }
        return PairingIntroduction(name: name, addresses: addresses)
    }
}
