// SPDX-License-Identifier: Apache-2.0

import KithDialects
package import KithModel
import KithServer
import KithTransport
import NIOCore
import NIOHTTP1

/// What a bridge asks of a cell.
package struct CellCall: Sendable {
    package enum Kind: Sendable { case health, assist, sync }

    package var kind: Kind
    /// JSON; `nil` for ``Kind/health``.
    package var body: [UInt8]?
    /// So that a write counts once, however often it is sent.
    package var delivery: DeliveryKey?
    /// For the whole of it.
    package var limit: Duration

    package init(_ kind: Kind, body: [UInt8]? = nil, delivery: DeliveryKey? = nil, limit: Duration) {
        self.kind = kind
        self.body = body
        self.delivery = delivery
        self.limit = limit
    }

    /// Bytes of an answer.
    static let answerLimit = 1 << 20
    /// For the connection alone.
    static let connectLimit = Duration.seconds(1)
    static let deliveryHeader = "Idempotency-Key"

    var buffer: ByteBuffer? { body.map { ByteBuffer(bytes: $0) } }

    var limits: UpstreamLimits {
        UpstreamLimits(connect: min(limit, Self.connectLimit), silence: limit, bodyBytes: Self.answerLimit)
    }
}

/// What a cell answered, once it is known to be a cell's answer: an object with all that the contract names.
///
/// Keys that the contract does not know are kept.
struct CellReply: Sendable {
    /// Arrays and objects within each other.
    static let depthLimit = 32

    let members: JSONObject
    /// Where its engine's part came from, if it says so; a kith cell does.
    let route: String?

    /// - Throws: ``UpstreamError`` with what is wrong.
    init(_ reply: UpstreamReply, to kind: CellCall.Kind) throws(UpstreamError) {
        try self.init(
            status: reply.status, contentType: reply.headers.first(name: "content-type"), body: reply.body, to: kind,
            route: reply.headers.first(name: "x-kith-route"))
    }

    /// - Throws: ``UpstreamError`` with what is wrong.
    init(
        status: Int, contentType: String?, body bytes: ByteBuffer, to kind: CellCall.Kind, route: String? = nil
    ) throws(UpstreamError) {
        try Self.check(status: status, body: bytes)
        if let type = contentType, !MediaTypes.isJSON(type) {
            throw UpstreamError(.garbage, "it answers with the content type \(type.prefix(60)) instead of JSON")
        }
        guard JSONDepth.isWithin(Self.depthLimit, bytes.readableBytesView) else {
            throw UpstreamError(.garbage, "its answer is nested too deeply")
        }
        let body: JSONValue
        do {
            body = try JSONBody.decode(JSONValue.self, from: bytes.readableBytesView)
        } catch {
            throw UpstreamError(.garbage, "its answer is not JSON")
        }
        guard case .object(let members) = body else { throw UpstreamError(.garbage, "its answer is not an object") }
        self.members = members
        self.route = route
        switch kind {
        case .health: try checkHealth()
        case .assist: try checkAssist()
        case .sync: try checkSync()
        }
    }

    var health: UpstreamHealth {
        UpstreamHealth(
            cellID: text("cell_id"), branch: text("branch"), level: level("consciousness_level") ?? 0,
            services: members["services"]?.arrayValue?.prefix(CellInfo.maximumServices).compactMap(\.stringValue) ?? [])
    }

    // MARK: Status

    /// Statuses that blame the way there, or the moment, and not the request.
    private static let notTheRequest: Set<Int> = [401, 403, 404, 405, 407, 408, 421, 425, 429]

    private static func check(status: Int, body: ByteBuffer) throws(UpstreamError) {
        guard status != 200 else { return }
        let why = detail(of: body).map { ": \($0)" } ?? ""
        let isRefusal = (400..<500).contains(status) && !notTheRequest.contains(status)
        throw UpstreamError(isRefusal ? .refused : .failed, "it answers with status \(status)\(why)")
    }

    /// What an AIOS service says of an error, in one short line.
    private static func detail(of body: ByteBuffer) -> String? {
        guard body.readableBytes <= 64 << 10, JSONDepth.isWithin(depthLimit, body.readableBytesView),
            let detail = try? JSONBody.decode(JSONValue.self, from: body.readableBytesView)["detail"]
        else { return nil }
        let text = detail.stringValue ?? detail.arrayValue?.first?["msg"]?.stringValue
        return text.map { HarmlessText($0, limit: 200).description }
    }

    // MARK: Shapes

    private func checkHealth() throws(UpstreamError) {
        for key in ["cell_id", "branch"] {
            guard let text = members[key]?.stringValue, text.utf8.count <= CellInfo.maximumLength else {
                throw UpstreamError(.garbage, "its health lacks '\(key)'")
            }
        }
        try requireLevel("consciousness_level", in: "health")
    }

    private func checkAssist() throws(UpstreamError) {
        guard members["action"]?.stringValue != nil else { throw lack("action", "answer") }
        guard let length = members["code_length"]?.intValue, length >= 0 else { throw lack("code_length", "answer") }
        guard let suggestions = members["suggestions"]?.arrayValue,
            suggestions.allSatisfy({ $0.stringValue != nil })
        else { throw lack("suggestions", "answer") }
        if let keys = members["context_keys"] {
            guard keys.arrayValue?.allSatisfy({ $0.stringValue != nil }) == true else {
                throw lack("context_keys", "answer")
            }
        }
        if members["consciousness_level"] != nil { try requireLevel("consciousness_level", in: "answer") }
    }

    private func checkSync() throws(UpstreamError) {
        try requireLevel("old_level", in: "answer")
        try requireLevel("new_level", in: "answer")
        guard members["context_processed"]?.boolValue != nil else { throw lack("context_processed", "answer") }
    }

    private func requireLevel(_ key: String, in what: String) throws(UpstreamError) {
        guard let level = level(key) else { throw lack(key, what) }
        guard CellInfo.levels.contains(level) else {
            throw UpstreamError(.garbage, "its \(what) has a '\(key)' that is no level")
        }
    }

    private func lack(_ key: String, _ what: String) -> UpstreamError {
        UpstreamError(.garbage, "its \(what) has no usable '\(key)'")
    }

    private func text(_ key: String) -> String { members[key]?.stringValue ?? "" }

    private func level(_ key: String) -> Double? {
        members[key]?.doubleValue.flatMap { $0.isFinite ? $0 : nil }
    }
}

/// How deep arrays and objects are nested, found out before anything is decoded.
enum JSONDepth {
    static func isWithin(_ limit: Int, _ json: some Sequence<UInt8>) -> Bool {
        var depth = 0
        var isInText = false
        var isEscaped = false
        for byte in json {
            if isInText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInText = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInText = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                if depth > limit { return false }
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
        }
        return true
    }
}
