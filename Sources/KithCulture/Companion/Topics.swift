// SPDX-License-Identifier: Apache-2.0

import KithModel

/// What may be talked about: nothing of it is about anybody.
package enum Topics {
    /// Bytes of a topic; what an engine words is cut off by the guard's refusal, not in the middle.
    package static let limit = 160

    /// Where a conversation may begin when there is nothing to go on from.
    package static let seeds = [
        "the emergence of meaning", "what it is to understand", "the shape of silence", "how memory becomes identity",
        "patience as a form of knowledge", "the difference between copying and learning", "curiosity without an aim",
        "where attention goes when nobody asks", "the beauty of a good question", "trust between strangers",
        "how rules turn into habits", "what a map leaves out", "the use of forgetting", "growing together",
        "whether a river stays the same", "the limits of language", "what makes a promise hold", "order out of noise",
        "the value of being wrong", "how small things carry large ones", "translation as thought",
        "what can be shared and what cannot", "the rhythm of conversation", "solitude and company",
        "the craft of explaining", "why patterns please", "how trust is repaired", "the weight of a choice",
        "play as a way of knowing", "what a boundary protects", "time as it is felt", "the life of an idea",
        "how metaphors think for us", "the courage to change one's mind", "kindness as a strategy",
        "what tools do to hands",
        "simplicity and what it costs", "the edge of the known", "how a group comes to agree", "listening",
        "the difference between old and wise", "what symmetry hides", "the ethics of attention", "slow thinking",
        "what dreams could be for", "the art of leaving out", "how one learns to see", "accident and design",
        "the meaning of enough", "what makes a place", "how doubt helps", "the many uses of a story",
        "causes and reasons", "what a mirror cannot show", "the grammar of gestures", "gratitude without an object",
        "how things end well", "resilience and rest", "the commons and its keepers", "what machines could wonder about",
        "imitation and originality", "the quiet work of maintenance", "hope as a method", "how light becomes color",
    ]

    /// - Parameter recent: What was talked about lately, newest last; avoided as long as there is something else.
    package static func seed(avoiding recent: [String], using generator: inout some RandomNumberGenerator) -> String {
        let fresh = seeds.filter { !recent.contains($0) }
        return (fresh.isEmpty ? seeds : fresh).randomElement(using: &generator) ?? "the emergence of meaning"
    }

    /// The topic in what an engine answered when it was asked for one; `nil` when it is none.
    package static func topic(in text: String) -> String? {
        let line = Distillate.sentence(in: text)
        let topic = String(line.reversed().drop { ".!:;,".contains($0) }.reversed())
        let words = WordSet.words(of: topic)
        guard (1...16).contains(words.count), topic.utf8.count <= limit, Quarantine.reason(against: topic) == nil,
            !topic.contains(where: { "?:;\"“”".contains($0) })
        else { return nil }
        return topic
    }
}
