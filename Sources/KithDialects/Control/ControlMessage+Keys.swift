// SPDX-License-Identifier: Apache-2.0

package import KithModel

extension ControlMessage {
    /// The body of `POST /api/keys`.
    package struct KeyRequest: Codable, Sendable {
        package var name: String
        package var scopes: [Scope]
        /// Without it the key is valid until it is revoked.
        package var expiresSeconds: Int?
        package var limits: Limits?

        package init(name: String, scopes: [Scope], expiresSeconds: Int? = nil, limits: Limits? = nil) {
            self.limits = limits
            self.name = name
            self.scopes = scopes
            self.expiresSeconds = expiresSeconds
        }

        private enum CodingKeys: String, CodingKey {
            case name, scopes, limits
            case expiresSeconds = "expires_seconds"
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            name = try container.decode(String.self, forKey: .name)
            scopes = try container.decode([Scope].self, forKey: .scopes)
            expiresSeconds = try container.decodeNumberIfPresent(Int.self, forKey: .expiresSeconds)
            limits = try container.decodeIfPresent(Limits.self, forKey: .limits)
        }
    }

    /// A client's key, without its secret. Times are in RFC 3339's form.
    package struct Key: Codable, Sendable {
        package enum State: String, Codable, Sendable { case usable, expired, revoked }

        package var id: String
        package var name: String
        package var scopes: [Scope]
        package var state: State
        package var createdAt: String
        package var expiresAt: String?
        package var revokedAt: String?
        /// Missing from older nodes.
        package var limits: Limits?
        /// Tokens read and made since midnight in UTC; missing where that is not known.
        package var tokensToday: Int?

        package init(_ record: ClientKeyRecord, now: WallTime, tokensToday: Int? = nil) {
            limits = Limits(record.limits)
            self.tokensToday = tokensToday
            id = record.id
            name = record.name
            scopes = Scope.allCases.filter(record.scopes.contains)
            createdAt = record.createdAt.rfc3339
            expiresAt = record.expiresAt?.rfc3339
            revokedAt = record.revokedAt?.rfc3339
            let isExpired = record.expiresAt.map { $0 <= now } ?? false
            state = record.revokedAt != nil ? .revoked : isExpired ? .expired : .usable
        }

        private enum CodingKeys: String, CodingKey {
            case id, name, scopes, state, limits
            case tokensToday = "tokens_today"
            case createdAt = "created_at"
            case expiresAt = "expires_at"
            case revokedAt = "revoked_at"
        }
    }

    /// The answer to `POST /api/keys`.
    package struct NewKey: Codable, Sendable {
        /// What the client has to send. Shown this once.
        package var key: String
        /// In the same object as ``key``.
        package var details: Key

        package init(key: String, details: Key) {
            self.key = key
            self.details = details
        }

        private enum CodingKeys: String, CodingKey {
            case key
        }

        package init(from decoder: any Decoder) throws {
            key = try decoder.container(keyedBy: CodingKeys.self).decode(String.self, forKey: .key)
            details = try Key(from: decoder)
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(key, forKey: .key)
            try details.encode(to: encoder)
        }
    }

    /// The answer to `GET /api/keys`.
    package struct Keys: Codable, Sendable {
        package var keys: [Key]

        package init(keys: [Key]) { self.keys = keys }
    }
}
