// SPDX-License-Identifier: Apache-2.0

import KithFiles
package import KithModel
package import SystemPackage

/// The kin of this node and their addresses, kept outside of the database: a node that lost its database asks them for
/// the rest.
///
/// It makes nobody kin: the operations are signed, and every reader checks that.
package struct KinBackup: Hashable, Sendable {
    /// The node whose kin they are. Another's are of no use.
    package let root: NodeID
    /// By author and number.
    package let operations: [SignedOperation]
    /// Of each kin, in a fixed order.
    package let addresses: [NodeID: [PeerAddress]]

    /// Entries beyond the limits are left out.
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
        var writer = ByteWriter()
        writer.append(contentsOf: Self.heading)
        writer.append(root)
        writer.append(uint16: UInt16(clamping: operations.count))
        for operation in operations {
            writer.append(operation.author)
            writer.append(uint64: operation.sequence)
            writer.append(counted: operation.bytes)
        }
        writer.append(uint16: UInt16(clamping: addresses.count))
        for (id, addresses) in addresses.sorted(by: { $0.key < $1.key }) {
            writer.append(id)
            writer.append(byte: UInt8(clamping: addresses.count))
            for address in addresses { writer.append(contentsOf: PackedAddress.pack(address)) }
        }
        return writer.bytes
    }

    /// - Returns: `nil` for bytes that ``encoded`` does not write. No signature has been checked.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.byteLimit, bytes.starts(with: Self.heading) else { return nil }
        var reader = ByteReader(bytes.dropFirst(Self.heading.count))
        do throws(ByteReaderError) {
            self.init(
                root: try reader.nodeID(), operations: try Self.operations(from: &reader),
                addresses: try Self.addresses(from: &reader))
        } catch {
            return nil
        }
        guard reader.isAtEnd else { return nil }
    }

    private static func operations(from reader: inout ByteReader) throws(ByteReaderError) -> [SignedOperation] {
        let count = try reader.uint16()
        guard Int(count) <= operationLimit else { throw .limitExceeded }
        var operations: [SignedOperation] = []
        for _ in 0..<count {
            let (author, sequence, bytes) = (try reader.nodeID(), try reader.uint64(), try reader.counted())
            guard bytes.count <= TrustOperation.byteLimit else { throw .limitExceeded }
            operations.append(SignedOperation(author: author, sequence: sequence, bytes: Array(bytes)))
        }
        return operations
    }

    private static func addresses(from reader: inout ByteReader) throws(ByteReaderError) -> [NodeID: [PeerAddress]] {
        let count = try reader.uint16()
        guard Int(count) <= peerLimit else { throw .limitExceeded }
        var all: [NodeID: [PeerAddress]] = [:]
        for _ in 0..<count {
            let (id, count) = (try reader.nodeID(), try reader.byte())
            guard Int(count) <= addressLimit else { throw .limitExceeded }
            var addresses: [PeerAddress] = []
            for _ in 0..<count { addresses.append(try PackedAddress.unpack(from: &reader)) }
            all[id] = addresses
        }
        return all
    }
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
    ///   - report: called with what cannot be read or written.
    package init(folder: FilePath, report: @escaping @Sendable (KinBackupError) -> Void) {
        path = folder.appending("kin")
        self.report = report
    }

    /// - Returns: `nil` also for a file that cannot be read, which is then reported.
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

    /// Writes what `current` returns to the file, unless it is there already. Called here, so that the last of several
    /// simultaneous changes is what stays.
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
            return try RegularFile.read(path, limit: KinBackup.byteLimit)
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch {
            throw error as? Errno ?? .ioError
        }
    }
}
