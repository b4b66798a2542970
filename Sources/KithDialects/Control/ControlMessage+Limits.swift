// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension ControlMessage {
    /// What the holder of a key may use at most, as a key's JSON says it; members that are missing limit nothing.
    package struct Limits: Codable, Hashable, Sendable {
        /// Such as `60/min`.
        package var rate: String?
        package var tokensPerDay: Int?
        package var concurrent: Int?
        package var priority: String?
        package var models: [String]?
        /// Addresses, and ranges of them such as `10.0.0.0/8`.
        package var addresses: [String]?

        package init(
            rate: String? = nil, tokensPerDay: Int? = nil, concurrent: Int? = nil, priority: String? = nil,
            models: [String]? = nil, addresses: [String]? = nil
        ) {
            self.rate = rate
            self.tokensPerDay = tokensPerDay
            self.concurrent = concurrent
            self.priority = priority
            self.models = models
            self.addresses = addresses
        }

        package init(_ limits: KeyLimits) {
            self.init(
                rate: limits.rate?.description, tokensPerDay: limits.tokensPerDay, concurrent: limits.concurrent,
                priority: limits.priority.rawValue, models: limits.models.isEmpty ? nil : limits.models.map(\.rawValue),
                addresses: limits.addresses.isEmpty ? nil : limits.addresses.map(\.description))
        }

        private enum CodingKeys: String, CodingKey {
            case rate, concurrent, priority, models, addresses
            case tokensPerDay = "tokens_per_day"
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            rate = try container.decodeIfPresent(String.self, forKey: .rate)
            tokensPerDay = try container.decodeNumberIfPresent(Int.self, forKey: .tokensPerDay)
            concurrent = try container.decodeNumberIfPresent(Int.self, forKey: .concurrent)
            priority = try container.decodeIfPresent(String.self, forKey: .priority)
            models = try container.decodeIfPresent([String].self, forKey: .models)
            addresses = try container.decodeIfPresent([String].self, forKey: .addresses)
        }

        /// What is meant.
        ///
        /// - Throws: ``ControlError`` with `invalid` that names the member which is at fault.
        package func checked() throws(ControlError) -> KeyLimits {
            var limits = KeyLimits(tokensPerDay: tokensPerDay, concurrent: concurrent)
            if let rate {
                guard let known = RequestRate(rate) else {
                    throw ControlError(
                        .invalid,
                        "'rate' must be a count of 1 to \(RequestRate.counts.upperBound) per s, min, hour or day, such as 60/min"
                    )
                }
                limits.rate = known
            }
            if let priority {
                guard let known = RequestPriority(rawValue: priority) else {
                    throw ControlError(.invalid, "'priority' must be interactive or batch")
                }
                limits.priority = known
            }
            limits.models = Self.distinct((models ?? []).map { ModelID($0) })
            for text in addresses ?? [] {
                guard let range = AddressRange(text) else {
                    throw ControlError(
                        .invalid,
                        "'addresses' must be addresses or ranges such as 10.0.0.0/8 or 2001:db8::/32, with zeroes after the prefix"
                    )
                }
                if !limits.addresses.contains(range) { limits.addresses.append(range) }
            }
            if let fault = limits.fault { throw ControlError(.invalid, "'\(fault.member)' \(fault.words)") }
            return limits
        }

        private static func distinct(_ models: [ModelID]) -> [ModelID] {
            models.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
        }
    }

    /// One row of `GET /api/usage`.
    package struct Usage: Codable, Hashable, Sendable {
        /// In UTC, such as `2026-03-01`.
        package var day: String
        /// A key's id, or `local` for programs on the node's machine, or `owner` for its owner's commands.
        package var key: String
        /// What the key is called; missing for requests without one, and for keys that are not there any more.
        package var name: String?
        package var model: String
        package var node: String
        package var requests: Int
        package var promptTokens: Int
        package var completionTokens: Int

        package init(_ subject: UsageSubject, _ count: UsageCount, name: String?) {
            day = subject.day.description
            key = subject.holder
            self.name = name
            model = subject.model
            node = subject.node
            requests = count.requests
            promptTokens = count.promptTokens
            completionTokens = count.answerTokens
        }

        private enum CodingKeys: String, CodingKey {
            case day, key, name, model, node, requests
            case promptTokens = "prompt_tokens"
            case completionTokens = "completion_tokens"
        }

        package static let csvHeader = "day,key,name,model,node,requests,prompt_tokens,completion_tokens"

        /// A line of RFC 4180, without its end. A field that a spreadsheet would take for a formula is marked as text.
        package var csvLine: String {
            let texts = [day, key, name ?? "", model, node].map(Self.field)
            return (texts + [requests, promptTokens, completionTokens].map(String.init)).joined(separator: ",")
        }

        private static func field(_ text: String) -> String {
            let safe = text.first.map { "=+-@\t\r".contains($0) } == true ? "'" + text : text
            guard safe.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else { return safe }
            return "\"" + safe.replacing("\"", with: "\"\"") + "\""
        }
    }

    /// The answer to `GET /api/usage`: the newest day first.
    package struct UsageList: Codable, Sendable {
        package var usage: [Usage]

        package init(usage: [Usage]) { self.usage = usage }
    }
}
