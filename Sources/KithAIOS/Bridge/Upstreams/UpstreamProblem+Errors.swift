// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithPeers

extension UpstreamProblem {
    /// What came instead of an answer.
    init(_ error: any Error) {
        switch error {
        case let problem as UpstreamProblem: self = problem
        case let failure as ChatFailure: self.init(failure)
        case let failure as LinkFailure: self.init(.unreachable, "\(failure)")
        case is AttemptExpired: self.init(.silent, "it did not answer in time")
        default: self.init(.interrupted, "\(error)")
        }
    }

    private init(_ failure: ChatFailure) {
        switch failure.code {
        case .unreachable: self.init(.unreachable, failure.message + Self.cause(of: failure))
        case .timeout: self.init(.silent, failure.message)
        case .invalidAnswer: self.init(.garbage, failure.message)
        default: self.init(.interrupted, failure.message)
        }
    }

    /// Why there was no connection, where the system has a word for it.
    private static func cause(of failure: ChatFailure) -> String {
        failure.cause.map { ": \(LinkFailure(connecting: $0))" } ?? ""
    }
}
