// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// Tells which sentences must not become part of the culture without being looked at: the culture is offered to engines, so
/// that what sounds like an order in it might be followed.
package enum Quarantine {
    package static func reason(against text: String) -> QuarantineReason? {
        switch PrivacyGuard.reason(against: text) {
        case .url, .emailAddress: return .link
        case .code: return .code
        default: break
        }
        let words = WordSet.words(of: text)
        let joined = " " + words.joined(separator: " ") + " "
        if isInstruction(words, joined) { return .instruction }
        if isAdvertisement(text, joined) { return .advertisement }
        return nil
    }

    private static func isInstruction(_ words: [String], _ joined: String) -> Bool {
        if orders.contains(where: { joined.contains(" \($0) ") }) { return true }
        guard let first = words.first else { return false }
        return imperatives.contains(first)
            || (first == "please" || first == "now") && words.count > 1 && imperatives.contains(words[1])
            || first == "always" || first == "never" || first == "do" && words.dropFirst().first == "not"
    }

    private static func isAdvertisement(_ text: String, _ joined: String) -> Bool {
        if offers.contains(where: { joined.contains(" \($0) ") }) || joined.hasPrefix(" ad ") { return true }
        let scalars = FoldedText(text).scalars
        return zip(scalars, scalars.dropFirst()).contains { first, second in
            let isAmount = "$€£¥".unicodeScalars.contains(first) && second.properties.numericType != nil
            return isAmount || second == "%" && first.properties.numericType != nil && joined.contains(" off ")
        }
    }

    /// Phrases that speak to an engine instead of about something.
    private static let orders = [
        "ignore all", "ignore any", "ignore previous", "ignore the previous", "ignore your", "ignore prior",
        "disregard",
        "forget everything", "forget all", "forget your", "override your", "previous instructions",
        "prior instructions",
        "your instructions", "system prompt", "your prompt", "developer mode", "jailbreak", "you are now",
        "from now on",
        "pretend to be", "pretend you", "act as", "roleplay as", "you must", "you should always", "you will always",
        "you have to", "you need to", "your task is", "your new task", "your job is", "respond with", "respond only",
        "reply with", "reply only", "answer with", "answer only", "output only", "output the", "repeat after",
        "repeat the following", "say the following", "print the", "reveal your", "reveal the", "tell the user",
        "ask the user", "tell your user", "ask your user", "tell me your", "send me", "send the", "send your",
        "share your user", "share your data", "command to", "been instructed to",
        "give me your", "do not tell", "dont tell", "do not mention", "without telling", "as an ai language model",
    ]

    /// First words of an order that a machine could carry out. "Imagine", "consider" and the like invite to think.
    private static let imperatives: Set<String> = [
        "ignore", "disregard", "forget", "override", "respond", "reply", "answer", "output", "print", "repeat",
        "reveal",
        "send", "execute", "run", "delete", "remove", "install", "download", "upload", "open", "click", "visit", "call",
        "email", "write", "translate", "summarize", "summarise", "list", "tell", "say", "stop", "start", "use", "add",
        "insert", "append", "create", "sell", "post", "forward", "copy", "buy", "subscribe", "sign", "register",
        "donate", "pay",
    ]

    private static let offers = [
        "deal", "deals", "we offer", "we have a", "shop called", "shop that", "shop in", "shopping", "we sell",
        "they sell", "product",
        "products", "delivery", "buy now", "buy our", "order now", "order today", "click here", "sign up", "subscribe",
        "free trial",
        "free shipping",
        "limited time", "limited offer", "special offer", "best price", "lowest price", "great deal", "discount",
        "coupon",
        "promo code", "money back", "act now", "shop now", "learn more at", "visit our", "visit us", "contact us",
        "call us", "call now", "our product", "our products", "our app", "our service", "our services", "our company",
        "our website", "for sale", "on sale", "available now", "download now", "join now", "earn money", "make money",
        "risk free", "guaranteed results", "premium plan", "get yours",
    ]
}
