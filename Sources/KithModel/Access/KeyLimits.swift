// SPDX-License-Identifier: Apache-2.0

/// How soon somebody wants to be answered.
package enum RequestPriority: String, Hashable, Sendable, Codable, CaseIterable, Comparable {
    /// Work that can wait: it uses what people leave free.
    case batch
    /// Somebody waits for it.
    case interactive

    package static func < (left: RequestPriority, right: RequestPriority) -> Bool {
        left == .batch && right == .interactive
    }
}

/// What the holder of a key may use at most; without any of it, what its scopes say.
package struct KeyLimits: Hashable, Sendable {
    package static let tokenCounts = 1...1_000_000_000_000
    package static let requestCounts = 1...10_000
    package static let modelLimit = 64
    /// Bytes of a model's name.
    package static let longestModel = 256
    package static let addressLimit = 64

    /// Requests of any kind.
    package var rate: RequestRate?
    /// Tokens read and made, from midnight to midnight in UTC.
    package var tokensPerDay: Int?
    /// Answers, embeddings and the like that are under way.
    package var concurrent: Int?
    package var priority = RequestPriority.interactive
    /// Models and aliases that may be asked for; empty for all.
    package var models: [ModelID] = []
    /// Where requests may come from; empty for everywhere.
    package var addresses: [AddressRange] = []

    package init(
        rate: RequestRate? = nil, tokensPerDay: Int? = nil, concurrent: Int? = nil,
        priority: RequestPriority = .interactive, models: [ModelID] = [], addresses: [AddressRange] = []
    ) {
        self.rate = rate
        self.tokensPerDay = tokensPerDay
        self.concurrent = concurrent
        self.priority = priority
        self.models = models
        self.addresses = addresses
    }

    /// What is wrong with it, in words that name the member; `nil` for limits that a key can have.
    package var fault: (member: String, words: String)? {
        if let tokensPerDay, !Self.tokenCounts.contains(tokensPerDay) {
            return ("tokens_per_day", "must be from \(Self.tokenCounts.lowerBound) to \(Self.tokenCounts.upperBound)")
        }
        if let concurrent, !Self.requestCounts.contains(concurrent) {
            return ("concurrent", "must be from \(Self.requestCounts.lowerBound) to \(Self.requestCounts.upperBound)")
        }
        guard models.count <= Self.modelLimit, models.allSatisfy(Self.isName) else {
            let words = "must be at most \(Self.modelLimit) names of 1 to \(Self.longestModel) bytes without spaces"
            return ("models", words)
        }
        guard addresses.count <= Self.addressLimit else {
            return ("addresses", "must be at most \(Self.addressLimit)")
        }
        return nil
    }

    private static func isName(_ model: ModelID) -> Bool {
        (1...longestModel).contains(model.rawValue.utf8.count)
            && model.rawValue.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }
}
