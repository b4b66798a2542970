// SPDX-License-Identifier: Apache-2.0

import KithModel

/// How many tokens Ollama is told to hold for one model (its option `num_ctx`).
///
/// Without it Ollama takes a default, often 4,096, whatever the model was made for, and shortens a longer prompt without a word.
/// A number that differs from the one with which a model is loaded makes Ollama load it anew, which takes seconds. So it is told
/// what is loaded, as long as that suffices, then the next power of two, and never less until the model has been unloaded.
struct OllamaContext: Sendable {
    /// Every version of Ollama holds at least this many, unless the model's own parameters say less.
    static let leastDefault = 2_048
    /// What Ollama takes on machines with little memory for graphics.
    static let ordinaryDefault = 4_096
    /// Kept for an answer whose length the request does not limit.
    static let ordinaryAnswer = 1_024
    /// A client's generous limit must not make a small machine keep room for what is seldom written.
    static let longestAnswer = 4_096
    /// After this long without a request Ollama may have unloaded the model (its `keep_alive` is five minutes).
    static let keepsLoaded = Duration.seconds(240)
    /// How often Ollama is asked what is loaded while that is unknown.
    static let looksEvery = Duration.seconds(5)
    /// How long a length for which there was no memory is not tried again.
    static let shortageLasts = Duration.seconds(600)

    /// The longest that is tried for a model of which nothing is known.
    static let longestUnasked = 131_072

    /// What the model was made for, or the owner allows; `nil` when unknown.
    private(set) var limit: Int?
    /// The model's own parameter `num_ctx`.
    private(set) var own: Int?
    /// Whether a provider answers, who knows best.
    private(set) var runsElsewhere = false
    /// What Ollama was told last.
    private(set) var told: Int?
    /// Whether an answer has begun since: until then it may be that there is no memory for it.
    private var isProved = false
    private var shortage: (length: Int, until: MonotonicInstant)?
    /// Requests that were told a length and have not come to an answer yet.
    private var underWay = 0
    private var lastUse: MonotonicInstant?
    private var lastLook: MonotonicInstant?

    init(limit: Int? = nil, own: Int? = nil) {
        describe(limit: limit, own: own)
    }

    mutating func describe(limit: Int?, own: Int?, runsElsewhere: Bool = false) {
        self.runsElsewhere = runsElsewhere
        self.limit = limit.map { max(1, $0) }
        self.own = own.map { max(1, $0) }
    }

    /// Tokens that a prompt and its answer take at most, roughly: an estimate from bytes can be wrong by a fifth.
    static func needed(by request: ChatRequest) -> Int {
        let prompt = request.estimatedPromptTokens + (request.begun?.tokens ?? 0)
        let answer = min(max(0, request.sampling.maxTokens ?? ordinaryAnswer), longestAnswer)
        return prompt.saturatingAdding(prompt / 4).saturatingAdding(answer).saturatingAdding(64)
    }

    /// Whether Ollama is to be asked what is loaded before ``begin(for:now:)``; of many requests at once one asks.
    mutating func takesLook(now: MonotonicInstant) -> Bool {
        if told != nil, let lastUse, now - lastUse <= Self.keepsLoaded { return false }
        if let lastLook, now - lastLook <= Self.looksEvery { return false }
        lastLook = now
        return true
    }

    /// - Parameters:
    ///   - loaded: With how many tokens the model is loaded; `nil` if it is not, or Ollama does not say.
    ///   - began: When Ollama was asked; what a request has needed since then counts more.
    mutating func saw(loaded: Int?, asked began: MonotonicInstant? = nil, now: MonotonicInstant) {
        lastLook = now
        if told != nil, let began, let lastUse, lastUse > began { return }
        told = loaded.flatMap { $0 > 0 ? min($0, limit ?? $0) : nil }
        isProved = told != nil
    }

    /// What Ollama is told for a request, which ends with ``end(_:as:now:)``.
    ///
    /// - Parameter needed: Tokens of the prompt and its answer.
    /// - Returns: `nil` to leave it to Ollama.
    mutating func begin(for needed: Int, now: MonotonicInstant) -> Int? {
        lastUse = now
        underWay += 1
        if let told, needed <= told { return told }
        let most = most(now: now) ?? Self.longestUnasked
        if told == nil, needed <= min(own ?? Self.leastDefault, most) {
            return nil
        }
        let raised = min(Self.powerOfTwo(from: max(needed, Self.ordinaryDefault)), most)
        let next = max(raised, told ?? min(own ?? 0, most))
        if next != told { isProved = false }
        told = next
        return told
    }

    /// What came of a request.
    enum End: Hashable, Sendable {
        /// The model is loaded: an answer has begun, or Ollama has counted the tokens.
        case loaded
        /// The engine failed, as it does when there is no memory, whatever its words are.
        case failed
        /// The client left, or the connection broke: nothing is known.
        case unknown
    }

    /// If no request with a length ever came to an answer, and none may yet, nobody else is told that number: Ollama is asked
    /// what it holds.
    ///
    /// - Parameter length: What ``begin(for:now:)`` gave.
    /// - Returns: Whether the length was too much, as far as is known.
    mutating func end(_ length: Int?, as end: End, now: MonotonicInstant) -> Bool {
        underWay -= 1
        guard let length, told == length, !isProved else { return false }
        if end == .loaded {
            isProved = true
            return false
        }
        guard end == .failed || underWay == 0 else { return false }
        told = nil
        lastLook = nil
        guard end == .failed, length > Self.ordinaryDefault else { return false }
        let known = shortage.flatMap { now < $0.until ? $0.length : nil }
        shortage = (min(length, known ?? length), now.advanced(by: Self.shortageLasts))
        return true
    }

    /// Ollama counted, and what it holds is too short.
    ///
    /// - Parameter tokens: Of the prompt; `nil` when it did not say.
    /// - Returns: What to ask for next; `nil` when there is no more to be had.
    func next(after length: Int?, counted tokens: Int?, now: MonotonicInstant) -> Int? {
        let had = length ?? told ?? own ?? Self.leastDefault
        let most = most(now: now) ?? Self.longestUnasked
        guard had < most else { return nil }
        return min(most, max(had.saturatingAdding(had), (tokens ?? 0).saturatingAdding(Self.ordinaryAnswer)))
    }

    /// Tokens that can be had at most; `nil` when unknown.
    func most(now: MonotonicInstant) -> Int? {
        guard let shortage, now < shortage.until else { return limit }
        let rest = max(Self.leastDefault, shortage.length / 2)
        return min(rest, limit ?? rest)
    }

    private static func powerOfTwo(from tokens: Int) -> Int {
        let bits = Int.bitWidth - max(1, tokens - 1).leadingZeroBitCount
        return bits < 31 ? 1 << bits : tokens
    }
}
