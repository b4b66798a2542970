// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What the events of one answer have in common: all but the piece of text in the middle. Most events are recognised by it, at a
/// tenth of what it takes to go through their members.
struct OpenAIEventTemplate: Sendable {
    private let beginning: [UInt8]
    private let end: [UInt8]

    /// - Parameter text: Where the piece of text stands in an event that says nothing else, without its quotes.
    init(_ event: UnsafeBufferPointer<UInt8>, text: Range<Int>) {
        beginning = Array(event[..<text.lowerBound])
        end = Array(event[text.upperBound...])
    }

    /// - Returns: Where the piece of text stands in an event that differs in nothing else; `nil` for any other.
    func text(in event: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
        let rest = event.count - end.count
        guard rest >= beginning.count, ByteSearch.begins(event, with: beginning),
            ByteSearch.begins(UnsafeBufferPointer(rebasing: event[rest...]), with: end)
        else { return nil }
        // With its quotes, which are the last byte before and the first behind.
        var scanner = JSONScanner(UnsafeBufferPointer(rebasing: event[(beginning.count - 1)..<(rest + 1)]))
        guard let token = try? scanner.string(), token.range.count == rest - beginning.count, !scanner.hasLineSeparators
        else { return nil }
        return beginning.count..<rest
    }
}
