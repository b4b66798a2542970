// SPDX-License-Identifier: Apache-2.0

/// Why an upstream gave no answer that can be used.
package struct UpstreamProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        /// There was no connection, so nothing was sent.
        case unreachable
        /// It did not answer in time.
        case silent
        /// The connection ended before the answer did.
        case interrupted
        /// What came is no answer of a cell.
        case garbage
        /// It says that it cannot answer, by its status: 5xx, and those that speak of the way and not of the request.
        case failed
        /// It says by its status that the request is wrong.
        case refused
        /// It was found to be down while it was waited for.
        case lost
    }

    package var kind: Kind
    /// A few words for people and the log.
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// Whether what was sent may have been carried out all the same.
    package var mayHaveArrived: Bool {
        switch kind {
        case .unreachable, .refused: false
        case .silent, .interrupted, .garbage, .failed, .lost: true
        }
    }

    package var description: String { message }
}
