// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import KithModel

extension RegistryRefusal {
    /// - Throws: What the client is told of the refusal, if there is one.
    static func check(_ refusal: RegistryRefusal?, body: JSONValue) throws {
        guard let refusal else { return }
        switch refusal {
        case .unusable(let field, let why):
            throw UnusableBody(field: field, why: why, input: body[field] ?? .null)
        case .unknown: throw DetailRefusal(status: .notFound, message: refusal.message)
        case .taken: throw DetailRefusal(status: .conflict, message: refusal.message)
        case .foreign: throw DetailRefusal(status: .forbidden, message: refusal.message)
        case .full: throw DetailRefusal(status: .serviceUnavailable, message: refusal.message)
        }
    }
}
