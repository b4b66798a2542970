// SPDX-License-Identifier: Apache-2.0

/// Who used what where on which day: what usage is counted by.
package struct UsageSubject: Hashable, Sendable {
    /// Whose requests have no key: those of programs on this machine, and of the owner's commands. No key's id is so short.
    package static let local = "local"
    package static let owner = "owner"
    /// Stands for models, nodes and keys beyond those that are counted apart.
    package static let others = "others"

    package var day: UTCDay
    /// The key's id, or one of the words above.
    package var holder: String
    package var model: String
    /// Of the node whose engine answered; empty where that is not known.
    package var node: String

    package init(day: UTCDay, holder: String, model: String, node: String) {
        self.day = day
        self.holder = holder
        self.model = model
        self.node = node
    }
}

/// Requests, and tokens read and made. Adding saturates.
package struct UsageCount: Hashable, Sendable {
    package var requests: Int
    package var promptTokens: Int
    package var answerTokens: Int

    package init(requests: Int = 0, promptTokens: Int = 0, answerTokens: Int = 0) {
        self.requests = requests
        self.promptTokens = promptTokens
        self.answerTokens = answerTokens
    }

    package init(_ use: RequestUse) {
        self.init(requests: 1, promptTokens: use.promptTokens, answerTokens: use.answerTokens)
    }

    package var tokens: Int { Self.sum(promptTokens, answerTokens) }

    package static func += (left: inout UsageCount, right: UsageCount) {
        left.requests = sum(left.requests, right.requests)
        left.promptTokens = sum(left.promptTokens, right.promptTokens)
        left.answerTokens = sum(left.answerTokens, right.answerTokens)
    }

    /// Of numbers that are not negative; at most what SQLite and JSON hold.
    package static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? most : min(sum, most)
    }

    /// 2⁵³ - 1: the greatest that every reader of JSON takes exactly.
    package static let most = 9_007_199_254_740_991
}

/// A day of the calendar in UTC, as the number of days since 1970-01-01.
package struct UTCDay: Hashable, Sendable, Comparable {
    package var number: Int

    package init(number: Int) { self.number = number }

    package init(_ time: WallTime) {
        let (days, rest) = time.milliseconds.quotientAndRemainder(dividingBy: Self.length)
        number = Int(rest < 0 ? days - 1 : days)
    }

    /// In milliseconds.
    private static let length: Int64 = 86_400_000

    package static func < (left: UTCDay, right: UTCDay) -> Bool { left.number < right.number }

    /// Its first moment.
    package var start: WallTime {
        let (product, overflow) = Int64(number).multipliedReportingOverflow(by: Self.length)
        return WallTime(milliseconds: overflow ? (number < 0 ? .min : .max) : product)
    }

    package func advanced(by days: Int) -> UTCDay {
        let (sum, overflow) = number.addingReportingOverflow(days)
        return UTCDay(number: overflow ? (days < 0 ? .min : .max) : sum)
    }
}

extension UTCDay: CustomStringConvertible {
    /// `2026-03-01`.
    package var description: String { String(start.rfc3339.prefix(10)) }
}
