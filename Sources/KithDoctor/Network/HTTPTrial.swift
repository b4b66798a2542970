// SPDX-License-Identifier: Apache-2.0

import KithDialects
import KithModel
import KithTransport
import NIOCore
import NIOHTTP1

/// The outcome of one `GET`, as `curl -v` would make it.
enum HTTPTrial: Sendable {
    case answered(HTTPSighting)
    /// The connection is open, and no answer comes.
    case silent
    /// The connection was ended without an answer.
    case closed
    /// The answer is not HTTP.
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
        } catch let failure as ChatError {
            return HTTPTrial(failure)
        } catch {
            return .closed
        }
    }

    private init(_ failure: ChatError) {
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
            date: reply.headers.first(name: "date").flatMap { WallTime(httpDate: $0) }, askedAt: askedAt, took: took,
            body: Array(reply.body.readableBytesView))
    }
}

/// How far another machine's clock is from this one's, judged by one answer of it.
struct ClockOffset: Hashable, Sendable {
    /// An offset beyond this is reported; it is more than a header in whole seconds and a slow answer explain.
    static let noticeable = Duration.seconds(2)
    /// Beyond this, other nodes hold back what is written by the clock that is ahead, until its time has come.
    static let quarantined = Duration.seconds(300)

    /// Positive when the other clock is ahead.
    var offset: Duration
    /// By how much the estimate may be wrong, in both directions.
    var error: Duration

    /// - Parameters:
    ///   - date: What the other side said, in whole seconds.
    ///   - askedAt: This machine's clock at the request.
    ///   - took: The time from the request to the answer.
    init(date: WallTime, askedAt: WallTime, took: Duration) {
        let middle = askedAt.advanced(by: took / 2)
        offset = date.advanced(by: .milliseconds(500)).duration(since: middle)
        error = .milliseconds(500) + took / 2
    }

    init?(_ sighting: HTTPSighting) {
        guard let date = sighting.date else { return nil }
        self.init(date: date, askedAt: sighting.askedAt, took: sighting.took)
    }

    private var distance: Duration { offset < .zero ? .zero - offset : offset }

    var severity: Finding.Severity {
        if distance - error > Self.quarantined { return .error }
        return distance - error > Self.noticeable ? .warning : .ok
    }

    /// - Parameter who: `laptop`.
    func finding(of who: String, subject: String) -> Finding {
        let amount = Self.words(distance)
        switch severity {
        case .ok, .skipped, .notice:
            return Finding(.clock, "clock", .ok, "the clocks of both machines agree", of: subject)
        case .warning, .error:
            let direction = offset < .zero ? "behind" : "ahead of"
            let effect =
                severity == .error ? "; what it writes is held back by other nodes until its time has come" : ""
            return Finding(
                .clock, "clock", severity, "the clock of \(who) is \(amount) \(direction) this machine's" + effect,
                fix: Finding.Fix(
                    "let both machines set their clocks by the network; the command shows whether one does",
                    command: "timedatectl"),
                of: subject)
        }
    }

    private static func words(_ distance: Duration) -> String {
        let seconds = distance.components.seconds
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7_200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3_600) h"
        default: return "\(seconds / 86_400) days"
        }
    }
}
