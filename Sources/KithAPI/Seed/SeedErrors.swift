// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithServer

extension ErrorDialect {
    static let seed = ErrorDialect { try PlainReply(SeedError($0), status: $0.status, headers: $0.headers) }
}

/// An error as the seeds' clients expect it.
private struct SeedError: Encodable {
    var error: String
    var success = false
    var field: String?
    var models: [String]?

    init(_ problem: SurfaceProblem) {
        error = problem.message
        field = problem.failure?.field
        models = problem.failure?.code == .modelNotFound ? problem.failure?.knownModels.map(\.rawValue) : nil
    }
}
