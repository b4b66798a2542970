// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTransport
import NIOCore
import NIOHTTP1

/// What became of one `GET`, as `curl -v` would make it.
enum HTTPTrial: Sendable {
    case answered(HTTPSighting)
    /// The connection stands, and nothing comes.
    case silent
    /// The connection was ended without an answer.
    case closed
    /// What came is not HTTP.
    case notHTTP(String)
    /// The certificate was not accepted, or there is no TLS.
    case tlsRefused(String)
    case unreachable(String)

    static let limit = Duration.milliseconds(2_500)

    var sighting: HTTPSighting? {
        if case .answered(let sighting) = self { sighting } else { nil }
    }

    static func run(
        _ path: String, at address: HTTPAddress, key: Secret? = nil, client: UpstreamClient, clock: any TimeSource,
        limit: Duration = Self.limit
    ) async -> HTTPTrial {
        var headers: HTTPHeaders = ["Accept": "application/json"]
        if let key { headers.add(name: "Authorization", value: "Bearer \(key.reveal())") }
        let start = clock.now
        let before = WallTime.now()
        do {
            let reply = try await client.collect(
                UpstreamRequest(
                    .GET, address, path: path, headers: headers,
                    limits: UpstreamLimits(connect: limit, firstByte: limit, stall: limit, bodyBytes: 1 << 20)))
            return .answered(HTTPSighting(reply, askedAt: before, took: clock.now - start))
        } catch let failure as ChatFailure {
            return HTTPTrial(failure)
        } catch {
            return .closed
        }
    }

    private init(_ failure: ChatFailure) {
        switch failure.code {
        case .timeout: self = .silent
        case .interrupted: self = .closed
        case .invalidAnswer: self = .notHTTP(failure.message)
        case _ where failure.isTLSRefusal: self = .tlsRefused(failure.message)
        default: self = .unreachable(failure.message)
        }
    }
}

/// An answer over HTTP, as far as it tells who gave it.
struct HTTPSighting: Sendable {
    var status: Int
    var contentType: String
    var server: String?
    /// What the other side's clock said.
    var date: WallTime?
    var askedAt: WallTime
    var took: Duration
    var body: [UInt8]

    var json: JSONValue? {
        try? JSONBody.decode(JSONValue.self, from: body)  // what is not JSON is told apart by that
    }

    var isHTML: Bool {
        if contentType.lowercased().hasPrefix("text/html") { return true }
        let start = String(decoding: body.prefix(256), as: UTF8.self).lowercased().drop { $0.isWhitespace }
        return start.hasPrefix("<!doctype html") || start.hasPrefix("<html")
    }

    init(
        status: Int, contentType: String = "application/json", server: String? = nil, date: WallTime? = nil,
        askedAt: WallTime = .epoch, took: Duration = .zero, body: [UInt8]
    ) {
        self.status = status
        self.contentType = contentType
        self.server = server
        self.date = date
        self.askedAt = askedAt
        self.took = took
        self.body = body
    }

    init(_ reply: UpstreamReply, askedAt: WallTime, took: Duration) {
        self.init(
            status: reply.status, contentType: reply.headers.first(name: "content-type") ?? "",
            server: reply.headers.first(name: "server").map { String($0.prefix(60)) },
            date: reply.headers.first(name: "date").flatMap(HTTPDate.read), askedAt: askedAt, took: took,
            body: Array(reply.body.readableBytesView))
    }
}
