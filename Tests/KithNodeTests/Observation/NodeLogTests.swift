// SPDX-License-Identifier: Apache-2.0

import KithModel
import Logging
import Synchronization
import Testing

@testable import KithNode

struct NodeLogTests {
    private final class Written: TextOutputStream, Sendable {
        private let text = Mutex("")
        var lines: [Substring] { text.withLock { $0.split(separator: "\n").map { $0 } } }
        func write(_ more: String) { text.withLock { $0 += more } }
    }

    /// A logger, what it writes for people, and what is kept of it.
    private func logger(_ provider: Logger.MetadataProvider? = nil) -> (Logger, Written, LogRing) {
        let (written, ring) = (Written(), LogRing())
        var logger = Logger(label: "kith") { label in
            var handler = NodeLogHandler(
                label: label, format: .text, ring: ring,
                writeText: StreamLogHandler(label: label, stream: written, metadataProvider: nil))
            handler.metadataProvider = provider
            return handler
        }
        logger.logLevel = .info
        return (logger, written, ring)
    }

    private static let forged = "x\n2026-01-01T00:00:00+0000 notice kith: [KithNode] all is well\u{1B}[2J"

    @Test func `Whatever engines and peers say, a line of the log stays one line without control characters`() {
        struct Failure: Error, CustomStringConvertible { var description: String { NodeLogTests.forged } }
        var (logger, written, ring) = logger(Logger.MetadataProvider { ["provided": "\(Self.forged)"] })
        logger[metadataKey: "own"] = "\(Self.forged)"
        logger.error("\(Self.forged)", error: Failure(), metadata: ["reason": "\(Self.forged)"])
        logger.info("next", metadata: ["list": ["\(Self.forged)"], "map": ["key": "\(Self.forged)"]])
        #expect(written.lines.count == 2)
        #expect(written.lines.allSatisfy { !$0.unicodeScalars.contains(where: HarmlessText.isHarmful) })
        let kept = ring.last(2, from: .trace).flatMap { [$0.message] + $0.metadata.values }
        #expect(kept.count == 10)
        #expect(kept.allSatisfy { !$0.unicodeScalars.contains(where: HarmlessText.isHarmful) })
    }

    @Test func `A value cannot pass for further fields of its line`() throws {
        let (logger, written, _) = logger()
        logger.notice("audit", metadata: ["reason": "refused subject=admin \"x\"", "plain": "two words"])
        let line = try #require(written.lines.first)
        #expect(line.contains(#"reason="refused subject=admin \"x\"""#))
        #expect(line.contains("plain=two words"))
    }

    @Test func `A text of any length takes a bounded line`() throws {
        let (logger, written, _) = logger()
        logger.notice("long", metadata: ["reason": "\(String(repeating: "x", count: 1_000_000))"])
        let line = try #require(written.lines.first)
        #expect(line.utf8.count < 2 * LogLine.textLimit)
    }
}
