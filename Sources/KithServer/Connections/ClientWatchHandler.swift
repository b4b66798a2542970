// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTPTypes
import Synchronization

/// Notices that a client has gone while it is being answered, that it sends its request too slowly, or that it takes nothing
/// of its answer.
///
/// An engine must not go on working for nobody, so the end of the client's side of the connection ends the work. A client
/// that closes only its sending side counts as gone too; no HTTP client in use does that and waits for an answer.
final class ClientWatchHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart

    private let presence: ClientPresence
    private let uploads: UploadPace.Limits
    /// How long an answer may lie here because the client takes nothing of it: an engine's slot waits with it.
    private let unread: TimeAmount
    private var unreadCheck: Scheduled<Void>?
    private var isInBody = false
    /// The pace of the body that is arriving, unless it arrived in one read.
    private var pace: UploadPace?
    private var paceCheck: Scheduled<Void>?
    /// Whether the reader of the body has asked for more since the last piece arrived.
    private var isReadWanted = false

    init(presence: ClientPresence, limits: ConnectionLimits) {
        self.presence = presence
        uploads = UploadPace.Limits(limits)
        unread = TimeAmount(limits.idle)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: break
        case .body(let piece):
            isInBody = true
            pace?.piece(piece.readableBytes)
        case .end: endBody()
        }
        isReadWanted = false
        context.fireChannelRead(data)
    }

    /// A body that arrives in one read, as most do, needs no timer.
    func channelReadComplete(context: ChannelHandlerContext) {
        if isInBody, pace == nil {
            let pace = UploadPace(limits: uploads, now: .now())
            self.pace = pace
            check(at: pace.nextCheck, context: context)
        }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        isReadWanted = true
        context.read()
    }

    private func check(at time: NIODeadline, context: ChannelHandlerContext) {
        paceCheck = context.eventLoop.assumeIsolated().scheduleTask(deadline: time) {
            guard var pace = self.pace else { return }
            let now = NIODeadline.now()
            if !self.isReadWanted { pace.paused(now: now) }
            if pace.isOverdue(now: now) { return context.close(promise: nil) }
            self.pace = pace
            self.check(at: pace.nextCheck, context: context)
        }
    }

    private func endBody() {
        isInBody = false
        pace = nil
        paceCheck?.cancel()
        paceCheck = nil
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        unreadCheck?.cancel()
        unreadCheck = nil
        if !context.channel.isWritable {
            unreadCheck = context.eventLoop.assumeIsolated().scheduleTask(in: unread) { context.close(promise: nil) }
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event { presence.gone() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        endBody()
        unreadCheck?.cancel()
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
