// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTPTypes
import Synchronization

/// Learns that a client has gone while it is being answered, and that one sends its request too slowly.
///
/// An engine must not go on working for nobody, so the end of the client's side of the connection ends the work. A client
/// that closes only its sending side counts as gone too; no HTTP client in use does that and waits for an answer.
final class ClientWatchHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    private let presence: ClientPresence
    private let bodyLimit: TimeAmount
    private var isInBody = false
    private var slowRequest: Scheduled<Void>?

    init(presence: ClientPresence, bodyLimit: Duration) {
        self.presence = presence
        self.bodyLimit = TimeAmount(bodyLimit)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: break
        case .body: isInBody = true
        case .end:
            isInBody = false
            slowRequest?.cancel()
            slowRequest = nil
        }
        context.fireChannelRead(data)
    }

    /// A body that came in one go, as most do, needs no timer.
    func channelReadComplete(context: ChannelHandlerContext) {
        if isInBody, slowRequest == nil {
            slowRequest = context.eventLoop.assumeIsolated().scheduleTask(in: bodyLimit) {
                context.close(promise: nil)
            }
        }
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { presence.gone() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        slowRequest?.cancel()
        presence.gone()
        context.fireChannelInactive()
    }
}

/// Whether the client of one connection is still there.
final class ClientPresence: Sendable {
    private enum State {
        case present(onGone: (@Sendable () -> Void)?)
        case gone
    }

    private let state = Mutex(State.present(onGone: nil))

    /// Runs `action` when the client goes, at once if it has gone.
    func whenGone(_ action: @escaping @Sendable () -> Void) {
        let isGone = state.withLock { state in
            guard case .present = state else { return true }
            state = .present(onGone: action)
            return false
        }
        if isGone { action() }
    }

    func gone() {
        let action = state.withLock { state -> (@Sendable () -> Void)? in
            defer { state = .gone }
            guard case .present(let action) = state else { return nil }
            return action
        }
        action?()
    }
}
