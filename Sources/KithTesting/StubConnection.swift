// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// One connection to a stub server: one request at a time. Bound to its event loop.
final class StubConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let responder: StubServer.Responder
    private let log: StubServerLog
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    private var answer: (task: Task<Void, Never>, answer: StubAnswer)?

    init(responder: @escaping StubServer.Responder, log: StubServerLog) {
        self.responder = responder
        self.log = log
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let buffer): body.append(contentsOf: buffer.readableBytesView)
        case .end:
            guard let head else { return }
            respond(
                to: StubRequest(
                    method: head.method.rawValue, uri: head.uri,
                    headers: Dictionary(
                        head.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first }),
                    body: body), on: context.channel)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let answer, !answer.answer.isOver {
            answer.task.cancel()
            log.noteClientGone()
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func respond(to request: StubRequest, on channel: any Channel) {
        log.add(request)
        let answer = StubAnswer(channel: channel)
        // The bridge from the event loop to the test's asynchronous code; ends with the answer or the connection.
        let task = Task { [responder] in
            do {
                try await responder(request, answer)
            } catch {
                answer.cut()
            }
        }
        self.answer = (task, answer)
    }
}
