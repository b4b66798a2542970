// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel

/// A registry's entries as they are saved, in JSON.
enum RegistryArchive {
    private struct Entry: Encodable {
        var cell: CellBody
        var owner: RegistryOwner
    }

    private struct Archive: Encodable {
        var saved_at: WallTime
        var entries: [Entry]
    }

    private struct ReadEntry: Decodable {
        var cell: JSONValue
        var owner: RegistryOwner
    }

    private struct ReadArchive: Decodable {
        var saved_at: WallTime
        var entries: [ReadEntry]
    }

    /// - Throws: `EncodingError` for a number that JSON cannot hold, which no registry has.
    static func bytes(of entries: [Registry.Entry], savedAt: WallTime) throws -> [UInt8] {
        try JSONBody.encode(
            Archive(
                saved_at: savedAt, entries: entries.map { Entry(cell: CellBody($0.cell), owner: $0.owner) }))
    }

    /// - Throws: ``ChatFailure`` for what is no archive. Single cells that cannot be used are left out.
    static func read(_ bytes: [UInt8]) throws -> (entries: [Registry.Entry], savedAt: WallTime) {
        let archive = try JSONBody.decode(ReadArchive.self, from: bytes)
        let entries = archive.entries.compactMap { entry -> Registry.Entry? in
            guard let cell = try? CellInfo(body: entry.cell) else { return nil }
            return Registry.Entry(cell: cell, owner: entry.owner)
        }
        return (entries, archive.saved_at)
    }
}
