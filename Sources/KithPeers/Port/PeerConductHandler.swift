// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import NIOHTTP2

/// Notes who broke the rules of HTTP/2 so that the connection had to end: oversized frames, header fields without end.
final class PeerConductHandler: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    static let brokenRules = "rules of HTTP/2 broken"

    private let caller: PeerConnections.Caller
    private let audit: any AuditTrail
    private var isNoted = false

    init(caller: PeerConnections.Caller, audit: any AuditTrail) {
        self.caller = caller
        self.audit = audit
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if error is any NIOHTTP2Error, !isNoted {
            isNoted = true
            audit.record(
                .peerRefused, subject: caller.id.description, source: caller.source, reason: Self.brokenRules)
        }
        context.fireErrorCaught(error)
    }
}
