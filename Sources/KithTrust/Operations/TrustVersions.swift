// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Which operations a ledger holds, in short: for every author the last number, and a digest of every run of 128
/// operations, so that ledgers that hold different statements under the same numbers notice it.
package struct TrustVersions: Hashable, Sendable {
    package struct Author: Hashable, Sendable, Codable {
        package var last: UInt64
        /// Of all runs, the last of which may be shorter.
        package var digests: [Octets32]
    }

    static let run = 128
    static let runLimit = (TrustLedger.limitPerAuthor + run - 1) / run

    package private(set) var authors: [NodeID: Author] = [:]

    init(_ authors: [NodeID: Author]) { self.authors = authors }
}

extension TrustVersions: Codable {
    private struct Line: Codable {
        var author: NodeID
        var last: UInt64
        var digests: [Octets32]
    }

    package init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        while !list.isAtEnd {
            let line = try list.decode(Line.self)
            guard authors.count < TrustLedger.authorLimit, line.digests.count <= Self.runLimit else {
                throw DecodingError.dataCorruptedError(in: list, debugDescription: "more than a ledger holds")
            }
            authors[line.author] = Author(last: line.last, digests: line.digests)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var list = encoder.unkeyedContainer()
        for (author, version) in authors.sorted(by: { $0.key < $1.key }) {
            try list.encode(Line(author: author, last: version.last, digests: version.digests))
        }
    }
}
