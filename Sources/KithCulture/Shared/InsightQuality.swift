// SPDX-License-Identifier: Apache-2.0

/// Judges what was distilled: whether it is a sentence, and says something that was not said before.
package struct InsightQuality: Sendable {
    package enum Verdict: Hashable, Sendable {
        /// 0…1.
        case good(Double)
        /// Not worth keeping, and why.
        case poor(Fault)
    }

    package enum Fault: String, Hashable, Sendable {
        case tooShort = "too short"
        case tooLong = "too long"
        case notASentence = "not a sentence"
        case repetitive = "it repeats itself"
        case evasive = "it says nothing of the matter"
        case echo = "it only repeats what was asked"
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
        // Best between ten and thirty words; part of it is what of it was in the other's words.
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
