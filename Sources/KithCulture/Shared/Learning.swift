// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// What becomes of a sentence that was distilled.
package enum Learning: Hashable, Sendable {
    case new(Insight)
    /// It has been said before.
    case again(InsightID)
    /// The owner has rejected it before.
    case unwanted(InsightID)
    case poor(InsightQuality.Fault)

    /// - Parameters:
    ///   - known: Insights that may say the same; see ``WordSignature``.
    ///   - heard: The text that it was distilled from.
    package static func decide(
        _ text: String, heard: String, known: [Insight], provenance: Insight.Provenance,
        using generator: inout some RandomNumberGenerator
    ) -> Learning {
        let quality: Double
        switch InsightQuality.judge(text, topic: provenance.topic, heard: heard) {
        case .poor(let fault): return .poor(fault)
        case .good(let found): quality = found
        }
        let words = WordSet(text)
        let nearest = known.map { (insight: $0, words: WordSet($0.text)) }
            .filter { words.says(theSameAs: $0.words) }
            .map { (insight: $0.insight, similarity: words.similarity(to: $0.words)) }
            .max { ($0.similarity, $1.insight.id) < ($1.similarity, $0.insight.id) }
        if let nearest {
            return nearest.insight.standing == .rejected ? .unwanted(nearest.insight.id) : .again(nearest.insight.id)
        }
        let standing = Quarantine.reason(against: text).map(Insight.Standing.waiting) ?? .live
        return .new(
            Insight(
                id: .random(using: &generator), text: text, provenance: provenance, quality: quality, standing: standing
            ))
    }
}

/// Finds the one sentence in what an engine made of an exchange.
package enum Distillate {
    /// The sentence without what engines put around it: a heading, quotes, a second sentence.
    package static func sentence(in text: String) -> String {
        let lines = text.split(whereSeparator: \.isNewline).lazy.map { withoutLabel($0.trimmingSpaces) }
        var line = String((lines.first { !$0.isEmpty } ?? "").drop { "\"'“”*-•_#> ".contains($0) })
        if let end = line.indices.first(where: { isEnd($0, of: line) }) { line = String(line[...end]) }
        while let last = line.last, "\"'“”*_ ".contains(last) { line.removeLast() }
        line.unicodeScalars.removeAll { $0.properties.generalCategory == .control }
        return line
    }

    private static func withoutLabel(_ line: String) -> String {
        guard let colon = line.firstIndex(of: ":"),
            labels.contains(line[..<colon].lowercased().filter { !"*#_".contains($0) }.trimmingSpaces)
        else { return line }
        return line[line.index(after: colon)...].trimmingSpaces
    }

    /// A full stop after a word and before a space, or at the end; not the one of "e.g." or "3.5".
    private static func isEnd(_ place: String.Index, of line: String) -> Bool {
        guard ".!?。！？".contains(line[place]) else { return false }
        let next = line.index(after: place)
        if "。！？".contains(line[place]) { return true }
        guard next == line.endIndex || line[next].isWhitespace || "\"”'*_".contains(line[next]) else { return false }
        let word = line[..<place].reversed().prefix { !$0.isWhitespace }
        return word.count >= 3 && !word.contains(".")
    }

    private static let labels: Set<String> = [
        "insight", "the insight", "key insight", "distilled insight", "one insight", "sentence", "answer", "summary",
        "takeaway", "key takeaway", "here is the insight", "here's the insight", "here is one sentence",
        "here's one sentence",
    ]
}

extension StringProtocol {
    fileprivate var trimmingSpaces: String {
        let start = firstIndex { !$0.isWhitespace } ?? endIndex
        let end = lastIndex { !$0.isWhitespace }.map(index(after:)) ?? start
        return String(self[start..<Swift.max(start, end)])
    }
}

/// Judges what was distilled: whether it is a sentence, and says something that was not said before.
package struct InsightQuality: Sendable {
    package enum Verdict: Hashable, Sendable {
        /// 0…1.
        case good(Double)
        /// Not worth keeping, and why.
        case poor(Fault)
    }

    package enum Fault: String, Hashable, Sendable {
        case tooShort = "the reply was too short"
        case tooLong = "the reply was too long"
        case notASentence = "the reply was no sentence"
        case repetitive = "the reply repeated itself"
        case evasive = "the reply was off topic"
        case echo = "the reply only repeated the question"
    }

    package static let words = 5...60

    package static func judge(_ text: String, topic: String, heard: String) -> Verdict {
        let words = WordSet.words(of: text)
        guard words.count >= Self.words.lowerBound else { return .poor(.tooShort) }
        guard words.count <= Self.words.upperBound, text.utf8.count <= 512 else { return .poor(.tooLong) }
        let scalars = text.unicodeScalars.filter { !$0.properties.isWhitespace }
        let letters = scalars.count { $0.properties.isAlphabetic || $0.properties.generalCategory == .nonspacingMark }
        guard Double(letters) >= 0.8 * Double(scalars.count) else { return .poor(.notASentence) }
        let variety = Double(Set(words).count) / Double(words.count)
        guard variety >= 0.5 else { return .poor(.repetitive) }
        let joined = words.joined(separator: " ")
        if evasions.contains(where: joined.contains) || courtesies.contains(where: joined.hasPrefix) {
            return .poor(.evasive)
        }
        let set = WordSet(text)
        guard set.words.count >= 3 else { return .poor(.evasive) }
        if set.words.subtracting(WordSet(topic).words).count < 2 { return .poor(.echo) }
        // The best length is ten to thirty words; `grounded` is the share of words that were heard from the peer.
        let length = words.count < 10 ? Double(words.count) / 10 : words.count > 30 ? 30 / Double(words.count) : 1
        let grounded = Double(set.words.intersection(WordSet(heard).words).count) / Double(set.words.count)
        return .good(0.4 * length + 0.3 * variety + 0.3 * grounded)
    }

    /// How small models begin when they have nothing to say.
    private static let courtesies = [
        "im glad", "i am glad", "im so glad", "im just so glad", "im happy", "im thrilled", "im excited",
        "im intrigued",
        "im not here", "id be happy", "id like to", "ill make sure", "awesome", "aw ", "sure", "greetings", "my friend",
        "youre right",
        "you are right", "thats a ", "thats an ", "thats the ", "this is a very", "this is the most", "this is a great",
        "this is a classic", "the most interesting idea", "you are a thoughtful", "youre not just a thoughtful",
        "you are an ai",
        "you are an artificial", "it seems that youre", "a very interesting", "a thought provoking", "thank you",
        "heres a",
        "the words are", "your writing",
    ]

    private static let evasions = [
        "as an ai", "language model", "i cannot", "i can not", "im sorry", "i am sorry", "i apologize", "unable to",
        "happy to help", "how can i help", "how can i assist", "feel free to", "let me know", "thank you for",
        "between the lines", "whatever it asks", "sentence of your own", "in conclusion", "here is a", "here are",
        "sure here",
    ]
}
