// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Cuts a stream of bytes into lines that end in LF or CR LF; for NDJSON and server-sent events.
package struct LineDecoder: Sendable {
    /// Bytes of a line; a longer one is an error, so that a peer cannot fill this node's memory.
    package static let defaultLimit = 1 << 20

    private var pending: [UInt8] = []
    private let limit: Int

    package init(limit: Int = LineDecoder.defaultLimit) { self.limit = limit }

    /// - Returns: The lines that `bytes` completes, without their ends, empty ones included.
    /// - Throws: ``ChatFailure`` with `invalidAnswer` when a line is longer than the limit.
    package mutating func feed(_ bytes: some Collection<UInt8>) throws -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            pending.append(contentsOf: rest[..<end])
            if pending.last == UInt8(ascii: "\r") { pending.removeLast() }
            try check()
            lines.append(pending)
            pending.removeAll(keepingCapacity: false)
            rest = rest[rest.index(after: end)...]
        }
        pending.append(contentsOf: rest)
        try check()
        return lines
    }

    /// - Returns: What stood after the last line end, if anything.
    package mutating func finish() -> [UInt8]? {
        defer { pending = [] }
        return pending.isEmpty ? nil : pending
    }

    private func check() throws {
        guard pending.count <= limit else {
            throw ChatFailure(.invalidAnswer, "a line of the answer is longer than \(limit) bytes")
        }
    }
}
