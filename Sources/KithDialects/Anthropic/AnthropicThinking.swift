// SPDX-License-Identifier: Apache-2.0

import KithModel

/// Whether and how much an engine of Anthropic's dialect is to think.
struct AnthropicThinking {
    /// The least that the API takes.
    private static let leastBudget = 1_024

    /// The value of `thinking`; `nil` leaves it to the model.
    private(set) var switching: JSONValue?
    /// The value of `output_config.effort`.
    private(set) var effort: JSONValue?
    /// The value of `max_tokens`, of which thoughts take their part.
    private(set) var maxTokens: Int

    /// A client of Anthropic's own dialect is passed on in its words; OpenAI's `reasoning_effort` is translated.
    ///
    /// Older models, and other servers that speak the dialect, are given a budget. Without a limit of the client's the budget
    /// comes on top of the default; else thoughts get at most half of the limit. A limit that has no room for the least
    /// budget leaves them out.
    init(_ request: ChatRequest, model: ModelID, defaultLimit: Int) {
        let extensions = request.extensions
        maxTokens = request.sampling.maxTokens ?? defaultLimit
        effort = extensions["output_config"]?["effort"].flatMap { $0.isNull ? nil : $0 }
        if let own = extensions["thinking"]?.objectValue, let type = own["type"]?.stringValue {
            let isPossible = type != "enabled" || Self.mayBudget(request.messages)
            switching = isPossible ? .object(Self.known(own)) : nil
        } else if effort == nil, let word = extensions["reasoning_effort"]?.stringValue, word != "none" {
            guard Self.takesBudget(model) else {
                switching = ["type": "adaptive"]
                effort = .string(Self.effort(word))
                return
            }
            guard Self.mayBudget(request.messages) else { return }
            let wanted = Self.budget(word)
            if request.sampling.maxTokens == nil { maxTokens = defaultLimit + wanted }
            let budget = request.sampling.maxTokens.map { min(wanted, max(Self.leastBudget, $0 / 2)) } ?? wanted
            if budget < maxTokens { switching = ["type": "enabled", "budget_tokens": .integer(Int64(budget))] }
        }
    }

    /// Without the ways to show thoughts that are not for all.
    private static func known(_ own: JSONObject) -> JSONObject {
        var own = own
        if let display = own["display"]?.stringValue, !["summarized", "omitted"].contains(display) {
            own["display"] = nil
        }
        return own
    }

    private static func budget(_ word: String) -> Int {
        switch word {
        case "minimal": leastBudget
        case "low": 2_048
        case "high": 16_384
        case "xhigh", "max": 32_768
        default: 8_192
        }
    }

    /// The nearest word that all models with efforts know.
    private static func effort(_ word: String) -> String {
        switch word {
        case "minimal", "low": "low"
        case "high", "xhigh", "max": "high"
        default: "medium"
        }
    }

    /// Claude's models refuse a budget from 4.6 on.
    static func takesBudget(_ model: ModelID) -> Bool {
        let words = model.rawValue.lowercased().split(separator: "-")
        guard words.contains(where: { $0.hasSuffix("claude") }) else { return true }
        // A longer number is a date.
        let numbers = words.drop { Int($0) == nil }.prefix { $0.count <= 2 && Int($0) != nil }.compactMap { Int($0) }
        guard let major = numbers.first else { return false }
        return (major, numbers.dropFirst().first ?? 0) < (4, 6)
    }

    /// With a budget, the API wants the thoughts that led to the calls whose results come last. Those of another engine
    /// are not signed: then the model goes on without, and thinks again at the next question.
    private static func mayBudget(_ messages: [ChatMessage]) -> Bool {
        guard let last = messages.last, last.role == .tool || last.role == .function else { return true }
        let caller = messages.last { $0.role == .assistant }
        return caller.map { $0.extra[AnthropicExtras.thoughts] != nil } ?? true
    }
}
