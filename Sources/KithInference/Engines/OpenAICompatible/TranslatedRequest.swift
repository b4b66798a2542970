// SPDX-License-Identifier: Apache-2.0

import KithModel

/// How a request that a client made in another dialect is fitted to a server of OpenAI's dialect.
extension ChatRequest {
    /// - Parameters:
    ///   - server: Its name, where it is known.
    ///   - context: Tokens that prompt and answer may have together, where that is known.
    mutating func adapt(to server: String?, context: Int?) {
        guard let server, ["llamacpp", "vllm", "sglang"].contains(server) else { return }
        if extensions["reasoning_effort"] == "none" {
            // The switch that the templates of models have; these servers hand it to them.
            extensions["reasoning_effort"] = nil
            var switches = extensions["chat_template_kwargs"]?.objectValue ?? [:]
            switches["enable_thinking"] = false
            extensions["chat_template_kwargs"] = .object(switches)
        }
        if server == "vllm" { limitTokens(toContext: context) }
    }

    /// Wants no more tokens than the context has room for: vLLM refuses a request that could outgrow it, and clients of
    /// Anthropic's dialect want tens of thousands. The prompt may take a third more than is estimated.
    private mutating func limitTokens(toContext context: Int?) {
        guard let context, context > 0, let limit = sampling.maxTokens else { return }
        let prompt = estimatedPromptTokens
        let room = context - prompt - prompt / 3
        if room >= 1, room < limit { sampling.maxTokens = room }
    }

    /// Says without what the server refuses what can be said without it: a limit, an effort, a system message in the middle.
    ///
    /// - Returns: Whether anything has changed, so that it is worth asking again.
    mutating func avoid(whatIsRefusedIn failure: ChatError) -> Bool {
        // Templates of models fail before anything is read, as an error of the server.
        if [.invalidRequest, .unsupported, .engineError].contains(failure.code), Self.isAboutRoles(failure.message) {
            return foldSystemMessages()
        }
        guard failure.code == .invalidRequest || failure.code == .unsupported else { return false }
        let words = "\(failure.field ?? "") \(failure.message)"
        if words.contains("reasoning_effort"), extensions["reasoning_effort"] != nil {
            extensions["reasoning_effort"] = nil
            return true
        }
        if words.contains("chat_template_kwargs"), extensions["chat_template_kwargs"] != nil {
            extensions["chat_template_kwargs"] = nil
            return true
        }
        guard sampling.maxTokens != nil, words.contains("max_tokens") || words.contains("max_completion_tokens") else {
            return false
        }
        if sampling.limitName != .maxCompletionTokens, failure.field == "max_tokens",
            failure.message.contains("max_completion_tokens")
        {
            sampling.limitName = .maxCompletionTokens
        } else {
            sampling.maxTokens = nil
        }
        return true
    }

    private static func isAboutRoles(_ words: String) -> Bool {
        let words = words.lowercased()
        return ["system message must be", "roles must alternate", "system role", "user and assistant roles"]
            .contains(where: words.contains)
    }

    /// Puts system messages that stand in the middle into what the user says there.
    ///
    /// - Returns: Whether there were any.
    private mutating func foldSystemMessages() -> Bool {
        var folded: [ChatMessage] = []
        var isOpen = false
        for message in messages {
            let isInTheMiddle = message.role == .system && !folded.isEmpty
            if isInTheMiddle || (isOpen && message.role == .user), let last = folded.last,
                last.role == .user || last.role == .system
            {
                folded[folded.count - 1].content = last.content.followed(by: message.content)
            } else {
                folded.append(message)
                if isInTheMiddle { folded[folded.count - 1].role = .user }
            }
            isOpen = isInTheMiddle && folded.last?.role == .user
        }
        guard folded != messages else { return false }
        messages = folded
        return true
    }
}

extension MessageContent {
    /// Both, with an empty line between them.
    fileprivate func followed(by other: MessageContent) -> MessageContent {
        if case .text(let text) = self, case .text(let more) = other { return .text(text + "\n\n" + more) }
        return .parts(asParts + [["type": "text", "text": "\n\n"]] + other.asParts)
    }

    private var asParts: [JSONValue] {
        switch self {
        case .none: []
        case .text(let text): [["type": "text", "text": .string(text)]]
        case .parts(let parts): parts
        }
    }
}
