// SPDX-License-Identifier: Apache-2.0

import KithServer

extension ErrorDialect {
    /// Of a path on the node's port for clients.
    static func ofClients(_ path: String) -> ErrorDialect {
        if path.hasPrefix("/v1/") || path == "/v1" { return .openAI }
        return ControlRoutes.cover(path) ? .control : .seed
    }
}
