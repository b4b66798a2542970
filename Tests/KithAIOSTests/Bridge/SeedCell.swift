// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithSurfaceTesting
import KithTesting
import NIOHTTP1
import Synchronization

/// A cell of the seeds as their contract describes it, which answers health well and work as it is told to.
final class SeedCell: Sendable {
    enum Manner: CaseIterable, Sendable {
        case well, hangs, drips, html, wrongType, errorPage, halfABody, endless, foreignShape, absurdLevel, nested, text
        case closesAtOnce, unauthorised, endsEarly
    }

    private struct State {
        var level = 3.2
        var manner = Manner.well
        var isIll = false
        var writes: [(level: Double, key: String?)] = []
    }

    static let healthBody = """
        {"status":"healthy","cell_id":"desktop-primary","branch":"main","consciousness_level":3.2,\
        "services":["code-assist","consciousness-sync","health"],"type":"cell"}
        """
    static let assistBody = """
        {"action":"analyze","code_length":13,"context_keys":[],"suggestions":["fine"],"consciousness_level":3.2,\
        "model":"added by kith"}
        """

    private let state = Mutex(State())

    /// The levels that were written, in their order.
    var levels: [Double] { state.withLock { $0.writes.map(\.level) } }
    var keys: [String?] { state.withLock { $0.writes.map(\.key) } }

    func behave(_ manner: Manner) { state.withLock { $0.manner = manner } }

    /// Whether it answers for its health as badly as for its work.
    func setIll(_ isIll: Bool) { state.withLock { $0.isIll = isIll } }

    func respond(to request: StubRequest, _ answer: StubAnswer) async throws {
        let (manner, isIll) = state.withLock { ($0.manner, $0.isIll) }
        if request.uri == "/health", !isIll { return try await answer.send(Self.healthBody) }
        switch manner {
        case .well: try await work(request, answer)
        case .hangs: try await answer.hang()
        case .drips:
            try await answer.begin(contentType: "application/json", headers: ["Content-Length": "100000"])
            while true {
                try await answer.write(" ")
                try await Task.sleep(for: .milliseconds(200))
            }
        case .html: try await answer.send("<html><body>Welcome</body></html>", contentType: "text/html")
        case .wrongType: try await answer.send(Self.assistBody, contentType: "text/html; charset=utf-8")
        case .errorPage:
            try await answer.send("<html>Internal Server Error</html>", status: 500, contentType: "text/html")
        case .halfABody:
            try await answer.begin(contentType: "application/json", headers: ["Content-Length": "1000"])
            try await answer.write(#"{"action":"analyze","code_length":13,"#)
            answer.cut()
        case .endsEarly: try await answer.send(#"{"action":"analyze","code_length":13,"#)
        case .endless:
            try await answer.begin(contentType: "application/json", headers: ["Content-Length": "52428800"])
            let piece = String(repeating: " ", count: 1 << 20)
            for _ in 0..<50 { try await answer.write(piece) }
        case .foreignShape:
            try await answer.send(#"{"action":7,"suggestions":"many","old_level":"1","new_level":[],"cell_id":{}}"#)
        case .absurdLevel:
            try await answer.send(
                """
                {"action":"analyze","code_length":1,"context_keys":[],"suggestions":[],"consciousness_level":1e300,\
                "old_level":-1,"new_level":11,"context_processed":true,"cell_id":"c","branch":"b"}
                """)
        case .nested:
            try await answer.send(String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000))
        case .text: try await answer.send(#""healthy""#)
        case .closesAtOnce: answer.cut()
        case .unauthorised: try await answer.send(#"{"detail":"Not authenticated"}"#, status: 401)
        }
    }

    private func work(_ request: StubRequest, _ answer: StubAnswer) async throws {
        switch request.uri {
        case "/health": try await answer.send(Self.healthBody)
        case "/code-assist": try await answer.send(Self.assistBody)
        case "/sync-consciousness":
            guard let level = try request.json()["level"]?.doubleValue, (0...10).contains(level), level != 9.75 else {
                return try await answer.send(#"{"detail":[{"msg":"no such level"}]}"#, status: 422)
            }
            let old = state.withLock { state in
                defer { state.level = level }
                state.writes.append((level, request[header: "idempotency-key"]))
                return state.level
            }
            try await answer.send(#"{"old_level":\#(old),"new_level":\#(level),"context_processed":true}"#)
        default: try await answer.send(#"{"detail":"Not Found"}"#, status: 404)
        }
    }

    /// Runs one on a free port for as long as `body` does.
    static func serve<Result>(
        _ manner: Manner = .well, during body: (SeedCell, StubServer) async throws -> Result
    ) async throws -> Result {
        let cell = SeedCell()
        cell.behave(manner)
        return try await StubServer.serve({ try await cell.respond(to: $0, $1) }, during: { try await body(cell, $0) })
    }
}

extension StubRequest {
    func json() throws -> JSONValue {
        try TestReply(status: 200, headers: [:], text: String(decoding: body, as: UTF8.self)).json()
    }
}
