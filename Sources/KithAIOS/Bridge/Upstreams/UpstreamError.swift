// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithPeers

/// Why an upstream gave no answer that can be used.
package struct UpstreamError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        /// There was no connection, so nothing was sent.
        case unreachable
        /// It did not answer in time.
        case silent
        /// The connection ended before the answer did.
        case interrupted
        /// What came is no answer of a cell.
        case garbage
        /// It says that it cannot answer, by its status: 5xx, and those that are about the way there and not about the
        /// request.
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

extension UpstreamError {
    /// What came instead of an answer.
    init(_ error: any Error) {
        switch error {
        case let problem as UpstreamError: self = problem
        case let failure as ChatError: self.init(failure)
        case let failure as LinkError: self.init(.unreachable, "\(failure)")
        case is DeadlineExceeded: self.init(.silent, "it did not answer in time")
        default: self.init(.interrupted, "\(error)")
        }
    }

    private init(_ failure: ChatError) {
        switch failure.code {
        case .unreachable: self.init(.unreachable, failure.message + Self.cause(of: failure))
        case .timeout: self.init(.silent, failure.message)
        case .invalidAnswer: self.init(.garbage, failure.message)
        default: self.init(.interrupted, failure.message)
        }
    }

    /// Why there was no connection, where the system has a word for it.
    private static func cause(of failure: ChatError) -> String {
        failure.cause.map { ": \(LinkError(connecting: $0))" } ?? ""
    }
}
