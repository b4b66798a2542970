// SPDX-License-Identifier: Apache-2.0

package import KithModel
package import NIOCore
package import NIOHTTP1

/// One request to an engine or a peer.
package struct UpstreamRequest: Sendable {
    package var method: HTTPMethod
    package var address: HTTPAddress
    /// Begins with `/`; follows the address's base path.
    package var path: String
    /// `Host`, `Content-Length` and `Content-Type: application/json` (with a body) are added when missing.
    package var headers: HTTPHeaders
    package var body: ByteBuffer?
    package var limits: UpstreamLimits
    /// What is asked, for messages, such as "Ollama"; its address alone where there is no name.
    package var subject: String?

    package init(
        _ method: HTTPMethod, _ address: HTTPAddress, path: String, headers: HTTPHeaders = [:],
        body: ByteBuffer? = nil, limits: UpstreamLimits = UpstreamLimits(), subject: String? = nil
    ) {
        self.method = method
        self.address = address
        self.path = path
        self.headers = headers
        self.body = body
        self.limits = limits
        self.subject = subject
    }
}

/// The limits of time and size; no wait is without a limit.
package struct UpstreamLimits: Sendable {
    /// Until a connection is established, including name resolution. A TLS handshake may take as long again, and ten
    /// seconds in any case: a busy machine needs them for its arithmetic.
    package var connect: Duration
    /// From the moment at which the request was written out until the first byte of the answer's body; the head alone
    /// says nothing about the work. A request that no longer makes progress is given up after the longer of this and
    /// `stall`.
    package var firstByte: Duration
    /// Between two pieces of the answer.
    package var stall: Duration
    /// From the request to the end of an answer that is collected whole, which may come byte by byte, each within the other
    /// limits; `nil` where only silence is limited.
    package var whole: Duration?
    /// Bytes of an answer that is collected whole.
    package var bodyBytes: Int

    package init(
        connect: Duration = .seconds(2), firstByte: Duration = .seconds(10), stall: Duration = .seconds(30),
        whole: Duration? = nil, bodyBytes: Int = 16 << 20
    ) {
        self.connect = connect
        self.firstByte = firstByte
        self.stall = stall
        self.whole = whole
        self.bodyBytes = bodyBytes
    }

    /// - Parameter whole: All of an answer that is collected whole comes within this time.
    package init(connect: Duration = .seconds(2), within whole: Duration, bodyBytes: Int = 16 << 20) {
        self.init(connect: connect, firstByte: whole, stall: whole, whole: whole, bodyBytes: bodyBytes)
    }

    /// - Parameter silence: The other side may say nothing for this long, before the answer and in the middle of it.
    package init(connect: Duration = .seconds(2), silence: Duration, bodyBytes: Int = 16 << 20) {
        self.init(connect: connect, firstByte: silence, stall: silence, bodyBytes: bodyBytes)
    }
}

/// Where a connection leads; connections to the same place are interchangeable.
struct UpstreamOrigin: Hashable, Sendable, CustomStringConvertible {
    var scheme: HTTPAddress.Scheme
    var host: String
    var port: Int

    init(_ address: HTTPAddress) {
        scheme = address.scheme
        host = address.host
        port = address.port
    }

    var description: String { HTTPAddress(scheme: scheme, host: host, port: port).description }
}

/// Writes one request: a small one in a single flush, a large body part by part, each when the one before it has gone
/// out, so that progress can be seen. Bound to the channel's event loop.
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
        // A failed write ends with the connection, whose end tells more.
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

    /// Whether each of its words stays one word when it is written on a line.
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

    /// The fields of the head, including those that are never left out.
    func forEachField(_ put: (_ name: String, _ value: String) -> Void) {
        let length = body.map(\.readableBytes) ?? (method == .POST ? 0 : nil)
        var (hasHost, hasType) = (false, false)
        for (name, value) in headers {
            switch name.utf8.count {
            case 4: hasHost = hasHost || name.lowercased() == "host"
            case 12: hasType = hasType || name.lowercased() == "content-type"
            case 14: if length != nil, name.lowercased() == "content-length" { continue }
            default: break
            }
            put(name, value)
        }
        if !hasHost { put("Host", address.authority) }
        if let length { put("Content-Length", String(length)) }
        if !hasType, body != nil { put("Content-Type", "application/json") }
    }

    fileprivate var head: HTTPRequestHead {
        var fields = HTTPHeaders()
        fields.reserveCapacity(headers.count + 3)
        forEachField { fields.add(name: $0, value: $1) }
        return HTTPRequestHead(version: .http1_1, method: method, uri: address.basePath + path, headers: fields)
    }
}
