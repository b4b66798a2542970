// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import Logging
package import NIOCore

/// A connection, or a stream of one, that has been accepted. It is closed when it is dropped without having been served, as
/// happens to what arrives while the server stops.
final class AcceptedChannel: ServerChildChannelValue {
    let channel: any Channel
    let presence = ClientPresence()
    let executor: EventLoopExecutor
    /// Done when there is a request for the framework, or the connection has ended; `nil` where all requests are for
    /// the framework.
    private let demand: EventLoopPromise<Void>?

    /// - Parameter waits: Whether a handler before the framework answers most requests, and says when there is one for
    ///   it: what the framework keeps for a connection is then kept for few.
    init(_ channel: any Channel, waits: Bool = false) {
        self.channel = channel
        executor = EventLoopExecutor(channel.eventLoop)
        demand = waits ? channel.eventLoop.makePromise(of: Void.self) : nil
        if let demand { channel.closeFuture.whenComplete { _ in demand.succeed() } }
    }

    /// There is a request for the framework; once it can take one, ``FrameworkIsThere`` goes through the pipeline.
    var isWanted: @Sendable () -> Void { { [demand] in demand?.succeed() } }

    deinit { channel.close(promise: nil) }

    /// Nothing is read before there is a reader. Must be called on the channel's event loop.
    func holdReads() throws { try channel.syncOptions?.setOption(.autoRead, value: false) }

    /// Answers requests until the client goes, which cancels the work, or the calling task is cancelled.
    func serve(responder: @escaping HTTPChannelHandler.Responder, logger: Logger) async {
        if let demand {
            await withTaskCancellationHandler {
                try? await demand.futureResult.get()  // it does not fail
            } onCancel: {
                channel.close(promise: nil)
            }
            guard channel.isActive else { return }
        }
        let http = HTTP1Channel(responder: responder)
        // The one unstructured task of a connection: it must be cancelled from outside, by the channel's handler.
        let work = Task(executorPreference: executor) { [channel] in
            do {
                await http.handle(value: try await Self.wrap(channel), logger: logger)
            } catch {
                logger.debug("connection lost before its first request", metadata: ["reason": "\(error)"])
            }
        }
        presence.whenGone { work.cancel() }
        await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            work.cancel()
        }
    }

    /// Wraps the connection for asynchronous use. Not done earlier, because the wrapper traps when it is dropped
    /// unused.
    private static func wrap(_ channel: any Channel) async throws -> HTTP1Channel.Value {
        try await channel.eventLoop.submit {
            guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
            let wrapped = try HTTP1Channel.Value(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
            try channel.syncOptions?.setOption(.autoRead, value: true)
            channel.pipeline.fireUserInboundEventTriggered(FrameworkIsThere())
            channel.read()  // setting the option asks only the socket, not the handlers that hold data
            return wrapped
        }.get()
    }
}

/// A pipeline event: the framework takes requests from now on.
package struct FrameworkIsThere: Sendable {}

/// Runs tasks on an event loop, so that the work of a connection never leaves the thread that reads and writes it.
package final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    package init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

extension SocketAddress {
    /// The address without the port; `nil` for a local socket. An IPv4 address is written as such even when a listener for
    /// IPv6 accepted the connection and sees it as a mapped one (RFC 4291, section 2.5.5.2).
    package var source: String? {
        guard let text = ipAddress else { return nil }
        let mapped = "::ffff:"
        return text.hasPrefix(mapped) && text.utf8.contains(UInt8(ascii: "."))
            ? String(text.dropFirst(mapped.count)) : text
    }
}
