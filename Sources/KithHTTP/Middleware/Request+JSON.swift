// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import KithDialects
import KithInference
import KithModel
import NIOCore

extension Request {
    /// Reads a JSON body whole.
    ///
    /// - Throws: ``SurfaceRefusal`` for another content type or more than `limit` bytes.
    func jsonBody(upTo limit: Int) async throws -> [UInt8] {
        if let type = headers[.contentType], !MediaTypes.isJSON(type) {
            throw SurfaceRefusal.unsupportedMediaType(type)
        }
        if let length = headers[.contentLength].flatMap({ Int($0) }), length > limit {
            throw SurfaceRefusal.tooLarge(limit)
        }
        do {
            return [UInt8](buffer: try await body.collect(upTo: limit))
        } catch is NIOTooManyBytesError {
            throw SurfaceRefusal.tooLarge(limit)
        }
    }
}

extension Response {
    /// - Throws: `EncodingError` for a number that JSON cannot hold.
    static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], route: RouteReport? = nil
    ) throws -> Response {
        try PlainReply(value, status: status, headers: headers, route: route).response
    }
}

extension HTTPFields {
    /// The node that the client wants to be answered by, from `x-kith-node`.
    ///
    /// - Throws: ``ChatFailure`` for what cannot be a node's name.
    func pinnedNode() throws -> NodeName? {
        guard let text = self[.kithNode] else { return nil }
        guard let name = NodeName(text) else {
            throw ChatFailure(.invalidRequest, "'x-kith-node' is not a node's name", field: "x-kith-node")
        }
        return name
    }

    /// Whether another node may go on with the answer, from `x-kith-continue`.
    ///
    /// - Throws: ``ChatFailure`` for another value than `on` and `off`.
    func mayContinue() throws -> Bool {
        switch self[.kithContinue]?.lowercased() {
        case nil, "on": return true
        case "off": return false
        default: throw ChatFailure(.invalidRequest, "'x-kith-continue' is neither on nor off", field: "x-kith-continue")
        }
    }

    /// Where an answer came from, as it was said elsewhere; nothing for what cannot stand in a header.
    static func route(_ text: String?) -> HTTPFields {
        guard let text, (1...RouteReport.headerLimit).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return [:] }
        return [.kithRoute: text]
    }

    mutating func setRoute(_ route: RouteReport?) {
        if let field = route?.field { self[field.name] = field.value }
    }
}

extension RouteReport {
    /// `x-kith-route`; `nil` when there is nothing to say.
    var field: HTTPField? {
        let value = headerValue
        return value.isEmpty ? nil : HTTPField(name: .kithRoute, value: value)
    }
}

extension HTTPField.Name {
    static let kithNode = Self.known("x-kith-node")
    /// Whether another node may go on with an answer that breaks off.
    static let kithContinue = Self.known("x-kith-continue")
    /// Where an answer comes from and why.
    static let kithRoute = Self.known("x-kith-route")

    static func known(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("a literal header name is valid") }
        return name
    }
}
