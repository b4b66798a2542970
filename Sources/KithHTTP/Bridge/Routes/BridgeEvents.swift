// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel
import KithSync
import NIOCore

/// The bridge's changes of mode as server-sent events (WHATWG HTML, 9.2), beginning with the mode that it is in.
struct BridgeEvents: Sendable {
    /// What keeps the connection, and tells a client that has gone.
    static let keepAlive = Duration.seconds(15)

    private let bridge: BridgeService
    private let events: AsyncStream<NodeEvent>

    /// - Returns: `nil` when there are too many followers.
    init?(_ bridge: BridgeService) {
        guard let events = bridge.services.events.follow() else { return nil }
        self.bridge = bridge
        self.events = events
    }

    @concurrent
    func write(to writer: inout any ResponseBodyWriter) async throws {
        let (pieces, source) = AsyncStream.makeStream(of: [UInt8].self, bufferingPolicy: .bufferingNewest(64))
        let feeding = Task { await feed(source) }
        defer { feeding.cancel() }
        var mode: [String: JSONValue] = ["mode": .string(bridge.upstreams.book.mode.rawValue)]
        mode["queued"] = .integer(Int64(bridge.queue.count))
        try await writer.write(ByteBuffer(bytes: try Self.piece(NodeEvent(.bridge, at: bridge.since, mode))))
        for await piece in pieces { try await writer.write(ByteBuffer(bytes: piece)) }
        try await writer.finish(nil)
    }

    /// Ends when the hub does, or when it is cancelled.
    private func feed(_ source: AsyncStream<[UInt8]>.Continuation) async {
        let beating = Task { [clock = bridge.services.clock] in
            while !Task.isCancelled {
                do { try await clock.sleep(for: Self.keepAlive) } catch { return }
                source.yield(Array(": keep-alive\n\n".utf8))
            }
        }
        for await event in events where event.kind == .bridge {
            if let piece = try? Self.piece(event) { source.yield(piece) }  // texts and counts always encode
        }
        beating.cancel()
        source.finish()
    }

    private static func piece(_ event: NodeEvent) throws -> [UInt8] {
        let body = event.fields.merging(["at": .string(event.at.rfc3339)]) { own, _ in own }
        return Array("event: \(event.kind.rawValue)\ndata: ".utf8) + (try JSONBody.encodeLine(body))
            + Array("\n\n".utf8)
    }
}
