// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

@testable import KithTransport

@Suite("Calls that are told on an event loop", .timeLimit(.minutes(1)))
struct UpstreamCallTests {
    private static let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    private let group = MultiThreadedEventLoopGroup.singleton
    private let client = UpstreamClient()

    private func start(
        _ request: UpstreamRequest, _ handler: RecordingHandler, on eventLoop: any EventLoop
    ) async throws -> UpstreamCall {
        try await eventLoop.submit {
            defer { #expect(handler.words.isEmpty, "told before the call is known") }
            return client.start(request, on: eventLoop, handler: handler)
        }.get()
    }

    @Test("An answer is told in order, its end once and last, and each read is closed off")
    func order() async throws {
        try await ScriptedServer.run { _, channel in
            channel.say(Self.head + "3\r\none\r\n3\r\ntwo\r\n")
            channel.say("5\r\nthree\r\n0\r\n\r\n")
        } during: { _, address in
            let handler = RecordingHandler { word in
                #expect(MultiThreadedEventLoopGroup.currentEventLoop != nil, "\(word)")
            }
            _ = try await start(UpstreamRequest(.GET, address, path: "/"), handler, on: group.any())
            await handler.ended()
            #expect(handler.words.first == .head(200))
            #expect(handler.text == "onetwothree")
            #expect(handler.isOrderly)
            #expect(handler.words.last == .whole)
        }
    }

    @Test("Several pieces of one read are told before its end is")
    func coalesced() async throws {
        try await ScriptedServer.run { _, channel in
            channel.say(Self.head + "3\r\none\r\n3\r\ntwo\r\n")
        } during: { _, address in
            let handler = RecordingHandler()
            let call = try await start(UpstreamRequest(.GET, address, path: "/"), handler, on: group.any())
            await handler.wait { $0.contains(.readEnded) }
            #expect(handler.words == [.head(200), .piece("one"), .piece("two"), .readEnded])
            call.cancel()
        }
    }

    @Test("On an event loop that is not the client's, a call ends at once as unreachable")
    func foreign() async throws {
        let other = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let handler = RecordingHandler()
        let address = HTTPAddress(host: "127.0.0.1", port: 1)
        _ = try await start(UpstreamRequest(.GET, address, path: "/"), handler, on: other.any())
        await handler.ended()
        #expect(handler.words == [.failed(.unreachable)])
        try await other.shutdownGracefully()
    }

    @Test("After a cancellation nothing more is told, and the connection is closed")
    func cancelled() async throws {
        let gone = Mutex<EventLoopFuture<Void>?>(nil)
        try await ScriptedServer.run { _, channel in
            gone.withLock { $0 = channel.closeFuture }
            channel.say(Self.head + "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
        } during: { _, address in
            let eventLoop = group.any()
            let call = Mutex<UpstreamCall?>(nil)
            let handler = RecordingHandler { word in
                if case .piece = word { call.withLock { $0 }?.cancel() }
            }
            let begun = try await eventLoop.submit {
                let begun = client.start(UpstreamRequest(.GET, address, path: "/"), on: eventLoop, handler: handler)
                call.withLock { $0 = begun }
                return begun
            }.get()
            await handler.wait { $0.count >= 2 }
            begun.cancel()  // once more, from elsewhere
            try await gone.withLock { $0 }?.get()
            #expect(handler.words == [.head(200), .piece("one")])
        }
    }

    @Test("While reads are held nothing comes, and all of it comes later")
    func held() async throws {
        let size = 8 << 20
        try await ScriptedServer.run { _, channel in
            channel.say("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
            channel.say(String(repeating: "x", count: size))
        } during: { _, address in
            let eventLoop = group.any()
            let call = Mutex<UpstreamCall?>(nil)
            let count = Mutex(0)
            let handler = RecordingHandler { word in
                guard case .piece(let text) = word else { return }
                count.withLock { $0 += text.utf8.count }
                guard let call = call.withLock({ $0 }) else { return }
                call.holdReads()
                eventLoop.execute { call.resumeReads() }
            }
            try await eventLoop.submit {
                let begun = client.start(UpstreamRequest(.GET, address, path: "/"), on: eventLoop, handler: handler)
                call.withLock { $0 = begun }
            }.get()
            await handler.ended()
            #expect(handler.words.last == .whole)
            #expect(count.withLock { $0 } == size)
        }
    }

    // MARK: Handing a body over

    @Test(
        "A body is handed over with what is buffered first, on the same event loop or another",
        arguments: [true, false])
    func flow(staysOnLoop: Bool) async throws {
        let server = Mutex<(any Channel)?>(nil)
        try await ScriptedServer.run { _, channel in
            server.withLock { $0 = channel }
            channel.say(Self.head + (0..<100).map { "3\r\n\(String($0 + 100))\r\n" }.joined())
        } during: { _, address in
            let response = try await client.stream(UpstreamRequest(.GET, address, path: "/"))
            let source = response.body.call.eventLoop
            let eventLoop = staysOnLoop ? source : try #require(group.makeIterator().first { $0 !== source })
            let handler = RecordingHandler()
            try await eventLoop.submit {
                _ = response.body.flow(to: handler, on: eventLoop)
                #expect(handler.words.isEmpty)
            }.get()
            await handler.wait { $0.filter { if case .piece = $0 { true } else { false } }.count == 100 }
            server.withLock { $0 }?.say("3\r\nend\r\n0\r\n\r\n")
            await handler.ended()
            #expect(handler.text == (0..<100).map { String($0 + 100) }.joined() + "end")
            #expect(handler.isOrderly)
            #expect(handler.words.last == .whole)
        }
    }

    @Test("A body that has ended or failed is handed over with its end", arguments: [true, false])
    func flowEnded(isWhole: Bool) async throws {
        let closed = Mutex<EventLoopFuture<Void>?>(nil)
        try await ScriptedServer.run { _, channel in
            closed.withLock { $0 = channel.closeFuture }
            channel.say(Self.head + "3\r\none\r\n" + (isWhole ? "0\r\n\r\n" : ""), thenClose: ())
        } during: { _, address in
            let response = try await client.stream(UpstreamRequest(.GET, address, path: "/"))
            try await closed.withLock { $0 }?.get()
            let eventLoop = response.body.call.eventLoop
            let handler = RecordingHandler()
            try await eventLoop.submit { _ = response.body.flow(to: handler, on: eventLoop) }.get()
            await handler.ended()
            #expect(handler.text == "one")
            #expect(handler.words.last == (isWhole ? .whole : .failed(.interrupted)))
            #expect(handler.isOrderly)
        }
    }

    @Test("A handler that cancels while it is told what was buffered is told nothing more", arguments: [true, false])
    func flowCancelled(staysOnLoop: Bool) async throws {
        try await ScriptedServer.run { _, channel in
            channel.say(Self.head + "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
        } during: { _, address in
            let response = try await client.stream(UpstreamRequest(.GET, address, path: "/"))
            let source = response.body.call.eventLoop
            let eventLoop = staysOnLoop ? source : try #require(group.makeIterator().first { $0 !== source })
            let call = Mutex<UpstreamCall?>(nil)
            let handler = RecordingHandler { _ in call.withLock { $0 }?.cancel() }
            try await eventLoop.submit {
                let flowing = response.body.flow(to: handler, on: eventLoop)
                call.withLock { $0 = flowing }
            }.get()
            await handler.wait { !$0.isEmpty }
            for loop in [source, eventLoop, source, eventLoop] { try await loop.submit {}.get() }
            #expect(handler.words == [.piece("one")])
        }
    }

    // MARK: One reader, in whatever order

    @Test("Whoever waits for a body hears when its call is cancelled elsewhere")
    func cancelledElsewhere() async throws {
        try await ScriptedServer.run { _, channel in
            channel.say(Self.head + "3\r\none\r\n")
        } during: { _, address in
            let body = try await client.stream(UpstreamRequest(.GET, address, path: "/")).body
            var pieces = body.makeAsyncIterator()
            #expect(try await pieces.next().map { String(buffer: $0) } == "one")
            let eventLoop = body.call.eventLoop
            eventLoop.execute { body.call.cancel() }
            await #expect(throws: CancellationError.self) { _ = try await pieces.next() }
        }
    }

    @Test("Two readers at once share what comes or are refused, and nothing traps")
    func twoReaders() async throws {
        try await ScriptedServer.run { _, channel in
            channel.say(Self.head + "3\r\none\r\n0\r\n\r\n")
        } during: { _, address in
            for _ in 0..<20 {
                let body = try await client.stream(UpstreamRequest(.GET, address, path: "/")).body
                async let first = try? body.collect(upTo: 100)
                async let second = try? body.collect(upTo: 100)
                for body in await [first, second] {
                    let text = body.map { String(buffer: $0) }
                    #expect(text == nil || text == "" || text == "one")
                }
            }
        }
    }
}
