// SPDX-License-Identifier: Apache-2.0

import KithModel
import KithTesting
import KithTracing
import Synchronization
import Testing
import Tracing

@Suite("A node's tracer")
struct NodeTracerTests {
    private let clock = ManualClock(now: MonotonicInstant(nanoseconds: 1_000_000_000))

    private var caller: TraceContext {
        get throws {
            try #require(TraceContext(parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
        }
    }

    @Test func `A caller's trace goes on below its span`() throws {
        let tracer = NodeTracer(clock: clock)
        let position = tracer.begin(.request, .chat, request: "r", path: "/v1/chat/completions", from: try caller)
        position.end(at: clock.now)
        let span = try #require(tracer.ring.find("r").first?.snapshots(tracer.anchor).first)
        #expect(span.trace == (try caller).trace)
        #expect(span.parent == (try caller).span)
        #expect(span.name == "POST /v1/chat/completions")
        #expect(position.context?.trace == span.trace)
        #expect(position.context?.span == span.id)
    }

    @Test func `Without a caller a trace begins that has the request's name`() throws {
        let tracer = NodeTracer(clock: clock)
        let id = RequestID.random()
        _ = tracer.begin(.request, .chat, request: id, from: nil)
        #expect(tracer.ring.find(id).map(\.trace.description) == [id.rawValue])
    }

    @Test func `With a share of nothing the caller's context is passed on as it came`() throws {
        let tracer = NodeTracer(sample: 0, clock: clock)
        let position = tracer.begin(.request, .chat, request: "r", from: try caller)
        #expect(position.context == (try caller))
        #expect(position.begin(.attempt, at: clock.now).context == (try caller))
        #expect(tracer.ring.find("r").isEmpty)
    }

    @Test func `A share of traces is recorded, the same at every node`() {
        let tracers = [NodeTracer(sample: 0.25, clock: clock), NodeTracer(sample: 0.25, clock: clock)]
        var recorded = 0
        for _ in 0..<400 {
            let id = RequestID.random()
            for tracer in tracers { _ = tracer.begin(.request, .chat, request: id, from: nil) }
            let found = tracers.map { !$0.ring.find(id).isEmpty }
            #expect(found[0] == found[1])
            if found[0] { recorded += 1 }
        }
        #expect((40...180).contains(recorded))
    }

    @Test
    func `Under load so many traces begin a second, and twice as many at once; callers that record are not counted`()
        throws
    {
        let tracer = NodeTracer(perSecond: 10, ring: TraceRing(capacity: 10_000), clock: clock)
        func begin(_ count: Int, from caller: TraceContext? = nil) -> Int {
            (0..<count).count { _ in
                if case .recorded = tracer.begin(.request, .chat, request: .random(), from: caller) {
                    true
                } else {
                    false
                }
            }
        }
        #expect(begin(1_000) == 20)
        #expect(begin(50, from: try caller) == 50)
        clock.advance(by: .seconds(1))
        #expect(begin(1_000) == 10)
        clock.advance(by: .milliseconds(99))
        #expect(begin(1_000) == 0)
        clock.advance(by: .seconds(3_600))
        #expect(begin(1_000) == 20)
    }

    @Test func `The ring keeps the last and forgets the oldest`() {
        let tracer = NodeTracer(ring: TraceRing(capacity: 2), clock: clock)
        for id in ["a", "b", "c"] as [RequestID] { _ = tracer.begin(.request, .chat, request: id, from: nil) }
        #expect(tracer.ring.find("a").isEmpty)
        #expect(tracer.ring.find("b").count == 1)
        #expect(tracer.ring.find("c").count == 1)
    }

    @Test func `It is told once when the last span has ended`() throws {
        let counted = Ended()
        let tracer = NodeTracer(clock: clock) { _ in counted.note() }
        let request = tracer.begin(.request, .chat, request: "r", from: nil)
        let attempt = request.begin(.attempt, .client, at: clock.now)
        request.end(at: clock.now)
        #expect(counted.count == 0)
        attempt.end(at: clock.now)
        attempt.end(.failed(.timeout), at: clock.now)
        #expect(counted.count == 1)
        let recorder = try #require(tracer.ring.find("r").first)
        #expect(recorder.unexported.count == 2)
        recorder.exported(2)
        #expect(recorder.unexported.isEmpty)
    }

    private final class Ended: Sendable {
        private let number = Mutex(0)
        var count: Int { number.withLock { $0 } }
        func note() { number.withLock { $0 += 1 } }
    }

    @Test func `One request has a bounded number of spans, and the rest is passed over`() throws {
        let tracer = NodeTracer(clock: clock)
        let request = tracer.begin(.request, .chat, request: "r", from: nil)
        for _ in 0..<(TraceRecorder.spanLimit + 10) { request.begin(.route, at: clock.now).end(at: clock.now) }
        let recorder = try #require(tracer.ring.find("r").first)
        #expect(recorder.spans.count == TraceRecorder.spanLimit)
        #expect(recorder.droppedCount == 11)
        #expect(recorder.spans.first?.record.ended == nil)
    }

    @Test func `A span that nobody holds any more is given up`() throws {
        let tracer = NodeTracer(clock: clock)
        let request = tracer.begin(.request, .chat, request: "r", from: nil)
        do { _ = TraceGuard(request.begin(.engine, .client, at: clock.now), clock: clock) }
        let spans = try #require(tracer.ring.find("r").first?.snapshots(tracer.anchor))
        #expect(spans.map(\.status) == [.open, .abandoned])
    }

    // MARK: As swift-distributed-tracing has it

    @Test func `Code that speaks swift-distributed-tracing adds spans to the same trace`() throws {
        let tracer = NodeTracer(clock: clock)
        let request = tracer.begin(.request, .chat, request: "r", from: nil)
        var context = ServiceContext.topLevel
        context.tracePosition = request
        let span = tracer.startSpan("look up", context: context, ofKind: .client)
        span.updateAttributes { $0["db.system"] = "sqlite" }
        span.addEvent("found")
        span.setStatus(.init(code: .error, message: "no"))
        #expect(span.isRecording)
        span.end()
        #expect(!span.isRecording)
        let told = try #require(tracer.ring.find("r").first?.snapshots(tracer.anchor).last)
        #expect(told.name == "look up")
        #expect(told.parent == request.context?.span)
        #expect(told.role == .client)
        #expect(told.attributes["db.system"] == "sqlite")
        #expect(told.moments.map(\.name) == ["found"])
        #expect(told.status == .error)
        #expect(told.problem == "no")
    }

    @Test func `A context is taken from a carrier and put into one`() throws {
        let tracer = NodeTracer(clock: clock)
        var context = ServiceContext.topLevel
        let carried = ["traceparent": try caller.parent, "tracestate": "a=1"]
        tracer.extract(carried, into: &context, using: Fields())
        let span = tracer.startSpan("work", context: context)
        var passedOn: [String: String] = [:]
        tracer.inject(span.context, into: &passedOn, using: Fields())
        let here = try #require(passedOn["traceparent"].flatMap { TraceContext(parent: $0) })
        #expect(here.trace == (try caller).trace)
        #expect(here.span != (try caller).span)
        #expect(passedOn["tracestate"] == "a=1")
    }

    private struct Fields: Extractor, Injector {
        func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
        func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
    }
}

extension RequestID: ExpressibleByStringLiteral {
    package init(stringLiteral value: String) { self.init(rawValue: value) }
}
