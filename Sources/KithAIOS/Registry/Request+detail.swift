// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel
import KithServer

extension Request {
    /// Reads a JSON body whole, as the routes of AIOS services do.
    ///
    /// - Throws: ``UnusableBody`` in FastAPI's words; ``SurfaceRefusal`` for another content type or more than `limit`
    ///   bytes.
    func detailBody(upTo limit: Int) async throws -> JSONValue {
        let bytes = try await jsonBody(upTo: limit)
        guard !bytes.isEmpty else {
            throw UnusableBody([
                FieldFault(type: "missing", location: [.name("body")], message: "Field required", input: .null)
            ])
        }
        do {
            return try JSONBody.decode(JSONValue.self, from: bytes)
        } catch {
            throw UnusableBody([
                FieldFault(
                    type: "json_invalid", location: [.name("body"), .index(0)], message: "JSON decode error",
                    input: .object([:]))
            ])
        }
    }
}
