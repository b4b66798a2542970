// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import KithInference
import KithModel
import NIOCore
import Synchronization

/// Writes this node's answer to a kin line by line, and a sign of life while the engine says nothing.
struct PeerAnswerWriter: Sendable {
    private enum Begun: Sendable {
        case verbatim(VerbatimAnswer)
        case stream(StartedStream)
    }

    private enum Signal: Sendable {
        case stillWaiting
        case begun(Result<Begun, any Error>)
    }

    let engine: LocalEngine
    let request: ChatRequest
    let clock: any TimeSource

    @concurrent
    func write(to writer: inout any ResponseBodyWriter) async throws {
        do {
            switch try await begin(writingTo: &writer) {
            case .verbatim(let answer): try await Self.write(.verbatim(answer), to: &writer)
            case .stream(let stream):
                while let event = try await stream.next() { try await Self.write(.event(event), to: &writer) }
            }
        } catch let failure as ChatFailure {
            try await Self.write(.failure(failure), to: &writer)
        }
    }

    @concurrent
    private func begin(writingTo writer: inout any ResponseBodyWriter) async throws -> Begun {
        let (signals, continuation) = AsyncStream.makeStream(of: Signal.self, bufferingPolicy: .bufferingNewest(4))
        let starter = Task {
            continuation.yield(.begun(await Self.result { try await start() }))
            continuation.finish()
        }
        let ticker = Task {
            while true {
                try await clock.sleep(for: PeerWire.keepAlive)
                continuation.yield(.stillWaiting)
            }
        }
        defer {
            ticker.cancel()
            starter.cancel()  // an engine must not begin for a kin that could not be told to wait
        }
        return try await withTaskCancellationHandler {
            for await signal in signals {
                switch signal {
                case .stillWaiting: try await Self.write(.event(.waiting(waitReason)), to: &writer)
                case .begun(let result): return try result.get()
                }
            }
            throw CancellationError()
        } onCancel: {
            starter.cancel()
        }
    }

    private func start() async throws -> Begun {
        switch try await engine.until(request.deadline, clock: clock).answer(request) {
        case .verbatim(let answer): .verbatim(answer)
        case .events(let stream): .stream(try await StartedStream.begin(stream))
        }
    }

    private var waitReason: WaitReason { engine.load.waiting > 0 ? .queued : .loading }

    private static func result<Value: Sendable>(
        _ operation: () async throws -> Value
    ) async -> Result<Value, any Error> {
        do { return .success(try await operation()) } catch { return .failure(error) }
    }

    @concurrent
    private static func write(_ line: PeerWire.Line, to writer: inout any ResponseBodyWriter) async throws {
        try await writer.write(ByteBuffer(bytes: try line.bytes()))
    }
}
