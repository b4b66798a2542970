// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Compares an answer that is given anew with what the client has of it already, and lets through only what comes after:
/// a pure value.
struct PrefixCheck: Sendable {
    private var expected: ArraySlice<UInt8>

    init(_ begun: String) { expected = Array(begun.utf8)[...] }

    /// Whether all that the client has was said again.
    var isPassed: Bool { expected.isEmpty }

    /// - Returns: What of `text` the client has not got; empty while it has.
    /// - Throws: ``ChatFailure`` with `cannotContinue` when this is another answer. Bytes are compared: what is merely
    ///   canonically equivalent was not what the client got.
    mutating func take(_ text: String) throws(ChatFailure) -> String {
        guard !expected.isEmpty else { return text }
        let bytes = text.utf8
        let common = min(bytes.count, expected.count)
        guard bytes.prefix(common).elementsEqual(expected.prefix(common)) else {
            throw ChatFailure(.cannotContinue, "the engine that was asked instead answers otherwise")
        }
        expected = expected.dropFirst(common)
        return String(decoding: bytes.dropFirst(common), as: UTF8.self)
    }
}

/// Takes white space from the beginning of what goes on, where the client has it already and the engine could not be told:
/// a pure value.
struct SpaceCheck: Sendable {
    private var given: ArraySlice<UInt8>

    init(_ space: some StringProtocol) { given = Array(space.utf8)[...] }

    mutating func take(_ text: String) -> String {
        guard !given.isEmpty, !text.isEmpty else { return text }
        let bytes = text.utf8
        var common = 0
        for (said, had) in zip(bytes, given) {
            guard said == had else { break }
            common += 1
        }
        // Once the engine says something else, all that it would say of it has been said.
        given = common == bytes.count ? given.dropFirst(common) : []
        return String(decoding: bytes.dropFirst(common), as: UTF8.self)
    }
}
