// SPDX-License-Identifier: Apache-2.0

/// A value that may be sent to somebody else's node.
///
/// Made only by ``PrivacyGuard``, in this file, and not decodable: a way out that was not checked does not compile.
package struct Shareable<Value: Sendable>: Sendable {
    package let value: Value

    fileprivate init(_ value: Value) { self.value = value }
}

/// A value whose text is about to leave this node.
package protocol Utterance: Sendable {
    /// All text in it that a person or an engine has written.
    var words: [String] { get }
}

extension String: Utterance {
    package var words: [String] { [self] }
}

/// What this node knows in private: conversations, context, code.
package protocol PrivateMemory: Sendable {
    /// Whether one of these runs of words occurs in it.
    ///
    /// - Throws: What went wrong, when not all of it could be read; there is no answer then.
    func holds(_ runs: WordRuns) async throws -> Bool
}

/// The second wall around private data. The first is that text for a kith is written with nothing private in scope; this
/// one refuses text that looks private all the same, or that occurs in private data.
package struct PrivacyGuard: Sendable {
    /// Bytes of UTF-8 of a text; longer ones are refused unread.
    package static let limit = 8_192

    private let memory: any PrivateMemory

    package init(memory: any PrivateMemory) { self.memory = memory }

    /// - Parameter heard: What the receiver said before. Its words are no secret to it, so they may be repeated; and a
    ///   refusal says nothing about a guess.
    /// - Throws: ``SharingRefusal``.
    package func admit<Value: Utterance>(_ value: Value, inAnswerTo heard: String = "") async throws(SharingRefusal)
        -> Shareable<Value>
    {
        var runs = WordRuns()
        for text in value.words {
            guard text.utf8.count <= Self.limit else { throw SharingRefusal(.tooLong) }
            let folded = FoldedText(text)
            if let reason = Self.reason(against: text, folded) { throw SharingRefusal(reason) }
            runs.formUnion(WordRuns(folded))
        }
        runs.subtract(WordRuns(heard))
        guard !runs.isEmpty else { return Shareable(value) }
        let isPrivate: Bool
        do { isPrivate = try await memory.holds(runs) } catch { throw SharingRefusal(.unknown) }
        if isPrivate { throw SharingRefusal(.privateMemory) }
        return Shareable(value)
    }

    /// Why a text looks private by itself; the more telling reasons come first.
    package static func reason(against text: String) -> SharingRefusal.Reason? {
        reason(against: text, FoldedText(text))
    }

    private static func reason(against text: String, _ folded: FoldedText) -> SharingRefusal.Reason? {
        let scan = TextScan(folded)
        if EmailRule.matches(scan) { return .emailAddress }
        if LinkRule.matches(scan) { return .url }
        if NetworkAddressRule.matches(scan) { return .networkAddress }
        if NationalIDRule.matches(scan) { return .nationalID }
        if NumberRule.matches(scan) { return .phoneNumber }
        if PathRule.matches(scan) { return .path }
        if KeyRule.matches(text) { return .key }
        if SpellingRule.matches(scan) { return .spelledOut }
        if CodeRule.matches(scan) { return .code }
        return nil
    }
}

/// Why a text must not go to somebody else's node. Names the kind of thing that was found, and never quotes it.
package struct SharingRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: String, Hashable, Sendable, CaseIterable {
        case emailAddress = "email-address"
        case phoneNumber = "phone-number"
        case networkAddress = "network-address"
        case path
        case url
        case key
        case nationalID = "national-id"
        case code
        /// Letter by letter, which hides a text from all other rules.
        case spelledOut = "spelled-out"
        /// Four words in a row that this node's user has said, or been told, in private.
        case privateMemory = "private-memory"
        case tooLong = "too-long"
        /// What is private could not be read, so nothing can be compared with it.
        case unknown
    }

    package var reason: Reason

    package init(_ reason: Reason) { self.reason = reason }

    package var description: String {
        switch reason {
        case .emailAddress: "it holds an e-mail address or a handle"
        case .phoneNumber: "it holds a number as long as a telephone number"
        case .networkAddress: "it holds a network address"
        case .path: "it holds the path or the name of a file"
        case .url: "it holds a link or the name of a site"
        case .key: "it holds something that looks like a key or a password"
        case .nationalID: "it holds something that looks like the number of a person, an account or a card"
        case .code: "it holds code"
        case .spelledOut: "it spells something out letter by letter"
        case .privateMemory: "four words in a row are from what is private here"
        case .tooLong: "it is too long"
        case .unknown: "what is private here could not be read, to compare it"
        }
    }
}
