// SPDX-License-Identifier: Apache-2.0

package import KithModel
import Synchronization

/// One try at one candidate; reports its outcome exactly once. Dropped without an outcome, it reports that it was
/// abandoned.
package final class Attempt: Sendable {
    enum Outcome: Sendable {
        case succeeded(EngineCost)
        case failed(ChatError)
        case abandoned
    }

    package let candidate: Candidate
    /// What the one that is asked is told of the trace.
    let trace: TracePosition
    private let report: Mutex<(@Sendable (Outcome) -> Void)?>

    init(candidate: Candidate, trace: TracePosition = .untraced, report: @escaping @Sendable (Outcome) -> Void) {
        self.candidate = candidate
        self.trace = trace
        self.report = Mutex(report)
    }

    deinit { settle(.abandoned) }

    func succeeded(_ cost: EngineCost) { settle(.succeeded(cost)) }

    func ended(with error: any Error) {
        guard let failure = error as? ChatError, failure.code != .cancelled else { return settle(.abandoned) }
        settle(.failed(failure))
    }

    private func settle(_ outcome: Outcome) { report.withLock { $0.take() }?(outcome) }
}

/// What an answer cost the engine that gave it, as far as it said.
package struct EngineCost: Hashable, Sendable {
    /// How long the request held its slot; `nil` where only the whole time is known, its wait for a slot included.
    package var engineTime: Duration?
    /// As ``TokenUsage/readTime``.
    package var readTime: Duration?
    package var promptTokens: Int?
    package var answerTokens: Int?

    package static let unknown = EngineCost()

    package init(
        engineTime: Duration? = nil, readTime: Duration? = nil, promptTokens: Int? = nil, answerTokens: Int? = nil
    ) {
        self.engineTime = engineTime
        self.readTime = readTime
        self.promptTokens = promptTokens
        self.answerTokens = answerTokens
    }

    /// Engines that do not count the prompt say 0.
    package init(_ usage: TokenUsage) {
        engineTime = usage.engineTime
        readTime = usage.readTime
        promptTokens = usage.promptTokens > 0 ? usage.promptTokens : nil
        answerTokens = usage.completionTokens
    }

    package init(_ answer: VerbatimAnswer) {
        let usage = VerbatimUsage(endOf: answer.body)
        self.init(engineTime: answer.engineTime, promptTokens: usage.promptTokens, answerTokens: usage.answerTokens)
    }
}

/// The token counts of an answer that is passed on as it is, read from the end of its bytes without decoding them.
///
/// A key inside a text of the answer is never taken for one: its quotes are escaped there.
package struct VerbatimUsage: Hashable, Sendable {
    /// Bytes that are looked at; engines say little after the counts.
    package static let reach = 4_096

    package var promptTokens: Int?
    package var answerTokens: Int?

    package init(endOf body: [UInt8]) {
        let tail = body.suffix(Self.reach)
        promptTokens = Self.number(after: #""prompt_tokens""#, in: tail)
        answerTokens = Self.number(after: #""completion_tokens""#, in: tail)
    }

    /// The number at the last place where `key` stands.
    private static func number(after key: StaticString, in tail: ArraySlice<UInt8>) -> Int? {
        tail.withUnsafeBufferPointer { bytes in
            let key = UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
            var start = bytes.count - key.count
            while start >= 0 {
                if bytes[start] == key[0], bytes[start..<start + key.count].elementsEqual(key) {
                    return number(in: bytes[(start + key.count)...])
                }
                start -= 1
            }
            return nil
        }
    }

    /// `: 123`, with blanks where JSON allows them.
    private static func number(in rest: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        let afterKey = rest.drop(while: isBlank)
        guard afterKey.first == UInt8(ascii: ":") else { return nil }
        let value = afterKey.dropFirst().drop(while: isBlank)
        let digits = value.prefix { (0x30...0x39).contains($0) }
        let next = value.dropFirst(digits.count).first ?? UInt8(ascii: "}")
        guard (1...9).contains(digits.count), isBlank(next) || next == UInt8(ascii: ",") || next == UInt8(ascii: "}")
        else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
