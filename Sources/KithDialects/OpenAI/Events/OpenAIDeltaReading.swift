// SPDX-License-Identifier: Apache-2.0

import KithModel

/// OpenAI's choices in the neutral form, and whole answers as the events they would have been.
enum OpenAIDeltaReading {
    private static let ownDelta: Set = ["role", "content", "reasoning", "reasoning_content", "refusal", "tool_calls"]
    private static let ownChoice: Set = ["index", "delta", "message", "text", "finish_reason"]

    static func delta(_ choice: JSONValue, kind: ChatRequest.Kind) -> ChatDelta {
        let members = choice.objectValue ?? [:]
        let delta = kind == .chat ? members["delta"]?.objectValue ?? [:] : ["content": members["text"] ?? ""]
        let calls = delta["tool_calls"]?.arrayValue ?? []
        return ChatDelta(
            text: delta["content"]?.stringValue ?? "",
            reasoning: said(delta["reasoning_content"]) ?? said(delta["reasoning"]), refusal: said(delta["refusal"]),
            toolCalls: calls.isEmpty ? nil : .array(calls), extra: rest(of: delta, but: ownDelta),
            choiceExtra: rest(of: members, but: ownChoice))
    }

    /// - Parameter choices: Those of the answer.
    static func events(ofWhole answer: JSONObject, _ choices: [JSONValue], kind: ChatRequest.Kind) -> [JSONObject] {
        var base = answer
        base.removeValue(forKey: "usage")
        if kind == .chat { base["object"] = "chat.completion.chunk" }
        var events: [JSONObject] = []
        func append(_ choice: JSONObject) {
            base["choices"] = .array([.object(choice)])
            events.append(base)
        }
        for (place, choice) in choices.enumerated() {
            guard case .object(var said) = choice else { continue }
            let index = said["index"] ?? .integer(Int64(place))
            let finish = said["finish_reason"] ?? .null
            said["index"] = index
            said["finish_reason"] = .null
            if kind == .chat { said["delta"] = said.removeValue(forKey: "message") ?? [:] }
            append(said)
            if finish.isNull { continue }
            let nothing: (String, JSONValue) = kind == .chat ? ("delta", [:]) : ("text", "")
            append(JSONObject([("index", index), nothing, ("finish_reason", finish)]))
        }
        if let usage = answer["usage"]?.objectValue {
            base["choices"] = []
            base["usage"] = .object(usage)
            events.append(base)
        }
        return events
    }

    private static func said(_ value: JSONValue?) -> String? {
        guard let text = value?.stringValue, !text.isEmpty else { return nil }
        return text
    }

    private static func rest(of members: JSONObject, but own: Set<String>) -> JSONObject {
        guard members.contains(where: { !own.contains($0.key) && !$0.value.isNull }) else { return [:] }
        return members.filter { !own.contains($0.key) && !$0.value.isNull }
    }
}
