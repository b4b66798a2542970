// SPDX-License-Identifier: Apache-2.0

import KithModel
import NIOCore
import NIOHTTP1

/// Writes one request: a small one in a single flush, a large body part by part, each when the one before it went out,
/// so that progress can be seen. Bound to the channel's event loop.
final class RequestUpload {
    private static let part = 128 << 10

    private let channel: any Channel
    private let request: UpstreamRequest
    /// Of a connection of HTTP/1.1; a stream of HTTP/2 takes heads as they are.
    private let bytes: RequestBytes?
    private let onProgress: (ExchangeMachine.Written) -> Void
    private var body: ByteBuffer
    private var hasBegun = false
    private var isPartUnderWay = false
    private var isAdvancing = false
    private var isDone = false

    init(
        _ request: UpstreamRequest, on channel: any Channel, as bytes: RequestBytes?,
        onProgress: @escaping (ExchangeMachine.Written) -> Void
    ) {
        self.channel = channel
        self.request = request
        self.bytes = bytes
        self.onProgress = onProgress
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
        if let bytes {
            let head = hasBegun ? nil : bytes.head(of: request.method, as: request.http1(with: part))
            write(head.map { .head($0) } ?? .body(.byteBuffer(part)), written)
        } else {
            if !hasBegun { write(.head(request.head), nil) }
            if part.readableBytes > 0 { write(.body(.byteBuffer(part)), isDone ? nil : written) }
            if isDone { write(.end(nil), written) }
        }
        hasBegun = true
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
        func areAll(_ text: String, _ isFine: (UInt8) -> Bool) -> Bool {
            var text = text
            return text.withUTF8 { $0.allSatisfy(isFine) }
        }
        return areAll(path) { $0 > 0x20 && $0 != 0x7F }
            && headers.allSatisfy { name, value in
                !name.isEmpty && areAll(name) { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
                    && areAll(value) { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
            }
    }

    /// What the head says, with what is never left out.
    var fields: [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        fields.reserveCapacity(headers.count + 3)
        let length = body.map(\.readableBytes) ?? (method == .POST ? 0 : nil)
        var (hasHost, hasType) = (false, false)
        for (name, value) in headers {
            switch name.utf8.count {
            case 4: hasHost = hasHost || name.lowercased() == "host"
            case 12: hasType = hasType || name.lowercased() == "content-type"
            case 14: if length != nil, name.lowercased() == "content-length" { continue }
            default: break
            }
            fields.append((name, value))
        }
        if !hasHost { fields.append(("Host", address.authority)) }
        if let length { fields.append(("Content-Length", String(length))) }
        if !hasType, body != nil { fields.append(("Content-Type", "application/json")) }
        return fields
    }

    fileprivate var head: HTTPRequestHead {
        HTTPRequestHead(
            version: .http1_1, method: method, uri: address.basePath + path,
            headers: HTTPHeaders(fields.map { ($0.name, $0.value) }))
    }
}
