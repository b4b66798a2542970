// SPDX-License-Identifier: Apache-2.0

import Crypto
package import KithModel

/// A random word that stands for a right until that ends, at the one moment at which it is known: 256 bits.
package struct PageWord: Sendable {
    package let text: Secret

    package init() {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        text = Secret(String(decoding: Base32.encode(bytes), as: UTF8.self).lowercased())
    }

    /// What is kept of it. Comparing digests tells nothing of the words, however long it takes.
    fileprivate static func digest(_ word: some Collection<UInt8>) -> [UInt8] {
        Array(SHA256.hash(data: Array(word.prefix(longest))))
    }

    /// Bytes; of what is longer, the rest is not looked at.
    private static let longest = 256
}

/// The browsers that have signed in to a node's page. A pure value; only digests of what they show are kept.
package struct PageSessionTable: Sendable {
    package static let idleLimit = Duration.seconds(12 * 3_600)
    package static let lifetime = Duration.seconds(7 * 86_400)
    /// Of one holder; the one that was not used for the longest time makes room.
    package static let holderLimit = 16
    package static let limit = 4_096

    /// Whose right a session has.
    package enum Holder: Hashable, Sendable {
        case owner
        /// The holder of the key with this id.
        case key(String)
    }

    private struct Session: Sendable {
        let holder: Holder
        let opened: WallTime
        var used: WallTime

        func hasEnded(at now: WallTime) -> Bool {
            now >= opened.advanced(by: lifetime) || now >= used.advanced(by: idleLimit)
        }
    }

    private var sessions: [[UInt8]: Session] = [:]

    package init() {}

    package var count: Int { sessions.count }

    /// - Returns: The word that the browser is to show; `nil` when there are too many sessions.
    package mutating func open(for holder: Holder, now: WallTime) -> Secret? {
        sessions = sessions.filter { !$0.value.hasEnded(at: now) }
        let own = sessions.filter { $0.value.holder == holder }
        if own.count >= Self.holderLimit, let oldest = own.min(by: { $0.value.used < $1.value.used }) {
            sessions[oldest.key] = nil
        }
        guard sessions.count < Self.limit else { return nil }
        let word = PageWord().text
        sessions[PageWord.digest(word.reveal().utf8)] = Session(holder: holder, opened: now, used: now)
        return word
    }

    /// Whose session it is, which then counts as used; `nil` when there is none, or it has ended.
    package mutating func holder(of word: some Collection<UInt8>, now: WallTime) -> Holder? {
        let digest = PageWord.digest(word)
        guard var session = sessions[digest] else { return nil }
        guard !session.hasEnded(at: now) else {
            sessions[digest] = nil
            return nil
        }
        session.used = max(session.used, now)
        sessions[digest] = session
        return session.holder
    }

    /// - Returns: Whose it was; `nil` when there was none.
    @discardableResult
    package mutating func close(_ word: some Collection<UInt8>) -> Holder? {
        sessions.removeValue(forKey: PageWord.digest(word))?.holder
    }
}

/// The links by which an owner opens the page, each once and soon. A pure value.
package struct PageLinkTable: Sendable {
    package static let lifetime = Duration.seconds(60)
    /// The oldest makes room.
    package static let limit = 16

    private var links: [(digest: [UInt8], ends: WallTime)] = []

    package init() {}

    /// - Returns: The code that the link holds.
    package mutating func make(now: WallTime) -> Secret {
        links.removeAll { now >= $0.ends }
        if links.count >= Self.limit { links.removeFirst() }
        let word = PageWord().text
        links.append((PageWord.digest(word.reveal().utf8), now.advanced(by: Self.lifetime)))
        return word
    }

    /// - Returns: Whether the code counts, which it does no longer from then on.
    package mutating func redeem(_ code: some Collection<UInt8>, now: WallTime) -> Bool {
        let digest = PageWord.digest(code)
        guard let index = links.firstIndex(where: { $0.digest == digest }) else { return false }
        return now < links.remove(at: index).ends
    }
}
