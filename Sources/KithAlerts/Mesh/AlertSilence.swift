// SPDX-License-Identifier: Apache-2.0

package import KithModel

/// A time for which people are not told of some alerts. They are shown all the same.
package struct AlertSilence: Hashable, Sendable {
    /// Silences that kin keep together.
    package static let limit = 256
    /// Bytes.
    package static let reasonLimit = 512
    package static let longest = Duration.seconds(366 * 86_400)

    package var id: String
    /// `nil` stands for every condition.
    package var condition: AlertCondition?
    /// `nil` stands for every node.
    package var subject: NodeID?
    package var until: WallTime
    package var reason: String
    package var createdAt: WallTime

    package init(
        id: String, condition: AlertCondition?, subject: NodeID?, until: WallTime, reason: String, createdAt: WallTime
    ) {
        self.id = id
        self.condition = condition
        self.subject = subject
        self.until = until
        self.reason = reason
        self.createdAt = createdAt
    }

    package func covers(_ key: AlertKey, at now: WallTime) -> Bool {
        now < until && condition.map { $0 == key.condition } ?? true && subject.map { $0 == key.subject } ?? true
    }
}

extension AlertSilence {
    /// - Returns: `nil` for what no node of this version writes.
    package init?(id: String, _ json: JSONValue) {
        guard let until = json["until"].flatMap(WallTime.init(json:)),
            let createdAt = json["created_at"].flatMap(WallTime.init(json:)), let reason = json["reason"]?.stringValue
        else { return nil }
        var condition: AlertCondition?
        var subject: NodeID?
        if let text = json["condition"]?.stringValue {
            condition = AlertCondition(rawValue: text)
            if condition == nil { return nil }
        }
        if let text = json["subject"]?.stringValue {
            subject = NodeID(text)
            if subject == nil { return nil }
        }
        self.init(
            id: id, condition: condition, subject: subject, until: until, reason: reason, createdAt: createdAt)
    }

    /// What ``init(id:_:)`` reads.
    package var json: JSONValue {
        var fields: JSONObject = ["until": until.json, "created_at": createdAt.json, "reason": .string(reason)]
        fields["condition"] = condition.map { .string($0.rawValue) }
        fields["subject"] = subject.map { .string($0.description) }
        return .object(fields)
    }
}
