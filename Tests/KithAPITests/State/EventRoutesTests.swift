// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithDialects
import KithModel
import KithSurfaceTesting
import KithTesting
import KithTransport
import NIOCore
import NIOHTTP1
import Testing
@testable import KithAPI
@testable import KithServer

@Suite("The stream of events", .timeLimit(.minutes(2)))
struct EventRoutesTests {
    /// Follows the events of a node for as long as `body` does.
    private func follow(
        _ node: TestNode, _ query: String = "", _ body: @Sendable (inout Follower) async throws -> Void
    ) async throws {
        let response = try await node.upstream.stream(
            UpstreamRequest(
                .GET, node.address, path: "/api/events" + query, headers: node.headers,
                limits: UpstreamLimits(firstByte: .seconds(30))))
        #expect(response.status == 200)
        #expect(response.headers.first(name: "content-type") == "text/event-stream")
        var follower = Follower(pieces: response.body.makeAsyncIterator())
        try await follower.begin()
        try await body(&follower)
    }

    private struct Follower {
        var pieces: UpstreamBody.AsyncIterator
        var decoder = ServerSentEventDecoder()
        var ready: [ServerSentEvent] = []

        /// Until the node has said that it is heard.
        mutating func begin() async throws { _ = try await piece() }

        mutating func piece() async throws -> String? {
            guard let piece = try await pieces.next() else { return nil }
            ready += try decoder.feed(piece.readableBytesView)
            return String(buffer: piece)
        }

        /// `nil` at the end of the stream.
        mutating func next() async throws -> ServerSentEvent? {
            while ready.isEmpty {
                guard try await piece() != nil else { return nil }
            }
            return ready.removeFirst()
        }
    }

    @Test("Writes arrive as events of their kind, with what was written")
    func writes() async throws {
        try await TestNode.run("desk", engine: nil) { node in
            try await follow(node, "?kinds=context,level") { follower in
                _ = try await node.send(.PUT, "/api/context/branch", #"{"value":"main"}"#)
                let first = try #require(try await follower.next())
                #expect(first.name == "context")
                #expect(JSONValue(json: first.data)?["key"] == "branch")
                _ = try await node.send(.PUT, "/api/levels/editor", #"{"level":2}"#)
                let second = try #require(try await follower.next())
                #expect(second.name == "level")
                #expect(JSONValue(json: second.data)?["level"] == 2)
            }
        }
    }

    @Test("Only the kinds that were asked for come")
    func kinds() async throws {
        try await TestNode.run("desk", engine: nil) { node in
            try await follow(node, "?kinds=bridge,context") { follower in
                for event in [
                    NodeEvent(.level, [:]), NodeEvent(.bridge, ["mode": "degraded"]), NodeEvent(.context, [:]),
                ] {
                    node.services.events.publish(event)
                }
                let (first, second) = (try await follower.next(), try await follower.next())
                #expect([first?.name, second?.name] == ["bridge", "context"])
            }
            for query in ["?kinds=", "?kinds=levels", "?kinds=level,,nothing"] {
                let reply = try await node.send(.GET, "/api/events" + query)
                #expect(reply.status == 422)
                #expect(reply.text.contains("level, context, bridge, route"))
            }
        }
    }

    @Test("While nothing happens the node says now and then that it is there")
    func keepAlive() async throws {
        let clock = ManualClock()
        let hub = EventHub()
        let writer = EventStreamWriter(events: try #require(hub.follow()), clock: clock)
        let body = WrittenBody()
        let writing = Task {
            var sink: any ResponseBodyWriter = body
            try await writer.write(to: &sink)
        }
        for count in 1...3 {
            #expect(await eventually { body.text.ranges(of: ": quiet").count == count && clock.sleeperCount == 1 })
            clock.advance(by: EventStreamWriter.keepAlive)
        }
        #expect(await eventually { body.text.ranges(of: ": quiet").count == 4 })
        hub.finish()
        try await writing.value
        #expect(body.text.split(separator: "\n").allSatisfy { $0.hasPrefix(":") || $0.hasPrefix("id:") })
        #expect(body.isFinished)
    }

    @Test("The stream ends when the node stops")
    func stops() async throws {
        try await TestNode.run("desk", engine: nil) { node in
            try await follow(node, "?kinds=bridge") { follower in
                node.services.events.finish()
                let last = try await follower.next()
                #expect(last == nil)
            }
        }
    }

    @Test("One follower too many is turned away, and let in when another has gone")
    func limit() async throws {
        try await TestNode.run("desk", engine: nil) { node in
            do {
                let others = (0..<EventHub.followerLimit).map { _ in node.services.events.follow() }
                let reply = try await node.send(.GET, "/api/events")
                #expect(reply.status == 503)
                #expect(try reply.json()["error"]?["code"] == "busy")
                try await follow(node.asOwner(), "?kinds=level") { follower in
                    node.services.events.publish(NodeEvent(.level, [:]))
                    let event = try await follower.next()
                    #expect(event?.name == "level")
                }
                withExtendedLifetime(others) {}
            }
            try await follow(node, "?kinds=level") { follower in
                node.services.events.publish(NodeEvent(.level, [:]))
                let event = try await follower.next()
                #expect(event?.name == "level")
            }
        }
    }

    @Test("A follower that has gone is forgotten")
    func gone() async throws {
        try await TestNode.run("desk", engine: nil) { node in
            try await follow(node) { _ in }
            let isFree = await eventually {
                let others = (0..<EventHub.followerLimit).compactMap { _ in node.services.events.follow() }
                return others.count == EventHub.followerLimit
            }
            #expect(isFree)
        }
    }
}
