// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1

/// What HTTP/1 requires of one connection besides the answers themselves: which version is spoken, whether the
/// connection stays open, who waits for a `100 Continue`, and what happens to bytes that are not HTTP (RFC 9110 and
/// 9112).
///
/// Knows requests in the order in which they came, which is that of their answers. Does no I/O.
struct HTTP1Exchanges {
    private struct Exchange {
        let isHTTP10: Bool
        let keepsAlive: Bool
        var expects: Bool
        /// Whether all of the request has arrived.
        var isReceived = false
        /// Its body is not HTTP from some byte on.
        var isBroken = false
    }

    /// What to do with what has arrived from the client.
    enum Reception: Equatable {
        case handOn
        /// Nothing is read any more.
        case drop
        /// The connection says this and ends.
        case refuse(HTTP1Refusal)
        case close
    }

    /// What to do at the end of an answer.
    enum Ending: Equatable {
        case goOn
        case close
        /// What came last has not been answered: say this, and close.
        case refuse(HTTP1Refusal)
    }

    private var open: [Exchange] = []
    /// Why what came after the last readable request is refused.
    private var refusal: HTTP1Refusal?
    private var isAnswering = false
    /// What arrives belongs to a request that was answered before all of it had arrived.
    private var isSkipping = false
    private var closesAfterAnswer = false
    /// Nothing is passed on or written any more.
    private(set) var isOver = false
    private var isDeaf = false

    // MARK: From the client

    /// The head of a request, which may be changed.
    mutating func received(_ head: inout HTTPRequestHead) -> Reception {
        guard !isDeaf else { return .drop }
        let isHTTP10 = Self.isHTTP10(head.version)
        if isHTTP10, head.headers.contains(name: "transfer-encoding") {
            // RFC 9112, section 6.1: the framing is faulty, so nobody knows where the request ends.
            return refuse(
                HTTP1Refusal(.badRequest, "HTTP/1.0 has no Transfer-Encoding; send a Content-Length or speak HTTP/1.1"))
        }
        let expects = head.headers.contains(name: "expect")
        if isHTTP10, expects { head.headers.remove(name: "expect") }  // RFC 9110, section 10.1.1
        open.append(
            Exchange(isHTTP10: isHTTP10, keepsAlive: Self.keepsAlive(head), expects: expects && !isHTTP10))
        return .handOn
    }

    mutating func receivedBody() -> Reception {
        guard !isDeaf else { return .drop }
        settleLast(isReceived: false)
        return .handOn
    }

    mutating func receivedEnd() -> Reception {
        guard !isDeaf else { return .drop }
        settleLast(isReceived: true)
        return .handOn
    }

    /// A client that has begun to send its body does not wait for a `100 Continue`.
    private mutating func settleLast(isReceived: Bool) {
        guard !isSkipping else { return isSkipping = !isReceived }
        guard let last = open.indices.last else { return }
        open[last].expects = false
        open[last].isReceived = isReceived
    }

    /// What arrived is not HTTP.
    ///
    /// - Returns: ``Reception/handOn`` when the broken body has a reader, which answers for it.
    mutating func failed(_ error: HTTPParserError) -> Reception {
        guard !isDeaf else { return .drop }
        if isSkipping {
            (isOver, isDeaf) = (true, true)
            return .close
        }
        if let last = open.indices.last, !open[last].isReceived {
            isDeaf = true
            open[last].isBroken = true
            return .handOn
        }
        return refuse(HTTP1Refusal(error))
    }

    /// In its turn: earlier requests are answered first.
    private mutating func refuse(_ refusal: HTTP1Refusal) -> Reception {
        isDeaf = true
        guard open.isEmpty else {
            self.refusal = refusal
            return .drop
        }
        isOver = true
        return .refuse(refusal)
    }

    // MARK: To the client

    /// The head of an answer, which is changed as its request needs it.
    ///
    /// - Returns: Whether it is to be written.
    mutating func answers(_ head: inout HTTPResponseHead) -> Bool {
        guard !isOver, let exchange = open.first else { return false }
        if (100..<200).contains(head.status.code) {
            defer { open[0].expects = false }
            return !exchange.isHTTP10 && (exchange.expects || head.status.code != 100)
        }
        isAnswering = true
        // A client that waits for a `100 Continue` will send no body, or one that nobody asked for; a body that is too
        // large is not read to its end.
        let leavesBody = !exchange.isReceived && (exchange.expects || head.status.code == 413)
        var keepsAlive = exchange.keepsAlive && !leavesBody && !exchange.isBroken
        if exchange.isHTTP10 {
            head.version = .http1_0
            head.headers.remove(name: "transfer-encoding")
            let isBounded = head.headers.contains(name: "content-length") || !head.status.mayHaveResponseBody
            keepsAlive = keepsAlive && isBounded
            head.headers.replaceOrAdd(name: "connection", value: keepsAlive ? "keep-alive" : "close")
        } else if !keepsAlive {
            head.headers.replaceOrAdd(name: "connection", value: "close")
        }
        closesAfterAnswer = !keepsAlive
        return true
    }

    /// Whether a part of an answer's body, or its end, is to be written.
    var mayWrite: Bool { !isOver && isAnswering }

    /// The end of an answer is written.
    mutating func answered() -> Ending {
        guard mayWrite, !open.isEmpty else { return .goOn }
        isAnswering = false
        let exchange = open.removeFirst()
        if closesAfterAnswer || exchange.isBroken {
            (isOver, isDeaf) = (true, true)
            return .close
        }
        if !exchange.isReceived { isSkipping = true }
        guard open.isEmpty, let refusal else { return .goOn }
        isOver = true
        return .refuse(refusal)
    }

    /// RFC 9112, section 9.3.
    private static func keepsAlive(_ head: HTTPRequestHead) -> Bool {
        let options = head.headers[canonicalForm: "connection"].map { $0.lowercased() }
        if options.contains("close") { return false }
        return !isHTTP10(head.version) || options.contains("keep-alive")
    }

    private static func isHTTP10(_ version: HTTPVersion) -> Bool { (version.major, version.minor) < (1, 1) }
}

/// Why bytes that are no request were refused.
struct HTTP1Refusal: Error, Equatable {
    let status: HTTPResponseStatus
    let message: String

    init(_ status: HTTPResponseStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    init(_ error: HTTPParserError) {
        switch error {
        case .headerOverflow:
            self.init(
                .requestHeaderFieldsTooLarge,
                "the request's address and header fields are longer than this node reads; send fewer or shorter ones")
        case .invalidChunkSize:
            self.init(.badRequest, "a chunk of the body does not begin with its size in hexadecimal digits")
        case .invalidContentLength, .unexpectedContentLength:
            self.init(
                .badRequest, "Content-Length is no number of bytes, is there twice, or stands beside Transfer-Encoding")
        case .invalidVersion:
            self.init(.badRequest, "this is no version of HTTP that this node speaks: 1.0, 1.1, and 2 with TLS")
        case .invalidMethod: self.init(.badRequest, "this is no method of HTTP")
        case .invalidEOFState, .closedConnection:
            self.init(.badRequest, "the connection ended in the middle of the request")
        default: self.init(.badRequest, "what was sent is no HTTP request")
        }
    }
}
