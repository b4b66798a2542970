// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import KithTransport
package import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// Sends finished spans to a collector over HTTP, in batches, by one task. The way of a prompt only puts a reference in
/// its queue.
package final class OTLPExporter: Sendable {
    /// Where the collector is.
    package struct Target: Sendable {
        /// With the path of its traces.
        package var address: HTTPAddress
        /// Fields that are sent with each batch, such as a key; secret.
        package var headers: [(name: String, value: Secret)]

        package init(address: HTTPAddress, headers: [(name: String, value: Secret)] = []) {
            self.address = address
            self.headers = headers
        }
    }

    private static let limits = UpstreamLimits(
        connect: .seconds(5), firstByte: .seconds(10), stall: .seconds(5), bodyBytes: 64 << 10)

    private let target: Target
    private let message: OTLPMessage
    private let client: UpstreamClient
    private let clock: any TimeSource
    private let logger: Logger
    private let queue = Mutex(OTLPQueue())
    private let changes: AsyncStream<Void>
    private let onChange: AsyncStream<Void>.Continuation

    package init(
        target: Target, resource: OTLPMessage.Resource, client: UpstreamClient, clock: any TimeSource, logger: Logger
    ) {
        self.target = target
        message = OTLPMessage(of: resource)
        self.client = client
        self.clock = clock
        self.logger = logger
        (changes, onChange) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Requests whose spans were not sent, and never will be.
    package var droppedCount: Int { queue.withLock(\.dropped) }

    /// Never waits.
    package func add(_ recorder: TraceRecorder) {
        guard recorder.isSampled else { return }
        let now = clock.now
        if queue.withLock({ $0.add(recorder, now: now) }) { onChange.yield() }
    }

    /// Sends until it is cancelled, and then once what is left.
    package func run() async {
        var isReachable = true
        for await _ in changes {
            while let due = queue.withLock(\.nextDue) {
                do { try await clock.sleep(until: due, tolerance: nil) } catch { break }
                guard let batch = queue.withLock({ $0.next(now: clock.now) }) else { continue }
                let answer = await send(batch)
                queue.withLock { $0.sent(answer, now: clock.now) }
                if (answer == .taken) != isReachable { report(answer) }
                isReachable = answer == .taken
            }
            if Task.isCancelled { break }
        }
        let rest = queue.withLock { $0.takeAll() }
        guard !rest.isEmpty else { return }
        // Not of the cancelled task: this is its last word.
        let last = Task { await self.send(rest) }
        _ = await last.value
    }

    /// Said once, and once more when it works again.
    private func report(_ answer: OTLPQueue.Answer) {
        let address = "\(target.address)"
        if answer == .taken {
            logger.info("traces are sent again", metadata: ["address": "\(address)", "dropped": "\(droppedCount)"])
        } else {
            logger.warning("traces cannot be sent", metadata: ["address": "\(address)", "answer": "\(answer)"])
        }
    }

    private func send(_ batch: [TraceRecorder]) async -> OTLPQueue.Answer {
        let anchor = ClockAnchor(wall: .now(), monotonic: clock.now)
        let taken = batch.map { ($0, $0.unexported) }
        let spans = taken.flatMap { recorder, spans in spans.map { recorder.snapshot($0.record, $0.id, anchor) } }
        guard !spans.isEmpty else { return .taken }
        var headers: HTTPHeaders = ["Content-Type": "application/json"]
        for (name, value) in target.headers { headers.replaceOrAdd(name: name, value: value.reveal()) }
        var address = target.address
        address.basePath = ""
        let request = UpstreamRequest(
            .POST, address, path: target.address.basePath, headers: headers,
            body: ByteBuffer(bytes: message.body(spans)), limits: Self.limits)
        let answer: OTLPQueue.Answer
        do {
            let reply = try await client.collect(request)
            answer = OTLPQueue.Answer(status: reply.status, retryAfter: reply.headers.first(name: "retry-after"))
        } catch {
            answer = .later(nil)
        }
        if case .later = answer { return answer }
        for (recorder, spans) in taken { recorder.exported(spans.count) }
        return answer
    }
}
