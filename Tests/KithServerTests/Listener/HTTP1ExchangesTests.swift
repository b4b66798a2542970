// SPDX-License-Identifier: Apache-2.0

import NIOHTTP1
import Testing
@testable import KithServer

@Suite("What HTTP/1 asks of a connection")
struct HTTP1ExchangesTests {
    private func asked(
        _ exchanges: inout HTTP1Exchanges, _ version: HTTPVersion = .http1_1, _ headers: HTTPHeaders = [:],
        isWhole: Bool = true
    ) -> HTTP1Exchanges.Reception {
        var head = HTTPRequestHead(version: version, method: .POST, uri: "/", headers: headers)
        let reception = exchanges.received(&head)
        if isWhole { _ = exchanges.receivedEnd() }
        return reception
    }

    private func answer(
        _ exchanges: inout HTTP1Exchanges, _ status: HTTPResponseStatus = .ok, _ headers: HTTPHeaders = [:]
    ) -> HTTPResponseHead? {
        var head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        return exchanges.answers(&head) ? head : nil
    }

    @Test("HTTP/1.0 gets no chunks: a stream ends with the connection, and a bounded answer may leave it open")
    func http10() {
        for (asks, length, keeps) in [
            (nil, nil, false), (nil, "5", false), ("keep-alive", nil, false), ("Keep-Alive", "5", true),
            ("keep-alive, close", "5", false),
        ] as [(String?, String?, Bool)] {
            var exchanges = HTTP1Exchanges()
            _ = asked(&exchanges, .http1_0, asks.map { ["Connection": $0] } ?? [:])
            let head = answer(
                &exchanges, .ok, length.map { ["Content-Length": $0] } ?? ["Transfer-Encoding": "chunked"])
            #expect(head?.version == .http1_0)
            #expect(head?.headers.contains(name: "transfer-encoding") == false)
            #expect(head?.headers["connection"] == [keeps ? "keep-alive" : "close"])
            #expect(exchanges.answered() == (keeps ? .goOn : .close))
            #expect(exchanges.isOver != keeps)
        }
    }

    @Test("HTTP/1.1 goes on unless the client wants an end, however it writes that")
    func http11() {
        for (asks, keeps) in [(nil, true), ("close", false), ("Close", false), ("x, CLOSE", false)] as [(String?, Bool)]
        {
            var exchanges = HTTP1Exchanges()
            _ = asked(&exchanges, .http1_1, asks.map { ["Connection": $0] } ?? [:])
            let head = answer(&exchanges)
            #expect(head?.version == .http1_1)
            #expect(head?.headers["connection"] == (keeps ? [] : ["close"]))
            #expect(exchanges.answered() == (keeps ? .goOn : .close))
        }
    }

    @Test("HTTP/1.0 with Transfer-Encoding is refused, because nobody knows where it ends")
    func chunksInHTTP10() {
        var exchanges = HTTP1Exchanges()
        guard case .refuse(let refusal) = asked(&exchanges, .http1_0, ["Transfer-Encoding": "chunked"]) else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.status == .badRequest)
        #expect(exchanges.isOver)
        #expect(exchanges.receivedBody() == .drop)
    }

    @Test("Whoever waits for a word gets it once, and not after it has begun to send, and never in HTTP/1.0")
    func interim() {
        let waits: HTTPHeaders = ["Expect": "100-continue"]
        var exchanges = HTTP1Exchanges()
        _ = asked(&exchanges, .http1_1, waits, isWhole: false)
        #expect(answer(&exchanges, .continue) != nil)
        #expect(answer(&exchanges, .continue) == nil)
        _ = exchanges.receivedEnd()
        #expect(answer(&exchanges)?.headers["connection"] == [])

        exchanges = HTTP1Exchanges()
        _ = asked(&exchanges, .http1_1, waits, isWhole: false)
        _ = exchanges.receivedBody()
        #expect(answer(&exchanges, .continue) == nil)

        exchanges = HTTP1Exchanges()
        var head = HTTPRequestHead(version: .http1_0, method: .POST, uri: "/", headers: waits)
        #expect(exchanges.received(&head) == .handOn)
        #expect(!head.headers.contains(name: "expect"))
        #expect(answer(&exchanges, .continue) == nil)
    }

    @Test("Whoever is refused while it waits for a word is told, and the connection ends: its body may come or not")
    func refusedExpectation() {
        var exchanges = HTTP1Exchanges()
        _ = asked(&exchanges, .http1_1, ["Expect": "100-continue"], isWhole: false)
        #expect(answer(&exchanges, .unauthorized)?.headers["connection"] == ["close"])
        #expect(exchanges.answered() == .close)
        #expect(exchanges.receivedBody() == .drop)
    }

    @Test("What is too large is not read to its end")
    func tooLarge() {
        var exchanges = HTTP1Exchanges()
        _ = asked(&exchanges, isWhole: false)
        #expect(answer(&exchanges, .payloadTooLarge)?.headers["connection"] == ["close"])
        #expect(exchanges.answered() == .close)
    }

    @Test("Bytes that are no request are answered in their turn, and are the last")
    func malformedHead() {
        var exchanges = HTTP1Exchanges()
        #expect(exchanges.failed(.invalidMethod) == .refuse(HTTP1Refusal(.invalidMethod)))

        exchanges = HTTP1Exchanges()
        _ = asked(&exchanges)
        _ = asked(&exchanges)
        #expect(exchanges.failed(.headerOverflow) == .drop)
        #expect(asked(&exchanges) == .drop)
        #expect(answer(&exchanges) != nil)
        #expect(exchanges.answered() == .goOn)
        #expect(answer(&exchanges) != nil)
        #expect(exchanges.answered() == .refuse(HTTP1Refusal(.headerOverflow)))
        #expect(answer(&exchanges) == nil)
    }

    @Test("A broken body is answered by whoever reads it, once, and the connection ends")
    func malformedBody() {
        var exchanges = HTTP1Exchanges()
        _ = asked(&exchanges)
        _ = asked(&exchanges, isWhole: false)
        #expect(exchanges.failed(.invalidChunkSize) == .handOn)
        #expect(answer(&exchanges)?.headers["connection"] == [])
        #expect(exchanges.answered() == .goOn)
        #expect(answer(&exchanges, .badRequest)?.headers["connection"] == ["close"])
        #expect(exchanges.answered() == .close)
        #expect(answer(&exchanges, .badRequest) == nil)
    }

    @Test("A body that breaks after its answer is not answered again")
    func brokenAfterAnswer() {
        var exchanges = HTTP1Exchanges()
        _ = asked(&exchanges, isWhole: false)
        #expect(answer(&exchanges, .notFound)?.headers["connection"] == [])
        #expect(exchanges.answered() == .goOn)
        #expect(exchanges.failed(.invalidChunkSize) == .close)
        #expect(answer(&exchanges, .badRequest) == nil)
    }

    @Test("Each kind of nonsense has a status of its own")
    func statuses() {
        #expect(HTTP1Refusal(.headerOverflow).status == .requestHeaderFieldsTooLarge)
        for error in [HTTPParserError.invalidChunkSize, .unexpectedContentLength, .invalidHeaderToken, .unknown] {
            #expect(HTTP1Refusal(error).status == .badRequest)
        }
    }
}
