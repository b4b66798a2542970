// SPDX-License-Identifier: Apache-2.0

import GRDB
import KithModel

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Text in the form in which the database can keep it.
///
/// U+0000, which ends a text in SQLite's C interface, becomes U+FFFD. Text over the limit is cut between two characters
/// and ends with ``mark``, which counts towards the limit.
struct KeptText: Hashable, Sendable {
    static let mark = "\n[cut: longer than is kept]"

    let value: String

    /// - Parameter limit: bytes of UTF-8; at least as many as ``mark`` has.
    init(_ text: String, limit: Int) {
        let held = Self.cut(text, limit: limit)
        guard held.utf8.contains(0) else {
            value = held
            return
        }
        // The replacement is longer than what it replaces, so the limit may be passed only now.
        let replaced = held.unicodeScalars.reduce(into: String.UnicodeScalarView()) { scalars, scalar in
            scalars.append(scalar == "\0" ? "\u{FFFD}" : scalar)
        }
        value = Self.cut(String(replaced), limit: limit)
    }

    private static func cut(_ text: String, limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        let room = text.utf8.index(text.startIndex, offsetBy: max(0, limit - mark.utf8.count))
        return text[..<boundary(of: text, notAfter: room)] + mark
    }

    /// The last boundary between characters up to `index`, or between scalars where a single character is so long that
    /// too much would be lost.
    private static func boundary(of text: String, notAfter index: String.Index) -> String.Index {
        var scalarBoundary = index
        while String.Index(scalarBoundary, within: text.unicodeScalars) == nil, scalarBoundary > text.startIndex {
            text.utf8.formIndex(before: &scalarBoundary)
        }
        if String.Index(scalarBoundary, within: text) != nil { return scalarBoundary }
        let whole = text[..<scalarBoundary].dropLast().endIndex
        let lost = text.utf8.distance(from: whole, to: scalarBoundary)
        return lost <= 1_024 ? whole : scalarBoundary
    }
}

/// Bytes as a column holds them.
struct Blob: Hashable, Sendable, DatabaseValueConvertible {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var databaseValue: DatabaseValue { Data(bytes).databaseValue }

    static func fromDatabaseValue(_ value: DatabaseValue) -> Blob? {
        Data.fromDatabaseValue(value).map { Blob([UInt8]($0)) }
    }
}

extension NodeID {
    var blob: Blob { Blob(digest) }

    /// - Throws: `DatabaseError` when the column does not hold 32 bytes, which the schema rules out.
    init(_ row: Row, column: String) throws {
        guard let id = NodeID(digest: try row.decode(Blob.self, forColumn: column).bytes) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a node's id does not have 32 bytes")
        }
        self = id
    }
}

extension DatabaseError {
    /// For a row that the schema and this program do not write.
    static func damaged(_ message: String) -> DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: message)
    }
}
