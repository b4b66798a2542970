// SPDX-License-Identifier: Apache-2.0

package import KithAlerts
package import KithModel

/// What a node makes alerts of, and how it tells people.
package struct AlertSettings: Sendable {
    package var rules: AlertRules
    /// How often the node is judged.
    package var interval: Duration
    /// A program and its arguments, run for every message.
    package var command: [String]
    package var webhooks: [WebhookAddress]
    package var secret: SecretSetting?

    package init(
        rules: AlertRules = AlertRules(), interval: Duration = .seconds(5), command: [String] = [],
        webhooks: [WebhookAddress] = [], secret: SecretSetting? = nil
    ) {
        self.rules = rules
        self.interval = interval
        self.command = command
        self.webhooks = webhooks
        self.secret = secret
    }

    init(_ values: SettingValues) throws(SettingError) {
        let holds = values.text(.alertsFor).flatMap(AlertNumbers.init)?.numbers ?? [:]
        self.init(
            rules: AlertRules(
                thresholds: values.text(.alertsThresholds).flatMap(AlertNumbers.init)?.numbers ?? [:],
                holds: holds.mapValues { .seconds(max(0, $0)) },
                off: Set(values.text(.alertsOff).map(SettingKind.entries)?.compactMap(AlertCondition.init) ?? []),
                keep: .seconds(try values.required(.alertsKeep, values.number(.alertsKeep)))),
            interval: .seconds(try values.required(.alertsInterval, values.number(.alertsInterval))),
            command: values.text(.alertsCommand).map(SettingKind.entries) ?? [],
            webhooks: values.text(.alertsWebhooks).map(SettingKind.entries)?.compactMap(WebhookAddress.init) ?? [],
            secret: try values.secretSetting(.alertsWebhookSecret))
    }
}

/// Numbers for some conditions, as settings have them: `peer-down=30,disk=1e9`.
struct AlertNumbers: Hashable, Sendable {
    /// A number of this size fits what it is compared with.
    private static let largest = 1e15

    let numbers: [AlertCondition: Double]

    /// - Returns: `nil` for a condition that there is not or that is there twice, and for what is no number.
    init?(_ text: String) {
        var numbers: [AlertCondition: Double] = [:]
        for entry in SettingKind.entries(text) {
            let parts = entry.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, let condition = AlertCondition(rawValue: String(parts[0])),
                let number = Double(parts[1]), abs(number) <= Self.largest,
                numbers.updateValue(number, forKey: condition) == nil
            else { return nil }
        }
        self.numbers = numbers
    }
}

/// Where a webhook is: an HTTP service, and the rest of the URL as it is, which may be a secret of the receiver's.
package struct WebhookAddress: Hashable, Sendable {
    private static let limit = 2_048

    package let origin: HTTPAddress
    /// Begins with `/`.
    package let path: String

    /// - Returns: `nil` unless it is an absolute URL of `http` or `https` without credentials or fragment.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.limit, let separator = text.firstRange(of: "://"),
            !text.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F || $0 == UInt8(ascii: "#") })
        else { return nil }
        let end = text[separator.upperBound...].firstIndex { $0 == "/" || $0 == "?" } ?? text.endIndex
        guard let origin = HTTPAddress(String(text[..<end])) else { return nil }
        self.origin = origin
        path = text[end...].hasPrefix("/") ? String(text[end...]) : "/" + text[end...]
    }
}
