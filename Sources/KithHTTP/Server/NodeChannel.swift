// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes

/// An HTTP/1.1 connection whose work is cancelled when its client goes.
struct NodeChannel: ServerChildChannel {
    struct Value: ServerChildChannelValue {
        let http: HTTP1Channel.Value
        let presence: ClientPresence

        var channel: any Channel { http.channel }
    }

    let responder: HTTPChannelHandler.Responder
    let limits: ConnectionLimits

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let presence = ClientPresence()
        return http(watchedBy: presence).setup(channel: channel, logger: logger).map {
            Value(http: $0, presence: presence)
        }
    }

    func handle(value: Value, logger: Logger) async {
        let http = http(watchedBy: value.presence)
        // The one unstructured task of a connection: it must be cancelled from outside, by the channel's handler.
        let connection = Task { await http.handle(value: value.http, logger: logger) }
        value.presence.whenGone { connection.cancel() }
        await withTaskCancellationHandler {
            await connection.value
        } onCancel: {
            connection.cancel()
        }
    }

    private func http(watchedBy presence: ClientPresence) -> HTTP1Channel {
        HTTP1Channel(
            responder: responder,
            configuration: .init(
                additionalChannelHandlers: [ClientWatchHandler(presence: presence, bodyLimit: limits.body)],
                idleTimeout: TimeAmount(limits.idle),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: limits.headerBytes / 4, maxHeaderListSize: limits.headerBytes,
                    maxHeaderFieldCount: limits.headerCount)))
    }
}
