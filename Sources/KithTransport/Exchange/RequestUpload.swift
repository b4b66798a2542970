// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import NIOHTTP1

/// Writes one request: a small one in a single flush, a large body part by part, each when the one before it went out,
/// so that progress can be seen. Bound to the channel's event loop.
final class RequestUpload {
    private static let part = 128 << 10

    private let channel: any Channel
    private let onProgress: (ExchangeMachine.Written) -> Void
    private var head: HTTPRequestHead?
    private var body: ByteBuffer
    private var isPartUnderWay = false
    private var isAdvancing = false
    private var isDone = false

    init(_ request: UpstreamRequest, on channel: any Channel, onProgress: @escaping (ExchangeMachine.Written) -> Void) {
        self.channel = channel
        self.onProgress = onProgress
        head = request.head
        body = request.body ?? ByteBuffer()
    }

    /// Writes what may be written now.
    func advance() {
        // A part may go out while it is being flushed; the loop goes on then, which keeps the stack as it is.
        guard !isAdvancing else { return }
        isAdvancing = true
        defer { isAdvancing = false }
        while !isDone, !isPartUnderWay { writePart() }
    }

    private func writePart() {
        if let head { write(.head(head), nil) }
        head = nil
        let part = body.readSlice(length: min(Self.part, body.readableBytes)) ?? ByteBuffer()
        isDone = body.readableBytes == 0
        isPartUnderWay = true
        let written = channel.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenSuccess { [self] in
            isPartUnderWay = false
            onProgress(isDone ? .all : .begun)
            advance()
        }
        // What cannot be written ends with the connection, which tells more.
        if part.readableBytes > 0 { write(.body(.byteBuffer(part)), isDone ? nil : written) }
        if isDone { write(.end(nil), written) }
        channel.flush()
    }

    private func write(_ part: HTTPClientRequestPart, _ promise: EventLoopPromise<Void>?) {
        channel.pipeline.syncOperations.write(NIOAny(part), promise: promise)
    }
}

extension UpstreamRequest {
    /// Whether asking twice does no harm.
    var isSafe: Bool { method == .GET || method == .HEAD }

    /// Whether each of its words stays one when it is written on a line.
    var isSendable: Bool {
        let isPath = path.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
        return isPath
            && headers.allSatisfy { name, value in
                !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
                    && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
            }
    }

    fileprivate var head: HTTPRequestHead {
        var head = HTTPRequestHead(version: .http1_1, method: method, uri: address.basePath + path, headers: headers)
        if !head.headers.contains(name: "host") { head.headers.add(name: "Host", value: address.authority) }
        if let body {
            head.headers.replaceOrAdd(name: "Content-Length", value: String(body.readableBytes))
            if !head.headers.contains(name: "content-type") {
                head.headers.add(name: "Content-Type", value: "application/json")
            }
        } else if method == .POST {
            head.headers.replaceOrAdd(name: "Content-Length", value: "0")
        }
        return head
    }
}
