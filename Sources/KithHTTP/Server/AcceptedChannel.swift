// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// A connection, or a stream of one, that has been accepted. It is closed when it is dropped without having been served, as
/// happens to what arrives while the server stops.
final class AcceptedChannel: ServerChildChannelValue {
    let channel: any Channel
    let presence = ClientPresence()
    let executor: EventLoopExecutor

    init(_ channel: any Channel) {
        self.channel = channel
        executor = EventLoopExecutor(channel.eventLoop)
    }

    deinit { channel.close(promise: nil) }

    /// Nothing is read before there is somebody to read it. To be called on the channel's event loop.
    func holdReads() throws { try channel.syncOptions?.setOption(.autoRead, value: false) }

    /// Answers requests until the client goes, which cancels the work, or the calling task is cancelled.
    func serve(responder: @escaping HTTPChannelHandler.Responder, logger: Logger) async {
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

    /// Gives the connection its asynchronous end. Not done earlier, because that end traps when it is dropped unused.
    private static func wrap(_ channel: any Channel) async throws -> HTTP1Channel.Value {
        try await channel.eventLoop.submit {
            guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
            let wrapped = try HTTP1Channel.Value(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
            try channel.syncOptions?.setOption(.autoRead, value: true)
            channel.read()  // setting the option asks the socket only, and not the handlers that hold what has come
            return wrapped
        }.get()
    }
}
