// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel

/// A request that is passed through as it goes to a kin: a line of JSON, and after it the client's own bytes.
package enum KinPassage {
    private struct Line: Codable {
        var id: RequestID
        var service: EngineService
        var model: ModelID?
        /// Of the bytes.
        var contentType: String
    }

    /// - Throws: `EncodingError`, which these few strings cannot cause.
    package static func encode(_ request: PassThroughRequest) throws -> [UInt8] {
        let line = Line(
            id: request.id, service: request.service, model: request.model, contentType: request.contentType)
        return try JSONBody.encode(line) + [UInt8(ascii: "\n")] + request.body
    }

    /// - Throws: `ChatError` for what is no such request.
    package static func decode(_ bytes: [UInt8]) throws -> PassThroughRequest {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
            throw ChatError(.malformedRequest, "this is no question of a kith node")
        }
        let line = try JSONBody.decode(Line.self, from: bytes[..<end])
        var request = try OpenAIPassThrough.read(
            line.service, contentType: line.contentType, Array(bytes[(end + 1)...]))
        request.id = line.id
        request.model = line.model
        return request
    }
}
