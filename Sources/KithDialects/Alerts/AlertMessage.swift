// SPDX-License-Identifier: Apache-2.0

/// What a node says of alerts, below `/api/alerts`. Times are in RFC 3339's form.
package enum AlertMessage {
    /// The answer to `GET /api/alerts`.
    package struct Report: Codable, Hashable, Sendable {
        /// Firing first, then pending, then those that are over.
        package var alerts: [Alert]
        package var silences: [Silence]

        package init(alerts: [Alert], silences: [Silence]) {
            self.alerts = alerts
            self.silences = silences
        }
    }

    package struct Node: Codable, Hashable, Sendable {
        package var id: String
        package var name: String

        package init(id: String, name: String) {
            self.id = id
            self.name = name
        }
    }

    package struct Alert: Codable, Hashable, Sendable {
        /// The condition, such as `peer-down`.
        package var alert: String
        /// `firing`, `pending` or `resolved`.
        package var state: String
        package var severity: String
        /// Whom it is about.
        package var subject: Node
        package var since: String
        package var until: String?
        /// What is wrong, and what to do.
        package var text: String
        /// What was found.
        package var detail: String
        /// The names of the nodes that see it.
        package var seen_by: [String]
        /// The node that has told people.
        package var told_by: String?
        /// The silence that covers it.
        package var silence: String?

        package init(
            alert: String, state: String, severity: String, subject: Node, since: String, until: String?, text: String,
            detail: String, seen_by: [String], told_by: String?, silence: String?
        ) {
            self.alert = alert
            self.state = state
            self.severity = severity
            self.subject = subject
            self.since = since
            self.until = until
            self.text = text
            self.detail = detail
            self.seen_by = seen_by
            self.told_by = told_by
            self.silence = silence
        }
    }

    package struct Silence: Codable, Hashable, Sendable {
        package var id: String
        /// Missing for every condition.
        package var condition: String?
        /// Missing for every node.
        package var subject: Node?
        package var until: String
        package var reason: String
        package var created_at: String

        package init(
            id: String, condition: String?, subject: Node?, until: String, reason: String, created_at: String
        ) {
            self.id = id
            self.condition = condition
            self.subject = subject
            self.until = until
            self.reason = reason
            self.created_at = created_at
        }
    }

    /// The body of `POST /api/alerts/silences`.
    package struct SilenceRequest: Codable, Hashable, Sendable {
        package var condition: String?
        /// The name or id of a node.
        package var subject: String?
        package var minutes: Double
        package var reason: String?

        package init(condition: String?, subject: String?, minutes: Double, reason: String?) {
            self.condition = condition
            self.subject = subject
            self.minutes = minutes
            self.reason = reason
        }
    }
}
