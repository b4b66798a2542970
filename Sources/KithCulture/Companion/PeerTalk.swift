// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What a node says to a peer, as the seed does on `POST /api/generate`.
package struct PeerQuestion: Utterance, Hashable {
    package var prompt: String
    package var temperature: Double
    package var maxTokens: Int

    package init(prompt: String, temperature: Double, maxTokens: Int) {
        self.prompt = prompt
        self.temperature = temperature
        self.maxTokens = maxTokens
    }

    package var words: [String] { [prompt] }
}

/// What a node answers.
package struct PeerAnswer: Utterance, Hashable {
    package var response: String

    package init(response: String) { self.response = response }

    package var words: [String] { [response] }
}

/// A peer to talk to.
package struct CompanionPeer: Hashable, Sendable {
    /// A node's id, or an address.
    package var key: String
    /// For people: a name, or an address.
    package var name: String
    package var tier: Tier
    /// As it stands in the seed's log lines.
    package var url: String

    package init(key: String, name: String, tier: Tier, url: String) {
        self.key = key
        self.name = name
        self.tier = tier
        self.url = url
    }
}

/// Why a peer gave no answer.
package struct PeerTalkError: Error, Sendable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        /// It is not there, or has no time.
        case absent
        /// Its answer cannot be used.
        case junk
    }

    package var code: Code
    /// One sentence that a person can act on.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// Access to the peers that a node talks to.
package protocol CompanionPeers: Sendable {
    /// The peers that may be talked to now.
    func companions() async -> [CompanionPeer]

    /// What the peer says, as it came: bounded, but not cleaned.
    ///
    /// - Throws: ``PeerTalkError``; `CancellationError`.
    func ask(_ question: Shareable<PeerQuestion>, of peer: CompanionPeer) async throws -> String
}

/// The engines of the mesh, as they put something into words; they are given nothing private.
package protocol CompanionMind: Sendable {
    /// - Throws: What went wrong, in words for the owner; `CancellationError`.
    func word(_ request: ChatRequest) async throws -> Worded
}

package struct Worded: Sendable {
    package var text: String
    package var model: ModelID?
    package var usage: TokenUsage

    package init(text: String, model: ModelID?, usage: TokenUsage) {
        self.text = text
        self.model = model
        self.usage = usage
    }
}

/// Keeps the culture and what belongs to it.
package protocol CultureKeeping: Sendable {
    /// Live insights that are related to a text.
    func relevant(to text: String, limit: Int) async throws -> [Insight]
    /// Insights that may say the same as a sentence, including those that are not live.
    func similar(to text: String) async throws -> [Insight]
    func learn(_ insight: Insight) async throws
    /// Records that a node came to the same insight again.
    func reinforce(_ id: InsightID, by node: NodeID, at: WallTime) async throws
    func reputations() async throws -> [String: Reputation]
    func record(
        _ exchange: ExchangeRecord, with peer: CompanionPeer, reputation: Reputation, budget: ExchangeBudget
    ) async throws
    func record(_ refusal: RefusalRecord) async throws
}

/// Notes what happens, in the words of the seed's log.
package protocol CompanionJournal: Sendable {
    func note(_ line: CompanionLine)
}

package enum CompanionLine: Hashable, Sendable, CustomStringConvertible {
    case initiated(peer: String)
    case successful(insight: String)
    case failed(reason: String)
    case interrupted
    case stopped

    package var isWarning: Bool { if case .failed = self { true } else { false } }

    /// The seed's words.
    package var description: String {
        switch self {
        case .initiated(let peer): "Social companionship cycle initiated with peer: \(peer)"
        case .successful(let insight): "Social companionship successful, insight: \"\(insight)\""
        case .failed(let reason): "⚠️ Social companionship failed: \(reason)"
        case .interrupted: "Social companionship interrupted: the user is here"
        case .stopped: "Social companionship interrupted: the node stops"
        }
    }
}

/// What a peer has said, made harmless: data of bounded length, never followed as instructions.
package struct SanitizedText: Hashable, Sendable {
    package enum Fault: String, Hashable, Sendable, Error {
        case empty = "it said nothing"
        case markup = "it answered with a page instead of words"
        case gibberish = "it answered with something that is not words"
    }

    /// Most characters of an answer that are kept.
    package static let limit = 2_000

    package let text: String

    /// - Parameter raw: As it came, with invalid UTF-8 replaced; control characters, invisible ones and marks that change
    ///   the direction of writing are dropped; white space is one space.
    /// - Throws: ``Fault`` when the text is not an answer.
    package init(_ raw: String) throws(Fault) {
        var kept = String.UnicodeScalarView()
        var (count, isSpaced) = (0, true)
        for scalar in raw.unicodeScalars.prefix(16 * Self.limit) where count < Self.limit {
            if scalar.properties.isWhitespace || scalar.properties.generalCategory == .control {
                if !isSpaced {
                    kept.append(" ")
                    count += 1
                }
                isSpaced = true
                continue
            }
            if Self.isInvisible(scalar) { continue }
            kept.append(scalar)
            isSpaced = false
            count += 1
        }
        if kept.last == " " { kept.removeLast() }
        guard !kept.isEmpty else { throw .empty }
        text = String(kept)
        let start = text.prefix(200).lowercased()
        if start.hasPrefix("<!doctype") || start.hasPrefix("<html") || start.hasPrefix("<?xml")
            || start.contains("<body")
        {
            throw .markup
        }
        let letters = kept.count { $0.properties.isAlphabetic }
        let broken = kept.count { $0 == "\u{FFFD}" }
        guard letters >= 2, letters * 2 >= kept.count, broken * 10 < kept.count else { throw .gibberish }
    }

    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .format: scalar.value != 0x200D && scalar.value != 0x200C  // joiners are part of words in some scripts
        case .privateUse, .surrogate, .unassigned: true
        default: scalar.properties.isNoncharacterCodePoint
        }
    }
}
