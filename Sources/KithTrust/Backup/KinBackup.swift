// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import SystemPackage

/// Who is kin and where they are, as it is kept outside of the database: a node that lost that one asks them for the rest.
///
/// Nobody becomes kin by it who was not: the operations are signed, and whoever reads them checks that.
package struct KinBackup: Hashable, Sendable {
    /// The node whose kin they are. Another's are of no use.
    package let root: NodeID
    /// By author and number.
    package let operations: [SignedOperation]
    /// Of each kin, in a fixed order.
    package let addresses: [NodeID: [PeerAddress]]

    /// Of everything as much as may be; what is beyond it is left out.
    package init(root: NodeID, operations: [SignedOperation], addresses: [NodeID: [PeerAddress]]) {
        self.root = root
        self.operations = Array(operations.prefix(Self.operationLimit))
        let kept = addresses.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }.prefix(Self.peerLimit)
        self.addresses = Dictionary(
            uniqueKeysWithValues: kept.map { ($0.key, Self.ordered($0.value)) })
    }

    /// The order in which addresses answered changes often, and is not worth a write each time.
    private static func ordered(_ addresses: [PeerAddress]) -> [PeerAddress] {
        Array(addresses.prefix(addressLimit)).sorted { $0.description < $1.description }
    }
}

extension KinBackup {
    package static let operationLimit = TrustLog.limit
    package static let peerLimit = 1_024
    /// Of one peer.
    package static let addressLimit = 16
    /// The most bytes that it can have.
    package static let byteLimit = 64 * 1_024 * 1_024

    private static let heading = Array("kith kin 1\n".utf8)

    /// Heading, root, number of operations, the operations, number of peers, their addresses.
    package var encoded: [UInt8] {
        var writer = FieldWriter()
        writer.put(fixed: Self.heading)
        writer.put(fixed: root.digest)
        writer.put(UInt16(clamping: operations.count))
        for operation in operations {
            writer.put(fixed: operation.author.digest)
            writer.put(operation.sequence)
            writer.put(counted: operation.bytes)
        }
        writer.put(UInt16(clamping: addresses.count))
        for (id, addresses) in addresses.sorted(by: { $0.key < $1.key }) {
            writer.put(fixed: id.digest)
            writer.put(UInt8(clamping: addresses.count))
            for address in addresses { writer.put(fixed: PackedAddress.pack(address)) }
        }
        return writer.bytes
    }

    /// - Returns: `nil` for bytes that ``encoded`` does not write. No signature has been checked.
    package init?(_ bytes: [UInt8]) {
        var reader = FieldReader(bytes)
        guard bytes.count <= Self.byteLimit, reader.fixed(Self.heading.count) == Self.heading,
            let root = reader.id(), let operations = Self.operations(from: &reader),
            let addresses = Self.addresses(from: &reader), reader.isAtEnd
        else { return nil }
        self.init(root: root, operations: operations, addresses: addresses)
    }

    private static func operations(from reader: inout FieldReader) -> [SignedOperation]? {
        guard let count = reader.uint16(), Int(count) <= operationLimit else { return nil }
        var operations: [SignedOperation] = []
        for _ in 0..<count {
            guard let author = reader.id(), let sequence = reader.uint64(), let bytes = reader.counted(),
                bytes.count <= TrustOperation.byteLimit
            else { return nil }
            operations.append(SignedOperation(author: author, sequence: sequence, bytes: bytes))
        }
        return operations
    }

    private static func addresses(from reader: inout FieldReader) -> [NodeID: [PeerAddress]]? {
        guard let count = reader.uint16(), Int(count) <= peerLimit else { return nil }
        var all: [NodeID: [PeerAddress]] = [:]
        for _ in 0..<count {
            guard let id = reader.id(), let count = reader.byte(), Int(count) <= addressLimit else { return nil }
            var addresses: [PeerAddress] = []
            for _ in 0..<count {
                guard let address = PackedAddress.unpack(from: &reader) else { return nil }
                addresses.append(address)
            }
            all[id] = addresses
        }
        return all
    }
}

extension FieldReader {
    fileprivate mutating func id() -> NodeID? { fixed(32).flatMap { NodeID(digest: $0) } }
}

/// Why the file about kin could not be read or written. The node goes on without it.
package struct KinBackupError: Error, Sendable, CustomStringConvertible {
    package let file: String
    /// What is wrong, after the name of the file.
    package let message: String
    package let cause: Errno?

    package var description: String { "\(file) \(message)" + (cause.map { ": \($0)" } ?? "") }
}

/// The file in which a ``KinBackup`` is kept, beside the node's key. One process writes it.
///
/// What has been kept is on the disk. Writing blocks a thread for as long as the disk takes; kin change rarely.
package actor KinBackupFile {
    package let path: FilePath
    private let report: @Sendable (KinBackupError) -> Void
    /// What the file holds, as far as it is known.
    private var kept: KinBackup?

    /// - Parameters:
    ///   - folder: that of the identity.
    ///   - report: told of what cannot be read or written.
    package init(folder: FilePath, report: @escaping @Sendable (KinBackupError) -> Void) {
        path = folder.appending("kin")
        self.report = report
    }

    /// - Returns: `nil` also for a file that cannot be read, which has been reported then.
    package func read() -> KinBackup? {
        do {
            guard let bytes = try contents() else { return nil }
            guard let backup = KinBackup(bytes) else {
                report(KinBackupError(file: path.string, message: "is damaged", cause: nil))
                return nil
            }
            kept = backup
            return backup
        } catch {
            report(KinBackupError(file: path.string, message: "cannot be read", cause: error))
            return nil
        }
    }

    /// Puts what `current` returns into the file, unless it is there. Asked here, so that of several changes at the same
    /// time the last is what stays.
    package func keep(_ current: @Sendable () -> KinBackup) {
        let backup = current()
        if backup == kept { return }
        do {
            try DurableFile.replace(path, with: backup.encoded)
            kept = backup
        } catch {
            kept = nil
            report(KinBackupError(file: path.string, message: "cannot be written", cause: error))
        }
    }

    /// - Returns: `nil` when there is no file.
    private func contents() throws(Errno) -> [UInt8]? {
        do {
            // Without waiting, because what looks like a file may be a pipe.
            let descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
            return try descriptor.closeAfter {
                let status = try descriptor.stat()
                guard status.type == .regular, status.size <= Int64(KinBackup.byteLimit) else {
                    throw Errno.fileTooLarge
                }
                return try Self.bytes(of: descriptor, count: Int(status.size))
            }
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch {
            throw error as? Errno ?? .ioError
        }
    }

    private static func bytes(of descriptor: FileDescriptor, count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let read = try bytes.withUnsafeMutableBytes { space in
                try descriptor.read(into: UnsafeMutableRawBufferPointer(rebasing: space[filled...]))
            }
            if read == 0 { break }
            filled += read
        }
        return Array(bytes.prefix(filled))
    }
}
